import numpy as np
import pandas as pd
import pytest

import siamlab as sl
from siamlab.embeddings import channel


@pytest.fixture
def features(rng):
    """Six speakers with eight utterances: a pattern in time each, and a microphone."""
    speakers = np.arange(48) // 8
    microphones = rng.normal(0, 6, size=(6, 1, 32))
    voices = rng.normal(0, 3, size=(6, 40, 32))
    voices -= voices.mean(axis=1, keepdims=True)
    arrays = [
        (-50 + microphones[s] + voices[s] + rng.normal(0, 3, (40, 32))).astype(
            np.float32
        )
        for s in speakers
    ]
    return sl.Features(arrays, pd.DataFrame({"speaker": speakers.astype(str)}))


def by_average(features):
    return channel.average_spectra(features)


def by_movement(features):
    """Embed by what changes within the utterance: no microphone is in that."""
    return np.stack([(x - x.mean(axis=0)).ravel() for x in features])


def test_who_hears_the_microphone_fails_with_another(features):
    check = sl.embeddings.channel_robustness(by_average, features, range_db=12.0)
    assert check.as_is < 0.02
    assert check.filtered > 0.2
    assert check.average_spectrum < 0.02


def test_who_hears_the_voice_does_not_care(features):
    check = sl.embeddings.channel_robustness(by_movement, features)
    assert check.as_is < 0.05
    assert check.filtered == pytest.approx(check.as_is, abs=0.02)


def test_a_network_is_embedded_as_embed_does(features):
    net = sl.networks.blstm_encoder(n_frames=40, n_mels=32, units=4, output_dim=4)
    check = sl.embeddings.channel_robustness(net, features, layer="head", seed=3)
    embeddings = sl.embed(net, features, layer="head")
    expected = sl.metrics.verify(embeddings, features.speakers, seed=3).eer
    assert check.as_is == expected
    assert "average spectrum alone" in repr(check)


def test_each_utterance_gets_a_microphone_of_its_own(features):
    filtered = channel.randomize_channel(features, range_db=4.0, seed=1)
    curves = np.stack([new - old for new, old in zip(filtered, features, strict=True)])
    assert np.abs(np.diff(curves, axis=1)).max() < 1e-4  # the same in every frame
    assert np.std(curves[:, 0]) == pytest.approx(4.0, rel=0.25)
    assert np.abs(curves[0, 0] - curves[1, 0]).max() > 1
    again = channel.randomize_channel(features, range_db=4.0, seed=1)
    np.testing.assert_array_equal(filtered[5], again[5])


def test_loudness_is_no_microphone(features):
    louder = features.map(lambda x: x + 20)
    np.testing.assert_allclose(by_average(louder), by_average(features), atol=1e-3)
