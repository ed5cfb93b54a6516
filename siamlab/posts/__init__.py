"""The siamese program as posted online, with each of its faults as a separate function.

Do not copy these functions into your own program. Each docstring explains what is
wrong, what the symptom is, and what to use instead.

In the model and its loss:

- `prelu_head`: outputs that are not distributions.
- `clipped_kl`: a clip without a gradient; `clipped_both`, `clipped_each`.
- `kl_one_way`: one direction of a divergence.
- `MeanHinge`: a mean over the batch before the hinge.
- `broadcast_loss`: labels and distances of different shapes.

In embeddings:

- `fresh_extractor`: embeddings of an untrained network.

The whole program, with the faults fixed one after another:

- `Recipe`: which faults are fixed; `POSTED` has all faults.
- `FIXES`: the fixes in order; `ladder`, the recipe after each of them.

Notebooks: 05_kl_hinge_loss, 06_accuracy_on_distances, 08_embeddings.
"""

import lazy_loader

# Keras takes seconds to import, so each name is loaded on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
