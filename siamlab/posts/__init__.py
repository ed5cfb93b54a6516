"""The siamese program as posted online, with each of its faults as a separate function.

Do not copy these functions into your own program. Each docstring explains what is
wrong, what the symptom is, and what to use instead.

In the model and its loss:

- `prelu_head`: outputs that are not distributions.
- `clipped_kl`: a clip without a gradient; `clipped_both`, `clipped_each`.
- `kl_one_way`: one direction of a divergence.
- `MeanHinge`: a mean over the batch before the hinge.
- `broadcast_loss`: labels and distances of different shapes.

In metrics and embeddings:

- `accuracy_of_distances`: 0.0 for a perfect network.
- `broadcast_accuracy`: 0.5 for every network.
- `fresh_extractor`: embeddings of an untrained network.

The whole program, with the faults fixed one after another:

- `Recipe`: which faults are fixed; `POSTED` has all faults.
- `FIXES`: the fixes in order; `ladder`, the recipe after each of them.

Notebooks: 05_kl_hinge_loss, 06_accuracy_on_distances, 08_embeddings.
"""

from .faults import (
    MeanHinge,
    accuracy_of_distances,
    broadcast_accuracy,
    broadcast_loss,
    clipped_both,
    clipped_each,
    clipped_kl,
    fresh_extractor,
    kl_one_way,
    prelu_head,
)
from .recipe import FIXES, POSTED, Recipe, ladder

__all__ = [
    "FIXES",
    "POSTED",
    "MeanHinge",
    "Recipe",
    "accuracy_of_distances",
    "broadcast_accuracy",
    "broadcast_loss",
    "clipped_both",
    "clipped_each",
    "clipped_kl",
    "fresh_extractor",
    "kl_one_way",
    "ladder",
    "prelu_head",
]
