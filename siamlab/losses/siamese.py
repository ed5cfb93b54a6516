"""Losses of one pair, as plain functions and for `networks.Siamese`."""

import keras
from keras import ops

from .. import distances
from ._common import ConfiguredLoss, check_pairs, positive


def kl_hinge(p, q, same, margin=3.0):
    """Hinge loss on the KL divergences of one pair (Hsu and Kira, 2016).

    Parameters
    ----------
    p, q : tensor
        Probabilities, shape (..., units), rows summing to 1.
    same : tensor of bool or of 0 and 1
        Whether both are from the same speaker, shape (...).
    margin : float
        Divergence in nats above which the loss of different speakers is zero.

    Returns
    -------
    tensor
        Shape (...). For the same speaker, the sum of both divergences. For different
        speakers, the sum of ``max(0, margin - divergence)`` over both directions.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    >>> round(float(kl_hinge(p, q, same=True)), 4)
    0.8789
    >>> round(float(kl_hinge(p, q, same=False, margin=0.5)), 4)
    0.1319
    """
    forward, backward = distances.kl(p, q), distances.kl(q, p)
    negative = ops.relu(margin - forward) + ops.relu(margin - backward)
    return ops.where(ops.cast(same, "bool"), forward + backward, negative)


def contrastive(a, b, same, margin=1.0):
    """Contrastive loss of one pair (Hadsell, Chopra and LeCun, 2006).

    Parameters
    ----------
    a, b : tensor
        Shape (..., units).
    same : tensor of bool or of 0 and 1
        Whether both are from the same speaker, shape (...).
    margin : float
        Euclidean distance above which the loss of different speakers is zero.

    Returns
    -------
    tensor
        Shape (...). For the same speaker, ``distance**2 / 2``. For different speakers,
        ``max(0, margin - distance)**2 / 2``.

    Examples
    --------
    >>> import numpy as np
    >>> float(contrastive(np.array([0.0]), np.array([0.5]), same=False))
    0.125
    """
    d = distances.euclidean(a, b)
    negative = ops.square(ops.relu(margin - d))
    return 0.5 * ops.where(ops.cast(same, "bool"), ops.square(d), negative)


class _DistanceLoss(ConfiguredLoss):
    """A loss of the distances that `networks.Siamese` outputs."""

    _settings = ("margin",)
    _hint = ""

    def __init__(self, margin, *, reduction="sum_over_batch_size", **kwargs):
        super().__init__(reduction=reduction, **kwargs)
        self.margin = positive("margin", margin, self._hint)

    def call(self, same, distance):
        """Compute the loss of each pair.

        Parameters
        ----------
        same : tensor
            1 for the same speaker, 0 for different ones, shape (batch,) or
            (batch, 1).
        distance : tensor
            Shape (batch, directions).

        Returns
        -------
        tensor
            Shape (batch,): one number per pair, independent of all other pairs
            (docs/doctor.md#s2).
        """
        check_pairs(same, distance)
        positive, negative = self._costs(distance)
        same = ops.cast(ops.reshape(same, (-1, 1)), "bool")
        return ops.sum(ops.where(same, positive, negative), axis=-1)


@keras.saving.register_keras_serializable(package="siamlab")
class DistanceHinge(_DistanceLoss):
    """Hinge loss on the distances of pairs, with one hinge per direction.

    With ``layers.Distance("kl")``, it equals `kl_hinge` (Hsu and Kira, 2016).

    Parameters
    ----------
    margin : float
        Distance above which different speakers cost nothing, in units of the distance.
    **kwargs
        As for `keras.losses.Loss`.

    Raises
    ------
    ArgumentError
        If the margin is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> distances = np.array([[0.5, 0.25], [0.5, 4.0]])
    >>> loss = DistanceHinge(margin=3.0, reduction=None)
    >>> np.asarray(loss(np.array([1, 0]), distances)).tolist()
    [0.75, 2.5]
    """

    _hint = "Divergences are in nats; try 3."

    def __init__(self, margin=3.0, **kwargs):
        super().__init__(margin, **kwargs)

    def _costs(self, d):
        return d, ops.relu(self.margin - d)


@keras.saving.register_keras_serializable(package="siamlab")
class DistanceContrastive(_DistanceLoss):
    """Contrastive loss on the distances of pairs.

    With ``layers.Distance("euclidean")``, it equals `contrastive` (Hadsell, Chopra and
    LeCun, 2006).

    Parameters
    ----------
    margin : float
        Distance above which different speakers cost nothing, in units of the distance.
    **kwargs
        As for `keras.losses.Loss`.

    Raises
    ------
    ArgumentError
        If the margin is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> loss = DistanceContrastive(margin=1.0, reduction=None)
    >>> np.asarray(loss(np.array([1, 0]), np.array([[0.5], [0.5]]))).tolist()
    [0.125, 0.125]
    """

    _hint = "Distances of unit vectors are at most 2; try 1."

    def __init__(self, margin=1.0, **kwargs):
        super().__init__(margin, **kwargs)

    def _costs(self, d):
        return 0.5 * ops.square(d), 0.5 * ops.square(ops.relu(self.margin - d))
