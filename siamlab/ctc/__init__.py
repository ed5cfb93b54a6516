"""Connectionist temporal classification (Graves et al., 2006).

- `Vocabulary`: the symbols of a network's outputs, and the position of the blank.
- `greedy_decode`, `beam_decode`: decode outputs to labels.
- `lattice`, `forced_alignment`: align labels with frames.
- `validate_batch`: find utterances that cannot be used for training, with the reason.

Notebook: 03_ctc_that_does_not_learn.
"""

from .alignment import forced_alignment, lattice
from .batch_validation import validate_batch
from .decoding import beam_decode, greedy_decode
from .vocabulary import Vocabulary

__all__ = [
    "Vocabulary",
    "beam_decode",
    "forced_alignment",
    "greedy_decode",
    "lattice",
    "validate_batch",
]
