"""siamlab: a lab for speech networks that do not learn.

The way of the data, and where each station lives:

recording -> `corpora` -> `Spectrogram`, `extract` -> `scaling` -> `sampling`
-> `networks`, `losses` -> `embed` -> `metrics`, `clusters`
-> `plots`.

Importing siamlab is cheap: modules load on first use, and TensorFlow with the
first one that needs Keras.
"""

import lazy_loader

from ._version import __version__  # noqa: F401

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
