"""Embeddings of the voice, and of the microphone."""

import numpy as np
import pandas as pd
import pytest

import siamlab as sl
from siamlab.embeddings import average_spectra, channel_robustness, randomize_channel


@pytest.fixture
def features(rng):
    """Six speakers with eight utterances: a microphone each, and a pattern in time."""
    speakers = np.arange(48) // 8
    microphones = rng.normal(0, 6, size=(6, 1, 32))
    voices = rng.normal(0, 3, size=(6, 40, 32))
    voices -= voices.mean(axis=1, keepdims=True)
    noise = rng.normal(0, 3, (48, 40, 32))
    x = (-50 + microphones[speakers] + voices[speakers] + noise).astype(np.float32)
    return sl.Features(list(x), pd.DataFrame({"speaker": speakers.astype(str)}))


def changes_in_time(features):
    """Embed what changes within an utterance, which does not contain the microphone."""
    return np.stack([(x - x.mean(axis=0)).ravel() for x in features])


def test_embeddings_of_the_microphone_fail_with_another_one(features):
    found = channel_robustness(average_spectra, features, range_db=12.0)
    assert found.original < 0.02
    assert found.randomized > 0.2
    assert found.average_spectrum < 0.02


def test_embeddings_of_the_voice_do_not_depend_on_the_microphone(features):
    found = channel_robustness(changes_in_time, features)
    assert found.original < 0.05
    assert found.randomized == pytest.approx(found.original, abs=0.02)


def test_a_model_is_embedded_as_embed_does(features):
    model = sl.networks.blstm_encoder(n_frames=40, n_mels=32, units=4, output_dim=4)
    found = channel_robustness(model, features, layer="head", seed=3)
    embeddings = sl.embed(model, features, layer="head")
    expected = sl.metrics.verify(embeddings, features.speakers, seed=3)
    assert found.original == expected.eer
    assert "average spectrum only" in repr(found)


def test_each_utterance_gets_its_own_microphone(features):
    filtered = randomize_channel(features, range_db=4.0, seed=1)
    curves = np.stack([new - old for new, old in zip(filtered, features, strict=True)])
    assert np.abs(np.diff(curves, axis=1)).max() < 1e-4  # the same in every frame
    assert np.std(curves[:, 0]) == pytest.approx(4.0, rel=0.25)
    assert np.abs(curves[0, 0] - curves[1, 0]).max() > 1
    again = randomize_channel(features, range_db=4.0, seed=1)
    np.testing.assert_array_equal(filtered[5], again[5])


def test_average_spectra_ignore_the_loudness(features):
    found = average_spectra(features.map(lambda x: x + 20))
    np.testing.assert_allclose(found, average_spectra(features), atol=1e-3)
