"""Training a speaker encoder, interrupted or not."""

import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab.embeddings import Encoder, describe_training, train_encoder


@pytest.fixture(scope="module")
def features():
    return sl.extract(sl.corpora.voices(n_speakers=8, n_utterances=4))


@pytest.mark.slow
def test_training_an_encoder_makes_it_better(features):
    eer = []
    for steps in (1, 40):
        net = train_encoder(
            features, n_speakers=8, epochs=1, steps_per_epoch=steps, verbose=0
        )
        about = describe_training(features, n_frames=120, corpus="voices")
        encoder = Encoder.from_network(net, features.spectrogram, about)
        embeddings = sl.embed(encoder, features)
        eer.append(float(sl.metrics.verify(embeddings, features.speakers).eer))
    assert eer[1] < 0.7 * eer[0]
    assert encoder.about["speakers"] == 8
    assert "8 speakers of voices" in repr(encoder)


class Interrupt(keras.callbacks.Callback):
    """Stop the training as a crash would, after one epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_resumed_training_ends_with_the_same_weights(features, tmp_path):
    def train(checkpoint=None, callbacks=()):
        keras.utils.set_random_seed(1)
        encoder = sl.networks.xvector_encoder(
            units=4, output_dim=4, augmentation=[sl.layers.RandomGain(10.0)]
        )
        settings = {"n_speakers": 4, "n_segments": 2, "n_frames": 20, "verbose": 0}
        net = train_encoder(
            features,
            encoder,
            loss=sl.losses.Triplet(),
            epochs=2,
            steps_per_epoch=3,
            checkpoint=checkpoint,
            callbacks=callbacks,
            **settings,
        )
        return net.get_weights()

    checkpoint = tmp_path / "network.keras"
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint, [Interrupt()])
    for resumed, uninterrupted in zip(train(checkpoint), train(), strict=True):
        np.testing.assert_array_equal(resumed, uninterrupted)
