"""The two programs of the questions on Stack Overflow, and what is wrong with them.

- `siamese`: the siamese network that never gets over 0.5 accuracy (53581298).
- `ctc`: the CTC network that "does not learn" (53643790).
- `FIXES`: the faults of the siamese program, in the order in which one would find them.
- `with_fixes`: the siamese program with some of them fixed.

These programs contain faults on purpose: do not copy them.

Notebooks: 04_ctc_that_does_not_learn, 06_never_above_half.
"""

import lazy_loader

# Keras takes seconds to import, so each name is loaded on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
