"""Loss on triplets of an anchor, a positive and a negative segment."""

import keras
from keras import ops

from .. import distances
from ._common import ConfiguredLoss, check_batch, masked_mean, pair_masks, positive

_FAR = 1e9


@keras.saving.register_keras_serializable(package="siamlab")
class Triplet(ConfiguredLoss):
    """Triplet loss with semi-hard negatives (Schroff, Kalenichenko and Philbin, 2015).

    For each pair of an anchor and a positive, the negative is the nearest one that is
    farther from the anchor than the positive. If there is none, the farthest negative
    is used. Always choosing the nearest negative (hard negatives) can make the
    embeddings collapse early in training.

    Parameters
    ----------
    margin : float
        Required difference between the squared distances to the negative and to the
        positive. Squared distances of unit vectors are at most 4.
    **kwargs
        As for `keras.losses.Loss`.

    Raises
    ------
    ArgumentError
        If the margin is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> outputs = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype="float32")
    >>> float(Triplet(margin=0.2)(np.array([0, 0, 1, 1]), outputs))
    0.0
    """

    _settings = ("margin",)

    def __init__(self, margin=0.2, **kwargs):
        super().__init__(**kwargs)
        hint = "Squared distances of unit vectors are at most 4; try 0.2."
        self.margin = positive("margin", margin, hint)

    def call(self, speaker_ids, outputs):
        """Compute the loss.

        Parameters
        ----------
        speaker_ids : tensor
            Shape (batch,) or (batch, 1).
        outputs : tensor
            Shape (batch, units); scaled to unit length by the loss.

        Returns
        -------
        tensor
            A scalar, the mean over the same-speaker pairs.
        """
        check_batch(speaker_ids, outputs)
        same, different = pair_masks(speaker_ids)
        # The squared Euclidean distance of unit vectors is twice the cosine distance.
        d = 2.0 * distances.pairwise_cosine(outputs)
        to_positive, to_negative = d[:, :, None], d[:, None, :]
        is_farther = ops.logical_and(different[:, None, :], to_negative > to_positive)
        nearest = ops.min(ops.where(is_farther, to_negative, _FAR), axis=-1)
        farthest = ops.max(ops.where(different, d, -_FAR), axis=-1, keepdims=True)
        chosen = ops.where(ops.any(is_farther, axis=-1), nearest, farthest)
        has_negative = ops.any(different, axis=-1, keepdims=True)
        cost = ops.relu(self.margin + d - chosen)
        return masked_mean(cost, ops.logical_and(same, has_negative))
