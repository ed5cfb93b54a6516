from .enrolment import enrol, trials
from .extraction import embed, extractor
from .layers import layer_sweep
from .proof import check_extractor
from .table import Embeddings

__all__ = [
    "Embeddings",
    "check_extractor",
    "embed",
    "enrol",
    "extractor",
    "layer_sweep",
    "trials",
]
