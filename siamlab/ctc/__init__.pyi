from .alignment import forced_alignment, lattice
from .batch_validation import min_frames, validate_batch
from .decoding import beam_decode, greedy_decode
from .vocabulary import Vocabulary

__all__ = [
    "Vocabulary",
    "beam_decode",
    "forced_alignment",
    "greedy_decode",
    "lattice",
    "min_frames",
    "validate_batch",
]
