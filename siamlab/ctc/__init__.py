"""Connectionist temporal classification (Graves et al., 2006).

- `Symbols`: the phones that a network can say, and where its blank is.
- `greedy`, `beam`: from a network's outputs to phones.
- `preflight`: which utterances of a batch have no chance, and why.
- `lattice`, `forced_alignment`: which output stands at which time.

Notebook: 03_ctc_that_does_not_learn.
"""

from .alignment import forced_alignment, lattice
from .decoding import beam, greedy
from .preflight import preflight
from .symbols import Symbols

__all__ = [
    "Symbols",
    "beam",
    "forced_alignment",
    "greedy",
    "lattice",
    "preflight",
]
