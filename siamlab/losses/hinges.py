"""Hinge losses over all pairs of a batch."""

import keras
from keras import ops

from .. import distances
from ..errors import ArgumentError
from ._common import ConfiguredLoss, check_batch, masked_mean, pair_masks, positive

_WEIGHTINGS = ("balanced", "pairs")


class _PairwiseLoss(ConfiguredLoss):
    """A cost for each ordered pair of a batch, reduced to one number."""

    _settings: tuple[str, ...] = ("margin", "weighting")
    _hint = ""

    def __init__(self, margin, weighting, **kwargs):
        super().__init__(**kwargs)
        if weighting not in _WEIGHTINGS:
            raise ArgumentError(
                f"weighting must be one of {', '.join(_WEIGHTINGS)}; got {weighting!r}"
            )
        self.margin = positive("margin", margin, self._hint)
        self.weighting = weighting

    def _weigh(self, speaker_ids, positive, negative):
        """Weigh costs (batch, batch) of same-speaker and of different-speaker pairs."""
        same, different = pair_masks(speaker_ids)
        if self.weighting == "balanced":
            return masked_mean(positive, same) + masked_mean(negative, different)
        cost = ops.where(same, positive, ops.where(different, negative, 0.0))
        n = ops.cast(ops.shape(cost)[0], cost.dtype)
        return ops.sum(cost) / ops.maximum(n * (n - 1.0) / 2.0, 1.0)


@keras.saving.register_keras_serializable(package="siamlab")
class KLHinge(_PairwiseLoss):
    """Hinge loss on KL divergences, over all pairs of a batch in both directions.

    Each pair has the loss `kl_hinge` (Hsu and Kira, 2016). The divergences of all pairs
    are computed as one matrix product.

    Parameters
    ----------
    margin : float
        Divergence in nats above which the loss of a different-speaker pair is zero. The
        divergence of two random softmax outputs with 128 units is about 0.1, so 3 is a
        large margin.
    from_logits : bool
        Whether the outputs are logits rather than probabilities.
    weighting : {"balanced", "pairs"}
        "balanced" adds the mean over the same-speaker pairs and the mean over the
        different-speaker pairs, so that both kinds have equal weight. In a batch of 32
        speakers with 4 segments each, only 2 % of the pairs are same-speaker pairs.
        "pairs" averages over all pairs, as in the paper.
    **kwargs
        As for `keras.losses.Loss`.

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

    def __init__(self, margin=3.0, from_logits=False, weighting="balanced", **kwargs):
        super().__init__(margin, weighting, **kwargs)
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
            A scalar.
        """
        check_batch(speaker_ids, outputs)
        d = distances.pairwise_kl(outputs, self.from_logits)
        return self._weigh(speaker_ids, d, ops.relu(self.margin - d))


@keras.saving.register_keras_serializable(package="siamlab")
class Contrastive(_PairwiseLoss):
    """Contrastive loss over all pairs of a batch.

    Each pair has the loss `contrastive` (Hadsell, Chopra and LeCun, 2006).

    Parameters
    ----------
    margin : float
        Euclidean distance above which the loss of a different-speaker pair is zero. The
        distance between outputs of unit length is at most 2.
    weighting : {"balanced", "pairs"}
        As for `KLHinge`.
    **kwargs
        As for `keras.losses.Loss`.

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

    _hint = "Distances of unit vectors are at most 2; try 1."

    def __init__(self, margin=1.0, weighting="balanced", **kwargs):
        super().__init__(margin, weighting, **kwargs)

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
            A scalar.
        """
        check_batch(speaker_ids, outputs)
        d = distances.pairwise_euclidean(outputs)
        negative = ops.square(ops.relu(self.margin - d))
        # Half the square, and half again because each pair occurs twice in d.
        return self._weigh(speaker_ids, ops.square(d) / 4.0, negative / 4.0)
