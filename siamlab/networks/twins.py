"""A base network called twice, and the distance between its outputs."""

import keras
from keras import ops

from .. import layers as our_layers
from ._training import OverBase


@keras.saving.register_keras_serializable(package="siamlab")
class Siamese(OverBase):
    """Twins: one base network, two inputs, one distance (Bromley et al., 1993).

    As in the source program, and as most tutorials have it; `SpeakerNet` learns the
    same from far more pairs at the same price. Both twins are the same object, so
    that they share their weights (FAULTS S17).

    Parameters
    ----------
    base : keras.Model
        (batch, frames, bands) -> (batch, outputs).
    distance : str, callable or layers.Distance
        As for `layers.Distance`.
    loss : keras.losses.Loss, optional
        Called as ``loss(same, distances)``, with 1 for the same speaker, such as
        `losses.DistanceHinge`.
    **kwargs
        As for `keras.Model`.

    Raises
    ------
    ArgumentError
        If `base` is no Keras model, or there is no such distance.

    Examples
    --------
    >>> import siamlab as sl
    >>> base = sl.networks.blstm_encoder
    >>> features = sl.extract(sl.corpora.voices(n_speakers=4, n_utterances=2))
    >>> scaler = sl.scaling.StandardScaler().fit(features)
    >>> twins = Siamese(base(units=8, scaler=scaler), "kl", sl.losses.DistanceHinge())
    >>> history = twins.fit(sl.sampling.PairBatches(features, batch_size=8, steps_per_epoch=2))
    >>> (a, b), same = sl.sampling.PairBatches(features, batch_size=8)[0]
    >>> twins.predict((a, b), verbose=0).shape, same.shape
    ((8, 2), (8, 1))
    """

    def __init__(self, base, distance="kl", loss=None, **kwargs):
        super().__init__(base, loss, **kwargs)
        if not isinstance(distance, our_layers.Distance):
            distance = our_layers.Distance(distance, name="distance")
        self.distance = distance
        self.distance.built = True
        self.built = True  # the base is
        if loss is not None:
            self.compile()

    def call(self, inputs, training=None):
        """Measure how far the outputs of two segments are from each other.

        Parameters
        ----------
        inputs : pair of tensor
            Shape (batch, frames, bands) each.
        training : bool, optional
            Whether dropout is active.

        Returns
        -------
        tensor
            Shape (batch, directions); see `layers.Distance`.
        """
        # Both in one call of the base: the same numbers, and an LSTM takes as long for
        # two small batches as for two that are twice as large.
        outputs = self.base(ops.concatenate(inputs), training=training)
        return self.distance(ops.split(outputs, 2))

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        distance = keras.saving.serialize_keras_object(self.distance)
        return {**super().get_config(), "distance": distance}
