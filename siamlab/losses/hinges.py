"""Hinges over all pairs of a batch."""

import keras
from keras import ops

from .. import distances
from ..errors import ArgumentError
from ._batches import Configured, check, mean, pairs

_WEIGHTINGS = ("balanced", "pairs")


class _PairLoss(Configured):
    """A cost for each ordered pair of a batch, weighted to one number."""

    _settings: tuple[str, ...] = ("margin", "weighting")

    def __init__(self, margin, weighting, name, dtype=None, reduction=None):
        # One number comes out of `call`; there is nothing left to reduce.
        super().__init__(name=name, dtype=dtype, reduction=reduction)
        if not margin > 0:
            raise ArgumentError(f"margin must be positive; got {margin}. {self._hint}")
        if weighting not in _WEIGHTINGS:
            raise ArgumentError(
                f"weighting must be one of {', '.join(_WEIGHTINGS)}; got {weighting!r}"
            )
        self.margin = float(margin)
        self.weighting = weighting

    def _weigh(self, speaker_ids, together, apart):
        """Weigh costs (batch, batch) of same and of different speakers."""
        same, different = pairs(speaker_ids)
        if self.weighting == "balanced":
            return mean(together, same) + mean(apart, different)
        cost = ops.where(same, together, ops.where(different, apart, 0.0))
        rows = ops.cast(ops.shape(cost)[0], cost.dtype)
        return ops.sum(cost) / ops.maximum(rows * (rows - 1.0) / 2.0, 1.0)


@keras.saving.register_keras_serializable(package="siamlab")
class KLHinge(_PairLoss):
    """KL-hinge over all pairs of a batch, in both directions.

    The formula is `kl_hinge` (Hsu and Kira, 2016), computed in log space for all
    pairs as one matrix product.

    Parameters
    ----------
    margin : float
        How far different speakers are pushed apart, in nats. Two softmax outputs
        of 128 units that know nothing are about 0.1 apart: 3 is far.
    from_logits : bool
        Whether the outputs are logits rather than probabilities.
    weighting : {"balanced", "pairs"}
        In a batch of 32 speakers with 4 segments each, 2 % of the pairs are of
        the same speaker. "balanced" gives both kinds the same weight: the mean
        over one plus the mean over the other. "pairs" gives it to each pair, as
        in the paper: the sum over all, divided by the number of pairs.
    name : str
        As for any loss of Keras.
    dtype, reduction : optional
        As for any loss of Keras.

    Raises
    ------
    ArgumentError
        If the margin is not positive or the weighting unknown.

    Examples
    --------
    >>> import numpy as np
    >>> outputs = np.array([[0.5, 0.5], [0.9, 0.1]], dtype="float32")
    >>> balanced = KLHinge(margin=0.5)
    >>> round(float(balanced(np.array([0, 1]), outputs)), 4)
    0.066
    >>> each_pair = KLHinge(margin=0.5, weighting="pairs")
    >>> round(float(each_pair(np.array([0, 1]), outputs)), 4)
    0.1319
    """

    _settings = ("margin", "weighting", "from_logits")

    _hint = "Divergences are in nats; try 3."

    def __init__(
        self,
        margin=3.0,
        from_logits=False,
        weighting="balanced",
        name="kl_hinge",
        dtype=None,
        reduction=None,
    ):
        super().__init__(margin, weighting, name, dtype, reduction)
        self.from_logits = from_logits

    def call(self, speaker_ids, outputs):
        """Compute the loss.

        Parameters
        ----------
        speaker_ids : tensor
            Shape (batch,) or (batch, 1).
        outputs : tensor
            Probabilities or logits, shape (batch, units).

        Returns
        -------
        tensor
            One number.
        """
        check(speaker_ids, outputs)
        d = distances.pairwise_kl(outputs, self.from_logits)
        return self._weigh(speaker_ids, d, ops.relu(self.margin - d))


@keras.saving.register_keras_serializable(package="siamlab")
class Contrastive(_PairLoss):
    """Contrastive loss over all pairs of a batch.

    The formula is `contrastive` (Hadsell, Chopra and LeCun, 2006).

    Parameters
    ----------
    margin : float
        How far different speakers are pushed apart; distances of outputs of unit
        length end at 2.
    weighting : {"balanced", "pairs"}
        As for `KLHinge`.
    name : str
        As for any loss of Keras.
    dtype, reduction : optional
        As for any loss of Keras.

    Raises
    ------
    ArgumentError
        If the margin is not positive or the weighting unknown.

    Examples
    --------
    >>> import numpy as np
    >>> outputs = np.array([[0.0], [0.5]], dtype="float32")
    >>> float(Contrastive(margin=1.0, weighting="pairs")(np.array([0, 1]), outputs))
    0.125
    """

    _hint = "Outputs of unit length are 2 apart at most; try 1."

    def __init__(
        self,
        margin=1.0,
        weighting="balanced",
        name="contrastive",
        dtype=None,
        reduction=None,
    ):
        super().__init__(margin, weighting, name, dtype, reduction)

    def call(self, speaker_ids, outputs):
        """Compute the loss.

        Parameters
        ----------
        speaker_ids : tensor
            Shape (batch,) or (batch, 1).
        outputs : tensor
            Shape (batch, units).

        Returns
        -------
        tensor
            One number.
        """
        check(speaker_ids, outputs)
        d = distances.pairwise_euclidean(outputs)
        # Each pair stands twice in the matrix, and has one distance: so a quarter.
        apart = ops.square(ops.relu(self.margin - d))
        return self._weigh(speaker_ids, ops.square(d) / 4.0, apart / 4.0)
