"""Unusable recordings are reported by name and reason, and the others are extracted."""

import os

import numpy as np
import pytest
import soundfile

import siamlab as sl


def overwrite(samples, **settings):
    return lambda path: soundfile.write(path, samples, 16000, **settings)


def break_link(path):
    path.unlink()
    path.symlink_to("gone.wav")


WITH_NAN = np.where(np.arange(16000) == 77, np.nan, 0.1)
# Reason: how to spoil a recording.
BAD = {
    "is not a sound file": lambda path: path.write_text("Hallo"),
    "is empty (0 bytes)": lambda path: os.truncate(path, 0),
    "is truncated": lambda path: os.truncate(path, 16000),
    "is silent": overwrite(np.zeros(16000)),
    "1 samples that are NaN": overwrite(WITH_NAN, subtype="FLOAT"),
    "at least 400 samples": overwrite(np.full(300, 0.1)),
    "a link to a file that does not exist": break_link,
}


def test_unusable_recordings_are_reported_and_the_others_are_extracted(
    cache, tmp_path, rng, capfd
):
    (tmp_path / "Jürgen Groß").mkdir()
    paths = [tmp_path / "Jürgen Groß" / f"Gespräch {i}.wav" for i in range(9)]
    for path in paths:
        soundfile.write(path, rng.uniform(-0.5, 0.5, 16000), 16000)
    for path, spoil in zip(paths, BAD.values(), strict=False):
        spoil(path)
    corpus = sl.corpora.folder(tmp_path)
    features = sl.extract(corpus)
    assert features.table.path.tolist() == [str(path) for path in paths[7:]]
    for path, frames in zip(paths[7:], features, strict=True):
        samples, sr = soundfile.read(path, dtype="float32")
        np.testing.assert_allclose(frames, sl.Spectrogram()(samples, sr), atol=1e-4)
    assert features.rejected.path.tolist() == [str(path) for path in paths[:7]]
    for message, reason in zip(BAD, features.rejected.reason, strict=True):
        assert message in reason
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"7 of 9 recordings rejected ({paths[0]}: ")
    for i, message in enumerate(BAD):
        with pytest.raises(sl.errors.AudioError) as caught:
            sl.extract(corpus.select([i]), strict=True)
        assert caught.value.path == str(paths[i])
        assert message in caught.value.reason
