"""Importing TensorFlow and Keras without the lines that TensorFlow prints.

- `quiet_tensorflow`: import both, silently, with the settings below.
"""

import contextlib
import os

__all__ = ["quiet_tensorflow"]

# TensorFlow reads these environment variables when it starts.
_SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Reuse the memory of a training step for the next one. The allocator of the C
    # library returns large tensors to the system instead, which costs a quarter of
    # the training time on one core and a third on two (benchmarks/README.md).
    "TF_CPU_ALLOCATOR_USE_BFC": "1",
    # The default limit is 64 GB on every machine; this is 16 TB.
    "TF_CPU_BFC_MEM_LIMIT_IN_MB": str(2**24),
}


def quiet_tensorflow():
    """Import Keras and TensorFlow without TensorFlow's start-up lines.

    Call it before the first import of Keras. It also makes TensorFlow reuse the memory
    of a training step on the CPU, which is 1.3 to 1.5 times as fast. Environment
    variables that are set already are kept.

    `siamlab.course.start` and the command line call it.

    Notes
    -----
    TensorFlow writes these lines to file descriptor 2, not to `sys.stderr`; the
    descriptor points to the null device during the import. Python exceptions are
    raised as usual.

    Examples
    --------
    >>> quiet_tensorflow()
    >>> import keras
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with discard_output(descriptor=2):
        import keras

        # Not on JAX, which cannot join other processes after its first tensor.
        if keras.backend.backend() == "tensorflow":
            keras.ops.zeros(())  # prints the last lines


@contextlib.contextmanager
def discard_output(descriptor):
    """Point a file descriptor to the null device."""
    saved = os.dup(descriptor)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), descriptor)
    try:
        yield
    finally:
        os.dup2(saved, descriptor)
        os.close(saved)
