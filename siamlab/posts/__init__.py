"""The source program's mistakes, each to be switched on alone.

Nothing here should be copied into a program of your own. Each function does what the
program of the call for help did; its docstring says what is wrong, what shows it, and
what does it right.

In the model and its loss:

- `prelu_head`: outputs that are no distribution.
- `clipped_kl`: a divergence that looks away where the outputs are wrong;
  `clipped_both`, `clipped_each`.
- `kl_one_way`: one of two directions.
- `MeanHinge`: one hinge for the mean of a batch.
- `broadcast_loss`: labels against distances of another shape.

In what is measured:

- `accuracy_of_distances`: the metric that perfect networks fail.
- `broadcast_accuracy`: the metric that is 0.5 whatever happens.
- `fresh_extractor`: embeddings of a network that was never trained.

All of it at once, and then not:

- `Recipe`: which of the mistakes are made; `POSTED` makes them all.
- `LADDER`: the mends, in the order in which one finds them.

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
from .recipe import LADDER, POSTED, Recipe, ladder

__all__ = [
    "LADDER",
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
