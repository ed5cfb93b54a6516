"""Losses of speaker networks.

Of one pair, to be read:

- `kl_hinge`, `contrastive`.

Of the distances that `networks.Siamese` gives, called as ``loss(same, distances)``:

- `DistanceHinge`, `DistanceContrastive`.

Over all pairs of a batch, called as ``loss(speaker_ids, outputs)``:

- `KLHinge`: divergence of softmax outputs, a hinge for each direction.
- `Contrastive`: Euclidean distance, squared hinge.
- `SupervisedContrastive`: softmax over cosines with the other rows.
- `GE2E`: softmax over cosines with the speakers' means.
- `Triplet`: semi-hard negatives.

Among all speakers of the training set, called as ``loss(speaker_ids, cosines)``:

- `AAMSoftmax`: softmax over cosines with an angular margin.

A loss of a batch sees (batch, units) outputs and (batch,) speaker ids, and returns
one number. Two rows with the same id are a pair of the same speaker; no row is
paired with itself.

Notebooks: 05_kl_hinge_loss, 10_better_losses.
"""

from .hinges import Contrastive, KLHinge
from .pairs import DistanceContrastive, DistanceHinge, contrastive, kl_hinge
from .softmax import GE2E, AAMSoftmax, SupervisedContrastive
from .triplets import Triplet

__all__ = [
    "AAMSoftmax",
    "Contrastive",
    "DistanceContrastive",
    "DistanceHinge",
    "GE2E",
    "KLHinge",
    "SupervisedContrastive",
    "Triplet",
    "contrastive",
    "kl_hinge",
]
