"""Recordings of any length: in pieces, and brought to one level."""

import numpy as np
import pytest
import soundfile
from sound_files import encode

import siamlab as sl
from siamlab.errors import AudioError
from siamlab.features import spectrogram as module


@pytest.mark.parametrize("sr", [16000, 44100])
@pytest.mark.parametrize("container", ["wav", "flac", "m4a"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"level_db": -25.0}, {"hop_length": 500}, {"win_length": 333}],
    ids=str,
)
def test_pieces_equal_the_whole(tmp_path, rng, monkeypatch, sr, container, settings):
    path = tmp_path / f"a.{container}"
    samples = rng.uniform(-0.1, 0.3, 4 * sr + 123)
    if container == "m4a":
        encode(path, samples, sr)
    else:
        soundfile.write(path, samples, sr)
    spectrogram = sl.Spectrogram(**settings)
    whole = spectrogram.from_file(path, 0.1, 3.3)
    monkeypatch.setattr(module, "_SECONDS", 0.7)
    pieces = spectrogram.from_file(path, 0.1, 3.3)
    np.testing.assert_allclose(pieces, whole, atol=1e-4)


def test_nan_is_found_in_each_piece(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 1.0)
    samples = rng.uniform(-0.1, 0.1, 40000).astype(np.float32)
    samples[[5, 39000]] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match="has 2 samples that are NaN"):
        sl.Spectrogram().from_file(tmp_path / "a.wav")


def test_the_level_is_the_root_mean_square_without_the_offset(rng):
    samples = rng.normal(0.2, 0.01, 16000)
    expected = (samples - samples.mean()) / samples.std() * 10 ** (-30 / 20)
    found = sl.Spectrogram(level_db=-30.0)(samples, 16000)
    np.testing.assert_allclose(found, sl.Spectrogram()(expected, 16000), atol=1e-2)
    changed = sl.Spectrogram(level_db=-30.0)(0.03 * samples - 0.1, 16000)
    np.testing.assert_allclose(changed, found, atol=1e-2)
