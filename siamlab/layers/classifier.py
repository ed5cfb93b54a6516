"""The output layer of a speaker classifier."""

import keras
from keras import ops

from .. import distances
from ..errors import ArgumentError


@keras.saving.register_keras_serializable(package="siamlab")
class CosineClassifier(keras.layers.Layer):
    """Cosine similarities between embeddings and one learned vector per speaker.

    It is the last layer of a network that is trained with `losses.AAMSoftmax`.

    Parameters
    ----------
    n_speakers : int
        Number of speakers in the training set.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ArgumentError
        If there are fewer than two speakers.

    Examples
    --------
    >>> import numpy as np
    >>> CosineClassifier(10)(np.ones((2, 16))).shape
    TensorShape([2, 10])
    """

    def __init__(self, n_speakers, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if n_speakers < 2:
            raise ArgumentError(f"n_speakers must be at least 2; got {n_speakers}")
        self.n_speakers = n_speakers

    def build(self, input_shape):
        """Create one vector for each speaker.

        Parameters
        ----------
        input_shape : tuple
            (batch, units).
        """
        self.vectors = self.add_weight(
            name="vectors",
            shape=(self.n_speakers, input_shape[-1]),
            initializer="glorot_uniform",
            autocast=False,
        )

    def call(self, inputs):
        """Compute the cosine similarities.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, units).

        Returns
        -------
        tensor
            Shape (batch, n_speakers), float32, from -1 to 1.
        """
        x = distances.normalize(ops.cast(inputs, "float32"))
        vectors = distances.normalize(ops.cast(self.vectors, "float32"))
        return x @ ops.transpose(vectors)

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        return {**super().get_config(), "n_speakers": self.n_speakers}
