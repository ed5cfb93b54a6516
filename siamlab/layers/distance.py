"""The distance between two embeddings, as a layer."""

import keras
from keras import ops

from .. import distances
from ..errors import ArgumentError

# KL divergence is not symmetric, so it has two directions (docs/doctor.md#s8).
_DISTANCES = {
    "kl": (distances.kl, 2),
    "symmetric_kl": (distances.symmetric_kl, 1),
    "generalized_kl": (distances.generalized_kl, 2),
    "euclidean": (distances.euclidean, 1),
    "cosine": (distances.cosine, 1),
}


@keras.saving.register_keras_serializable(package="siamlab")
class Distance(keras.layers.Layer):
    """Distance between the two embeddings of each pair.

    Parameters
    ----------
    distance : str or callable
        "kl" or "generalized_kl", in both directions; "symmetric_kl", "euclidean" or
        "cosine"; or a function of two tensors of shape (batch, units) that returns
        shape (batch,). Register the function with Keras if you save the network.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ArgumentError
        If the distance is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.9, 0.1]])
    >>> np.asarray(Distance("kl")([p, q])).round(3).tolist()
    [[0.511, 0.368]]
    """

    def __init__(self, distance="kl", **kwargs):
        # Small probabilities would become 0 in half precision.
        super().__init__(autocast=False, **kwargs)
        if isinstance(distance, dict):  # a function, from a saved configuration
            distance = keras.saving.deserialize_keras_object(distance)
        if not callable(distance) and distance not in _DISTANCES:
            raise ArgumentError(
                f"distance must be a function or one of {', '.join(_DISTANCES)}; "
                f"got {distance!r}"
            )
        self.distance = distance

    def call(self, inputs):
        """Compute the distances.

        Parameters
        ----------
        inputs : pair of tensor
            Shape (batch, units) each.

        Returns
        -------
        tensor
            Shape (batch, directions): one column, or two for "kl" and
            "generalized_kl". Never (batch,), which labels of shape (batch, 1) would
            broadcast to (batch, batch) (docs/doctor.md#s1).
        """
        a, b = inputs
        if callable(self.distance):
            found = self.distance(a, b)
            return found if len(found.shape) == 2 else ops.expand_dims(found, -1)
        function, directions = _DISTANCES[self.distance]
        pairs = [(a, b), (b, a)][:directions]
        return ops.stack([function(*pair) for pair in pairs], axis=-1)

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        distance = self.distance
        if callable(distance):
            distance = keras.saving.serialize_keras_object(distance)
        return {**super().get_config(), "distance": distance}
