"""siamlab: why speech networks fail to learn, and how to find the cause.

The modules, in the order of the data flow: recording -> `corpora` -> `Spectrogram`,
`extract` -> `scaling` -> `sampling` -> `networks`, `losses` -> `embed` -> `metrics`,
`clusters` -> `plots`.

`import siamlab` is fast: each module is loaded on first use, and TensorFlow together
with the first module that needs Keras.
"""

import os

import lazy_loader

from ._version import __version__  # noqa: F401

# TensorFlow reads these when it starts. With its own allocator the memory of a training
# step is reused for the next one. The C library returns large tensors to the system
# instead, which costs a quarter of the training time (benchmarks/README.md).
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")
# The default limit is 64 GB on every machine; this is 16 TB.
os.environ.setdefault("TF_CPU_BFC_MEM_LIMIT_IN_MB", str(2**24))

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
