"""Losses with a softmax over cosine similarities."""

import keras
import numpy as np
from keras import ops

from .. import distances
from ..errors import ArgumentError
from ._common import ConfiguredLoss, check_batch, masked_mean, pair_masks, positive


@keras.saving.register_keras_serializable(package="siamlab")
class SupervisedContrastive(ConfiguredLoss):
    """Supervised contrastive loss (Khosla et al., 2020).

    For each row, the loss is the cross-entropy of a softmax over the cosine
    similarities to all other rows of the batch. The targets are the other rows of the
    same speaker.

    Parameters
    ----------
    temperature : float
        Divisor of the cosine similarities. A smaller value gives the nearest rows more
        weight.
    **kwargs
        As for `keras.losses.Loss`.

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

    _settings = ("temperature",)

    def __init__(self, temperature=0.1, **kwargs):
        super().__init__(**kwargs)
        self.temperature = positive("temperature", temperature, "Try 0.1.")

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
            A scalar; rows without another row of the same speaker are ignored.
        """
        check_batch(speaker_ids, outputs)
        same, different = pair_masks(speaker_ids)
        scores = (1.0 - distances.pairwise_cosine(outputs)) / self.temperature
        is_other = ops.logical_or(same, different)  # all but the row itself
        log_p = ops.log_softmax(ops.where(is_other, scores, -1e9), axis=-1)
        same = ops.cast(same, log_p.dtype)
        n_positives = ops.sum(same, axis=-1)
        mean_log_p = ops.sum(same * log_p, axis=-1) / ops.maximum(n_positives, 1.0)
        return -masked_mean(mean_log_p, n_positives > 0)


@keras.saving.register_keras_serializable(package="siamlab")
class GE2E(ConfiguredLoss):
    """Generalized end-to-end loss, softmax variant (Wan et al., 2018).

    For each row, the loss is the cross-entropy of a softmax over the cosine
    similarities to the mean of each speaker. The mean of the row's own speaker excludes
    the row. In the paper the scale is learned; here it is fixed at the paper's initial
    value. The offset in the paper cancels in the softmax.

    Parameters
    ----------
    scale : float
        Factor of the cosine similarities.
    **kwargs
        As for `keras.losses.Loss`.

    Raises
    ------
    ArgumentError
        If the scale is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> outputs = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype="float32")
    >>> loss = GE2E(scale=10.0)
    >>> bool(loss(np.array([0, 0, 1, 1]), outputs) < 1e-4)
    True
    """

    _settings = ("scale",)

    def __init__(self, scale=10.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = positive("scale", scale, "Try 10.")

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
            A scalar; rows without another row of the same speaker are ignored.
        """
        check_batch(speaker_ids, outputs)
        same, different = pair_masks(speaker_ids)
        x = distances.normalize(ops.cast(outputs, "float32"))
        same = ops.cast(same, x.dtype)
        n_positives = ops.sum(same, axis=-1, keepdims=True)
        # Mean of a row's speaker without the row, and mean of each row's speaker.
        sums = same @ x
        # Zeros would have no gradient; these rows are ignored anyway.
        own_mean = distances.normalize(ops.where(n_positives > 0, sums, x))
        means = distances.normalize(sums + x)
        own_score = self.scale * ops.sum(x * own_mean, axis=-1, keepdims=True)
        all_scores = self.scale * (x @ ops.transpose(means))
        scores = ops.where(different, all_scores, own_score)
        # A speaker has one column per row: weighted, so that each speaker counts once.
        scores = scores - ops.log(n_positives + 1.0)[:, 0]
        cost = ops.logsumexp(scores, axis=-1) - own_score[:, 0]
        return masked_mean(cost, n_positives[:, 0] > 0)


@keras.saving.register_keras_serializable(package="siamlab")
class AAMSoftmax(ConfiguredLoss):
    """Additive angular margin softmax loss (AAM-softmax, ArcFace; Deng et al., 2019).

    The loss is the cross-entropy over all speakers of the training set, computed from
    the cosine similarities of `layers.CosineClassifier`. The margin is first added to
    the angle to the true speaker.

    Parameters
    ----------
    margin : float
        Angular margin in radians.
    scale : float
        Factor of the cosine similarities.
    **kwargs
        As for `keras.losses.Loss`.

    Raises
    ------
    ArgumentError
        If a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> cosines = np.array([[1.0, 0.0], [0.0, 1.0]], dtype="float32")
    >>> right = AAMSoftmax(margin=0.2)(np.array([0, 1]), cosines)
    >>> wrong = AAMSoftmax(margin=0.2)(np.array([1, 0]), cosines)
    >>> bool(right < 1e-6), bool(wrong > 30)
    (True, True)
    """

    _settings = ("margin", "scale")

    def __init__(self, margin=0.2, scale=30.0, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= margin < 1.5:
            raise ArgumentError(
                f"margin must be from 0 to 1.5 radians; got {margin}. Try 0.2."
            )
        self.margin = float(margin)
        self.scale = positive("scale", scale, "Try 30.")

    def call(self, speaker_ids, cosines):
        """Compute the loss.

        Parameters
        ----------
        speaker_ids : tensor of int
            From 0 to n_speakers - 1, shape (batch,) or (batch, 1).
        cosines : tensor
            Cosine similarities, shape (batch, n_speakers).

        Returns
        -------
        tensor
            A scalar.
        """
        check_batch(speaker_ids, cosines)
        cosines = ops.cast(cosines, "float32")
        ids = ops.cast(ops.reshape(speaker_ids, (-1,)), "int32")
        is_true = ops.one_hot(ids, ops.shape(cosines)[-1]) > 0
        # At -1 and 1 the arc cosine has no gradient (docs/doctor.md#s15).
        angles = ops.arccos(ops.clip(cosines, -1.0 + 1e-6, 1.0 - 1e-6))
        with_margin = ops.cos(ops.minimum(angles + self.margin, float(np.pi)))
        logits = self.scale * ops.where(is_true, with_margin, cosines)
        return ops.mean(
            ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)
        )
