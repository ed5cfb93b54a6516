"""Layers that compare: two embeddings, or one embedding and all speakers."""

import keras
from keras import ops

from .. import distances
from ..errors import ArgumentError

# Those that are not symmetric are given in both directions (FAULTS S8, S9).
_DISTANCES = {
    "kl": (distances.kl, True),
    "symmetric_kl": (distances.symmetric_kl, False),
    "generalized_kl": (distances.generalized_kl, True),
    "euclidean": (distances.euclidean, False),
    "cosine": (distances.cosine, False),
}


@keras.saving.register_keras_serializable(package="siamlab")
class Distance(keras.layers.Layer):
    """How far two outputs of a network are from each other.

    Parameters
    ----------
    distance : str or callable
        "kl" or "generalized_kl", in both directions; "symmetric_kl", "euclidean",
        "cosine"; or a function of two tensors (batch, units) that returns
        (batch,), registered with Keras if the network is to be saved.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ArgumentError
        If there is no such distance.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.9, 0.1]])
    >>> np.asarray(Distance("kl")([p, q])).round(3).tolist()
    [[0.511, 0.368]]
    """

    def __init__(self, distance="kl", **kwargs):
        # Probabilities of a head in float32 would be 0 in half precision.
        super().__init__(autocast=False, **kwargs)
        if not callable(distance) and distance not in _DISTANCES:
            raise ArgumentError(
                f"distance must be a function or one of {', '.join(_DISTANCES)}; "
                f"got {distance!r}"
            )
        self.distance = distance

    def call(self, inputs):
        """Measure.

        Parameters
        ----------
        inputs : pair of tensor
            Shape (batch, units) each.

        Returns
        -------
        tensor
            Shape (batch, 1), or (batch, 2) where there are two directions: there
            and back. Never (batch,), which would broadcast against labels of
            shape (batch, 1) (FAULTS S1).
        """
        a, b = inputs
        if callable(self.distance):
            found = self.distance(a, b)
            return found if len(found.shape) == 2 else ops.expand_dims(found, -1)
        function, directed = _DISTANCES[self.distance]
        columns = [function(a, b), function(b, a)] if directed else [function(a, b)]
        return ops.stack(columns, axis=-1)

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        distance = self.distance
        if callable(distance):
            distance = keras.saving.serialize_keras_object(distance)
        return {**super().get_config(), "distance": distance}

    @classmethod
    def from_config(cls, config):
        """Make the layer again from its arguments.

        Parameters
        ----------
        config : dict
            Of `get_config`.

        Returns
        -------
        Distance
            The same.
        """
        config = dict(config)
        if isinstance(config["distance"], dict):
            config["distance"] = keras.saving.deserialize_keras_object(
                config["distance"]
            )
        return cls(**config)


@keras.saving.register_keras_serializable(package="siamlab")
class CosineClassifier(keras.layers.Layer):
    """Cosines between an embedding and one learned vector for each speaker.

    The last layer of a network that is trained with `losses.AAMSoftmax`.

    Parameters
    ----------
    n_speakers : int
        Speakers of the training set.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ArgumentError
        If there are fewer than two.

    Examples
    --------
    >>> import numpy as np
    >>> CosineClassifier(10)(np.ones((2, 16))).shape
    TensorShape([2, 10])
    """

    def __init__(self, n_speakers, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if n_speakers < 2:
            raise ArgumentError(f"speakers must be at least 2; got {n_speakers}")
        self.speakers = n_speakers

    def build(self, input_shape):
        """Make one vector for each speaker.

        Parameters
        ----------
        input_shape : tuple
            (batch, units).
        """
        self._vectors = self.add_weight(
            name="vectors",
            shape=(self.speakers, input_shape[-1]),
            initializer="glorot_uniform",
            autocast=False,
        )

    def call(self, inputs):
        """Compare.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, units).

        Returns
        -------
        tensor
            Shape (batch, speakers), float32, from -1 to 1.
        """
        x = distances.unit(ops.cast(inputs, "float32"))
        vectors = distances.unit(ops.cast(self._vectors, "float32"))
        return x @ ops.transpose(vectors)

    def compute_output_spec(self, inputs):
        """Describe the cosines.

        Parameters
        ----------
        inputs : keras.KerasTensor
            Shape (batch, units).

        Returns
        -------
        keras.KerasTensor
            Shape (batch, speakers).
        """
        return keras.KerasTensor((inputs.shape[0], self.speakers), dtype="float32")

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {**super().get_config(), "speakers": self.speakers}
