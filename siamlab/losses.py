"""Losses of speaker networks, over all pairs of a batch.

Of one pair, for teaching; the classes below do the same for all pairs at once:

- `kl_hinge`, `contrastive`.

For `compile`, called as ``loss(speaker_ids, outputs)``:

- `KLHinge`: divergence of softmax outputs, a hinge for each direction.
- `Contrastive`: Euclidean distance, squared hinge.
- `SupervisedContrastive`: softmax over cosines.

Each sees (batch, units) outputs and (batch,) speaker ids, and returns one number.
Two rows with the same id are a pair of the same speaker; no row is paired with
itself.

Notebooks: 05_kl_hinge_loss, 10_better_losses.
"""

import keras
from keras import ops

from . import distances
from .errors import ArgumentError

__all__ = [
    "Contrastive",
    "KLHinge",
    "SupervisedContrastive",
    "contrastive",
    "kl_hinge",
]

_WEIGHTINGS = ("balanced", "pairs")


def kl_hinge(p, q, same, margin=3.0):
    """KL-hinge loss of one pair (Hsu and Kira, 2016).

    Parameters
    ----------
    p, q : tensor
        Probabilities, shape (..., units), rows summing to 1.
    same : tensor of bool or of 0 and 1
        Whether both are the same speaker, shape (...).
    margin : float
        How far different speakers are pushed apart, in nats.

    Returns
    -------
    tensor
        Shape (...). Same speaker: both divergences added. Different: what each
        lacks of the margin, added.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    >>> round(float(kl_hinge(p, q, same=True)), 4)
    0.8789
    >>> round(float(kl_hinge(p, q, same=False, margin=0.5)), 4)
    0.1319
    """
    there, back = distances.kl(p, q), distances.kl(q, p)
    apart = ops.relu(margin - there) + ops.relu(margin - back)
    return ops.where(ops.cast(same, "bool"), there + back, apart)


def contrastive(a, b, same, margin=1.0):
    """Contrastive loss of one pair (Hadsell, Chopra and LeCun, 2006).

    Parameters
    ----------
    a, b : tensor
        Shape (..., units).
    same : tensor of bool or of 0 and 1
        Whether both are the same speaker, shape (...).
    margin : float
        How far different speakers are pushed apart.

    Returns
    -------
    tensor
        Shape (...). Half the squared distance, or half the square of what it
        lacks of the margin.

    Examples
    --------
    >>> import numpy as np
    >>> float(contrastive(np.array([0.0]), np.array([0.5]), same=False))
    0.125
    """
    d = distances.euclidean(a, b)
    apart = ops.square(ops.relu(margin - d))
    return 0.5 * ops.where(ops.cast(same, "bool"), ops.square(d), apart)


def _check(speaker_ids, outputs):
    """Refuse shapes that would broadcast, or fail far from here (FAULTS S1)."""
    ids, rows = tuple(speaker_ids.shape), tuple(outputs.shape)
    column = len(ids) > 0 and ids[1:] in ((), (1,))
    if not column or len(rows) != 2 or len({ids[0], rows[0]} - {None}) > 1:
        raise ArgumentError(
            "a loss takes outputs of shape (batch, units) and one speaker id for "
            "each row, of shape (batch,) or (batch, 1); got outputs of shape "
            f"{rows} and ids of shape {ids}"
        )


def _pairs(speaker_ids):
    """Masks (batch, batch) of the ordered pairs: same speaker, and different."""
    ids = ops.reshape(speaker_ids, (-1,))
    same = ops.equal(ids[:, None], ids[None, :])
    itself = ops.cast(ops.eye(ops.shape(ids)[0]), "bool")
    return ops.logical_and(same, ops.logical_not(itself)), ops.logical_not(same)


def _mean(values, mask):
    """Mean over a mask, 0 where the mask is empty."""
    mask = ops.cast(mask, values.dtype)
    return ops.sum(values * mask) / ops.maximum(ops.sum(mask), 1.0)


class _PairLoss(keras.losses.Loss):
    """A cost for each ordered pair of a batch, weighted to one number."""

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
        same, different = _pairs(speaker_ids)
        if self.weighting == "balanced":
            return _mean(together, same) + _mean(apart, different)
        cost = ops.where(same, together, ops.where(different, apart, 0.0))
        rows = ops.cast(ops.shape(cost)[0], cost.dtype)
        return ops.sum(cost) / ops.maximum(rows * (rows - 1.0) / 2.0, 1.0)

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {
            **super().get_config(),
            "margin": self.margin,
            "weighting": self.weighting,
        }


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
        _check(speaker_ids, outputs)
        d = distances.pairwise_kl(outputs, self.from_logits)
        return self._weigh(speaker_ids, d, ops.relu(self.margin - d))

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {**super().get_config(), "from_logits": self.from_logits}


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
        _check(speaker_ids, outputs)
        d = distances.pairwise_euclidean(outputs)
        # Each pair stands twice in the matrix, and has one distance: so a quarter.
        apart = ops.square(ops.relu(self.margin - d))
        return self._weigh(speaker_ids, ops.square(d) / 4.0, apart / 4.0)


@keras.saving.register_keras_serializable(package="siamlab")
class SupervisedContrastive(keras.losses.Loss):
    """Supervised contrastive loss: a softmax over cosines (Khosla et al., 2020).

    Each row of the batch asks which of the others is the same speaker.

    Parameters
    ----------
    temperature : float
        Cosines are divided by it; smaller looks harder at the nearest.
    name : str
        As for any loss of Keras.
    dtype, reduction : optional
        As for any loss of Keras.

    Raises
    ------
    ArgumentError
        If the temperature is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> outputs = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype="float32")
    >>> loss = SupervisedContrastive(temperature=0.1)
    >>> bool(loss(np.array([0, 0, 1, 1]), outputs) < 1e-3)
    True
    >>> bool(loss(np.array([0, 1, 0, 1]), outputs) > 5)
    True
    """

    def __init__(
        self,
        temperature=0.1,
        name="supervised_contrastive",
        dtype=None,
        reduction=None,
    ):
        super().__init__(name=name, dtype=dtype, reduction=reduction)
        if not temperature > 0:
            raise ArgumentError(
                f"temperature must be positive; got {temperature}. Try 0.1."
            )
        self.temperature = float(temperature)

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
            One number; rows without another one of their speaker do not count.
        """
        _check(speaker_ids, outputs)
        same, different = _pairs(speaker_ids)
        score = (1.0 - distances.pairwise_cosine(outputs)) / self.temperature
        others = ops.logical_or(same, different)
        score = ops.where(others, score, -1e9)  # a row does not choose itself
        log_p = ops.log_softmax(score, axis=-1)
        positives = ops.cast(same, log_p.dtype)
        number = ops.sum(positives, axis=-1)
        mean = ops.sum(positives * log_p, axis=-1) / ops.maximum(number, 1.0)
        return -_mean(mean, number > 0)

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {**super().get_config(), "temperature": self.temperature}
