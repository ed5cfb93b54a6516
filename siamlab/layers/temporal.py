"""Layers along the time axis: masks, subsampling, pooling."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="siamlab")
class SequenceMask(keras.layers.Layer):
    """Convert lengths to a mask for recurrent layers.

    Parameters
    ----------
    **kwargs
        As for `keras.layers.Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> mask = SequenceMask()(np.zeros((2, 3, 8)), np.array([3, 1]))
    >>> np.asarray(mask).tolist()
    [[True, True, True], [True, False, False]]
    """

    def call(self, spectrogram, frames):
        """Compute the mask.

        Parameters
        ----------
        spectrogram : tensor
            Shape (batch, time, mel); only its length is used.
        frames : tensor of int
            Number of frames of each utterance, shape (batch,).

        Returns
        -------
        tensor of bool
            Shape (batch, time), True for the frames of the utterance.
        """
        time = ops.arange(ops.shape(spectrogram)[1], dtype="int32")
        return time[None, :] < ops.cast(frames, "int32")[:, None]


@keras.saving.register_keras_serializable(package="siamlab")
class TemporalSubsampling(keras.layers.Layer):
    """Keep every n-th frame, starting with the first.

    Parameters
    ----------
    stride : int
        The value of n; 1 keeps all frames.
    **kwargs
        As for `keras.layers.Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> TemporalSubsampling(2)(np.zeros((1, 5, 8))).shape
    TensorShape([1, 3, 8])
    """

    def __init__(self, stride, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride
        self.supports_masking = True

    def call(self, inputs):
        """Select the frames.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, time, ...).

        Returns
        -------
        tensor
            Shape (batch, time / stride rounded up, ...).
        """
        return inputs[:, :: self.stride]

    def compute_mask(self, inputs, previous_mask):
        """Select the same frames of a mask.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, time, ...).
        previous_mask : tensor of bool or None
            Shape (batch, time).

        Returns
        -------
        tensor of bool or None
            Shape (batch, time / stride rounded up).
        """
        return None if previous_mask is None else previous_mask[:, :: self.stride]

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable(package="siamlab")
class StatisticsPooling(keras.layers.Layer):
    """Mean and standard deviation over time (Snyder et al., 2018).

    The shape of the output does not depend on the number of frames, so a network with
    this layer accepts utterances of any length.

    Parameters
    ----------
    **kwargs
        As for `keras.layers.Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[[1.0], [3.0]]], dtype="float32")
    >>> np.asarray(StatisticsPooling()(x)).round(2).tolist()
    [[2.0, 1.0]]
    """

    def call(self, inputs):
        """Compute means and standard deviations.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, time, units).

        Returns
        -------
        tensor
            Shape (batch, 2 * units): the means, then the standard deviations.
        """
        x = ops.cast(inputs, "float32")  # in float16, squares overflow above 256
        mean = ops.mean(x, axis=1, keepdims=True)
        variance = ops.mean(ops.square(x - mean), axis=1)
        # The gradient of a square root at 0 is infinite (docs/doctor.md#s15).
        deviation = ops.sqrt(variance + 1e-5)
        pooled = ops.concatenate([mean[:, 0], deviation], axis=-1)
        return ops.cast(pooled, inputs.dtype)
