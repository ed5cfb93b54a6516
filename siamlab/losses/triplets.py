"""Triplets: an anchor, one of its speaker, one of another."""

import keras
from keras import ops

from .. import distances
from ..errors import ArgumentError
from ._batches import Configured, check, mean, pairs

_FAR = 1e9


@keras.saving.register_keras_serializable(package="siamlab")
class Triplet(Configured):
    """Triplet loss with semi-hard negatives (Schroff, Kalenichenko and Philbin, 2015).

    For each pair of the same speaker, the negative is the nearest that is farther
    from the anchor than the positive is; where there is none, the farthest. The
    nearest of all would let the network collapse early in training.

    Parameters
    ----------
    margin : float
        How much farther the negative should be, as a squared distance of vectors
        of unit length, which ends at 4.
    name : str
        As for any loss of Keras.
    dtype, reduction : optional
        As for any loss of Keras.

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

    def __init__(self, margin=0.2, name="triplet", dtype=None, reduction=None):
        super().__init__(name=name, dtype=dtype, reduction=reduction)
        if not margin > 0:
            raise ArgumentError(
                f"margin must be positive; got {margin}. Squared distances of unit "
                "vectors are 4 at most; try 0.2."
            )
        self.margin = float(margin)

    def call(self, speaker_ids, outputs):
        """Compute the loss.

        Parameters
        ----------
        speaker_ids : tensor
            Shape (batch,) or (batch, 1).
        outputs : tensor
            Shape (batch, units); brought to unit length here.

        Returns
        -------
        tensor
            One number, the mean over the pairs of the same speaker.
        """
        check(speaker_ids, outputs)
        same, different = pairs(speaker_ids)
        # Of unit vectors the squared Euclidean distance is twice the cosine's.
        d = 2.0 * distances.pairwise_cosine(outputs)
        positive, negative = d[:, :, None], d[:, None, :]  # (anchor, other, third)
        farther = ops.logical_and(different[:, None, :], negative > positive)
        nearest = ops.min(ops.where(farther, negative, _FAR), axis=-1)
        farthest = ops.max(ops.where(different, d, -_FAR), axis=-1, keepdims=True)
        chosen = ops.where(ops.any(farther, axis=-1), nearest, farthest)
        there = ops.logical_and(same, ops.any(different, axis=-1, keepdims=True))
        return mean(ops.relu(self.margin + d - chosen), there)
