"""Models that train a speaker encoder, on batches of speakers or on pairs."""

import keras
from keras import ops

from .. import layers as our_layers
from ._encoder_model import EncoderModel


@keras.saving.register_keras_serializable(package="siamlab")
class SpeakerNet(EncoderModel):
    """A model that trains an encoder on batches of speakers.

    The loss compares all pairs of segments in a batch. A batch of n segments contains
    n (n - 1) / 2 pairs, and each segment passes through the encoder only once.

    Parameters
    ----------
    encoder : keras.Model
        (batch, time, mel) -> (batch, output_dim).
    **kwargs
        As for `keras.Model`.

    Raises
    ------
    ArgumentError
        If `encoder` is not a Keras model.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=4, n_utterances=2))
    >>> net = SpeakerNet(sl.networks.blstm_encoder(units=8))
    >>> net.compile("adam", loss=sl.losses.KLHinge())
    >>> batches = sl.sampling.SpeakerBatches(features, n_speakers=4, steps_per_epoch=2)
    >>> history = net.fit(batches, epochs=1, verbose=0)
    >>> sl.embed(net, features).shape
    (8, 16)
    """


@keras.saving.register_keras_serializable(package="siamlab")
class Siamese(EncoderModel):
    """Siamese network: the distance of two inputs after one shared encoder.

    Both inputs pass through the same encoder, so the two branches share their weights
    (Bromley et al., 1993; docs/doctor.md#s17). `SpeakerNet` learns from many more pairs
    at the same cost.

    Parameters
    ----------
    encoder : keras.Model
        (batch, time, mel) -> (batch, output_dim).
    distance : str, callable or layers.Distance
        As for `layers.Distance`.
    **kwargs
        As for `keras.Model`.

    Raises
    ------
    ArgumentError
        If `encoder` is not a Keras model, or the distance is unknown.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=4, n_utterances=2))
    >>> siamese = Siamese(sl.networks.blstm_encoder(units=8), distance="kl")
    >>> siamese.compile("adam", loss=sl.losses.DistanceHinge(margin=3.0))
    >>> pairs = sl.sampling.PairBatches(features, batch_size=8, steps_per_epoch=2)
    >>> history = siamese.fit(pairs, verbose=0)
    >>> (a, b), same = pairs[0]
    >>> siamese.predict((a, b), verbose=0).shape, same.shape
    ((8, 2), (8, 1))
    """

    def __init__(self, encoder, distance="kl", **kwargs):
        super().__init__(encoder, **kwargs)
        if not isinstance(distance, our_layers.Distance):
            distance = our_layers.Distance(distance, name="distance")
        self.distance = distance
        self.distance.built = True

    def call(self, inputs, training=None):
        """Compute the distances between the two segments of each pair.

        Parameters
        ----------
        inputs : pair of tensor
            Shape (batch, time, mel) each.
        training : bool, optional
            Whether dropout and augmentation are active.

        Returns
        -------
        tensor
            Shape (batch, directions); see `layers.Distance`.
        """
        # One call for both segments gives the same numbers, and an LSTM needs as long
        # for a small batch as for one of twice the size.
        outputs = self.encoder(ops.concatenate(inputs), training=training)
        return self.distance(ops.split(outputs, 2))

    def _symbolic_inputs(self):
        shape = self.encoder.input_shape
        return [keras.Input(batch_shape=shape, name=n) for n in ("first", "second")]

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        distance = keras.saving.serialize_keras_object(self.distance)
        return {**super().get_config(), "distance": distance}
