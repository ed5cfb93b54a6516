from . import (
    audio,
    callbacks,
    clusters,
    corpora,
    distances,
    embeddings,
    errors,
    features,
    layers,
    losses,
    metrics,
    networks,
    plots,
    progress,
    sampling,
    scaling,
    store,
)
from ._version import __version__
from .embeddings import embed
from .errors import SiamlabError
from .features import Features, Spectrogram, extract

__all__ = [
    "Features",
    "SiamlabError",
    "Spectrogram",
    "__version__",
    "audio",
    "callbacks",
    "clusters",
    "corpora",
    "distances",
    "embed",
    "embeddings",
    "errors",
    "extract",
    "features",
    "layers",
    "losses",
    "metrics",
    "networks",
    "plots",
    "progress",
    "sampling",
    "scaling",
    "store",
]
