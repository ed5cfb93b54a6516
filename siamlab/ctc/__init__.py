"""Connectionist temporal classification (Graves et al., 2006).

- `Vocabulary`: the phones that a network can say, and where its blank is.
- `greedy_decode`, `beam_decode`: from a network's outputs to phones.
- `validate_batch`: which utterances of a batch have no chance, and why.
- `lattice`, `forced_alignment`: which output stands at which time.

Notebook: 03_ctc_that_does_not_learn.
"""

from .alignment import forced_alignment, lattice
from .decoding import beam_decode, greedy_decode
from .validation import validate_batch
from .vocabulary import Vocabulary

__all__ = [
    "Vocabulary",
    "beam_decode",
    "forced_alignment",
    "greedy_decode",
    "lattice",
    "validate_batch",
]
