"""Softmax over cosines: a loss that asks which of these is the same speaker."""

import keras
import numpy as np
from keras import ops

from .. import distances
from ..errors import ArgumentError
from ._batches import Configured, check, mean, pairs


@keras.saving.register_keras_serializable(package="siamlab")
class SupervisedContrastive(Configured):
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

    _settings = ("temperature",)

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
        check(speaker_ids, outputs)
        same, different = pairs(speaker_ids)
        score = (1.0 - distances.pairwise_cosine(outputs)) / self.temperature
        others = ops.logical_or(same, different)
        score = ops.where(others, score, -1e9)  # a row does not choose itself
        log_p = ops.log_softmax(score, axis=-1)
        positives = ops.cast(same, log_p.dtype)
        number = ops.sum(positives, axis=-1)
        each = ops.sum(positives * log_p, axis=-1) / ops.maximum(number, 1.0)
        return -mean(each, number > 0)


@keras.saving.register_keras_serializable(package="siamlab")
class GE2E(Configured):
    """Generalized end-to-end loss, softmax variant (Wan et al., 2018).

    Each row of the batch is compared with the mean of each speaker, its own
    speaker's mean being taken without it. The paper learns the scale; here it is
    held, at the value where the paper begins. The paper's offset drops out of a
    softmax.

    Parameters
    ----------
    scale : float
        Cosines are multiplied by it.
    name : str
        As for any loss of Keras.
    dtype, reduction : optional
        As for any loss of Keras.

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

    def __init__(self, scale=10.0, name="ge2e", dtype=None, reduction=None):
        super().__init__(name=name, dtype=dtype, reduction=reduction)
        if not scale > 0:
            raise ArgumentError(f"scale must be positive; got {scale}. Try 10.")
        self.scale = float(scale)

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
        check(speaker_ids, outputs)
        same, _ = pairs(speaker_ids)
        unit = distances.unit(ops.cast(outputs, "float32"))
        others = ops.cast(same, unit.dtype)
        number = ops.sum(others, axis=-1, keepdims=True)
        # A row's own speaker without it, and every row's speaker with all rows.
        sums = others @ unit
        # Who is alone does not count; 0 would have no direction, and no gradient.
        own = distances.unit(ops.where(number > 0, sums, unit))
        means = distances.unit(sums + unit)
        to_own = self.scale * ops.sum(unit * own, axis=-1, keepdims=True)
        itself = ops.eye(ops.shape(unit)[0], dtype=unit.dtype)
        mine = (others + itself) > 0
        scores = ops.where(mine, to_own, self.scale * (unit @ ops.transpose(means)))
        # A speaker stands once for each of its rows: together they count as one.
        scores = scores - ops.log(number + 1.0)[:, 0]
        each = ops.logsumexp(scores, axis=-1) - to_own[:, 0]
        return mean(each, number[:, 0] > 0)


@keras.saving.register_keras_serializable(package="siamlab")
class AAMSoftmax(Configured):
    """Additive angular margin softmax, ArcFace (Deng et al., 2019).

    Names the speaker among all of the training set, from the cosines of
    `layers.CosineClassifier`; the angle to the right one is made larger by a margin
    first.

    Parameters
    ----------
    margin : float
        In radians.
    scale : float
        Cosines are multiplied by it.
    name : str
        As for any loss of Keras.
    dtype, reduction : optional
        As for any loss of Keras.

    Raises
    ------
    ArgumentError
        If a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> cosines = np.array([[1.0, 0.0], [0.0, 1.0]], dtype="float32")
    >>> sure = AAMSoftmax(margin=0.2)(np.array([0, 1]), cosines)
    >>> wrong = AAMSoftmax(margin=0.2)(np.array([1, 0]), cosines)
    >>> bool(sure < 1e-6), bool(wrong > 30)
    (True, True)
    """

    _settings = ("margin", "scale")

    def __init__(
        self, margin=0.2, scale=30.0, name="aam_softmax", dtype=None, reduction=None
    ):
        super().__init__(name=name, dtype=dtype, reduction=reduction)
        if not 0 <= margin < 1.5 or not scale > 0:
            raise ArgumentError(
                "margin must lie between 0 and 1.5 radians and scale be positive; "
                f"got margin={margin}, scale={scale}. Try 0.2 and 30."
            )
        self.margin = float(margin)
        self.scale = float(scale)

    def call(self, speaker_ids, cosines):
        """Compute the loss.

        Parameters
        ----------
        speaker_ids : tensor of int
            From 0 to speakers - 1, shape (batch,) or (batch, 1).
        cosines : tensor
            Shape (batch, speakers).

        Returns
        -------
        tensor
            One number.
        """
        check(speaker_ids, cosines)
        cosines = ops.cast(cosines, "float32")
        ids = ops.cast(ops.reshape(speaker_ids, (-1,)), "int32")
        right = ops.one_hot(ids, ops.shape(cosines)[-1])
        # Away from -1 and 1, where the arc cosine has no gradient (FAULTS S15).
        angle = ops.arccos(ops.clip(cosines, -1.0 + 1e-6, 1.0 - 1e-6))
        harder = ops.cos(ops.minimum(angle + self.margin, float(np.pi)))
        scores = self.scale * ops.where(right > 0, harder, cosines)
        return ops.mean(
            ops.sparse_categorical_crossentropy(ids, scores, from_logits=True)
        )
