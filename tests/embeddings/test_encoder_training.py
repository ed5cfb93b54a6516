"""Training a speaker encoder, interrupted or not."""

import keras
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
        keras.utils.set_random_seed(0)
        network = sl.networks.xvector_encoder(
            scaler=sl.scaling.StandardScaler().fit(features),
            augmentation=sl.embeddings.augmentation(),
        )
        loss = sl.losses.SupervisedContrastive()
        sizes = {"n_speakers": 8, "epochs": 1, "steps_per_epoch": steps}
        net = train_encoder(features, network, loss, **sizes, verbose=0)
        about = describe_training(features, n_frames=120, corpus="voices")
        encoder = Encoder.from_network(net, features.spectrogram, about)
        embeddings = sl.embed(encoder, features)
        eer.append(float(sl.metrics.verify(embeddings, features.speakers).eer))
    assert eer[1] < 0.7 * eer[0]
    assert encoder.about["speakers"] == 8
    assert "8 speakers of voices" in repr(encoder)
