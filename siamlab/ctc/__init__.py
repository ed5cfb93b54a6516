"""Connectionist temporal classification (Graves et al., 2006).

- `Vocabulary`: the symbols of a network's outputs, and the position of the blank.
- `greedy_decode`, `beam_decode`: decode outputs to labels.
- `lattice`, `forced_alignment`: align labels with frames.
- `validate_batch`: find utterances that cannot be used for training, with the reason;
  `min_frames`: the frames that some labels need.

Notebooks: 03_ctc_from_scratch, 04_ctc_that_does_not_learn.
"""

import lazy_loader

# SciPy is imported on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
