"""Losses for speaker embeddings.

Of one pair, as plain functions:

- `kl_hinge`, `contrastive`.

Of the distances that `networks.Siamese` returns, called as ``loss(same, distances)``:

- `DistanceHinge`, `DistanceContrastive`.

Over all pairs of a batch, called as ``loss(speaker_ids, outputs)``:

- `KLHinge`: KL divergence of softmax outputs, one hinge for each direction.
- `Contrastive`: Euclidean distance, squared hinge.
- `SupervisedContrastive`: softmax over the cosine similarities to the other rows.
- `GE2E`: softmax over the cosine similarities to the mean of each speaker.
- `Triplet`: triplets with semi-hard negatives.

Among all speakers of the training set, called as ``loss(speaker_ids, cosines)``:

- `AAMSoftmax`: softmax over cosine similarities with an angular margin.

A loss over a batch takes speaker ids of shape (batch,) and outputs of shape
(batch, units), and returns one number. Two rows with the same id are a same-speaker
pair; no row is paired with itself.

Notebooks: 07_kl_hinge_loss, 09_better_losses.
"""

from .hinges import Contrastive, KLHinge
from .siamese import DistanceContrastive, DistanceHinge, contrastive, kl_hinge
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
