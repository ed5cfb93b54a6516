"""Which frames of a padded batch are there, fewer of them, and none."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="siamlab")
class SequenceMask(keras.layers.Layer):
    """Turn lengths into a mask for recurrent layers.

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
        """Make the mask.

        Parameters
        ----------
        spectrogram : tensor
            Shape (batch, frames, bands); only its length is used.
        frames : tensor of int
            Shape (batch,).

        Returns
        -------
        tensor of bool
            Shape (batch, frames), true for the first frames of each row.
        """
        place = ops.arange(ops.shape(spectrogram)[1], dtype="int32")
        return place[None, :] < ops.cast(frames, "int32")[:, None]

    def compute_output_spec(self, spectrogram, frames):
        """Describe the mask.

        Parameters
        ----------
        spectrogram, frames : keras.KerasTensor
            As for `call`.

        Returns
        -------
        keras.KerasTensor
            Shape (batch, frames), bool.
        """
        return keras.KerasTensor(spectrogram.shape[:2], dtype="bool")


@keras.saving.register_keras_serializable(package="siamlab")
class TemporalSubsampling(keras.layers.Layer):
    """Keep the first of every n frames.

    Parameters
    ----------
    n : int
        The stride.
    **kwargs
        As for `keras.layers.Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> TemporalSubsampling(2)(np.zeros((1, 5, 8))).shape
    TensorShape([1, 3, 8])
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = n
        self.supports_masking = True

    def call(self, inputs):
        """Take the frames.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, frames, ...).

        Returns
        -------
        tensor
            Shape (batch, frames / n rounded up, ...).
        """
        return inputs[:, :: self.n]

    def compute_mask(self, inputs, previous_mask):
        """Thin a mask out as the frames are.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, frames, ...).
        previous_mask : tensor of bool or None
            Shape (batch, frames).

        Returns
        -------
        tensor of bool or None
            Shape (batch, frames / n rounded up).
        """
        return None if previous_mask is None else previous_mask[:, :: self.n]

    def compute_output_spec(self, inputs):
        """Describe the frames.

        Parameters
        ----------
        inputs : keras.KerasTensor
            As for `call`.

        Returns
        -------
        keras.KerasTensor
            With fewer frames.
        """
        batch, frames, *rest = inputs.shape
        frames = None if frames is None else -(-frames // self.n)
        return keras.KerasTensor((batch, frames, *rest), dtype=inputs.dtype)

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {**super().get_config(), "n": self.n}


@keras.saving.register_keras_serializable(package="siamlab")
class StatisticsPooling(keras.layers.Layer):
    """Mean and standard deviation over time (Snyder et al., 2018).

    What comes out does not depend on how long the input is: a network with it takes
    utterances of any length.

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
        """Pool.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, frames, units).

        Returns
        -------
        tensor
            Shape (batch, 2 * units): the means, then the deviations.
        """
        # Squares of float16 overflow at 256.
        x = ops.cast(inputs, "float32")
        mean = ops.mean(x, axis=1, keepdims=True)
        variance = ops.mean(ops.square(x - mean), axis=1)
        # The root of 0, of a unit that is silent throughout, has no gradient
        # (FAULTS S15).
        deviation = ops.sqrt(variance + 1e-5)
        pooled = ops.concatenate([mean[:, 0], deviation], axis=-1)
        return ops.cast(pooled, inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Return the shape without the frames.

        Parameters
        ----------
        input_shape : tuple
            (batch, frames, units).

        Returns
        -------
        tuple
            (batch, 2 * units).
        """
        return input_shape[0], 2 * input_shape[2]
