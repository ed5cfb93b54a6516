"""Unusable recordings are reported, and the others are extracted."""

import os

import numpy as np
import pytest
import soundfile

import siamlab as sl
from siamlab import errors


@pytest.fixture
def write(tmp_path, rng):
    """Write noise to a file below ``tmp_path/root``; returns its path."""

    def write(name, seconds=1.0, sr=16000, **settings):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = rng.uniform(-0.5, 0.5, round(seconds * sr))
        soundfile.write(path, noise, sr, **settings)
        return path

    return write


def overwrite(samples, **settings):
    return lambda path: soundfile.write(path, samples, 16000, **settings)


def break_link(path):
    path.unlink()
    path.symlink_to("gone.wav")


BAD = {
    "text": (lambda path: path.write_text("Hallo"), "is not a sound file"),
    "empty": (lambda path: os.truncate(path, 0), r"is empty \(0 bytes\)"),
    "truncated": (lambda path: os.truncate(path, 16000), "is truncated"),
    "silent": (overwrite(np.zeros(16000)), "is silent"),
    "NaN": (
        overwrite(np.where(np.arange(16000) == 77, np.nan, 0.1), subtype="FLOAT"),
        "1 samples that are NaN",
    ),
    "short": (
        overwrite(np.full(300, 0.1)),
        "at least 400 samples",
    ),
    "broken link": (break_link, "link to a file that does not exist"),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_unusable_recording_is_reported_and_the_others_are_extracted(
    cache, tmp_path, write, capfd, kind
):
    spoil, message = BAD[kind]
    speakers = ("Jürgen Groß", "Zoë")
    paths = [write(f"{name}/Gespräch {i}.wav") for name in speakers for i in range(2)]
    spoil(paths[2])
    corpus = sl.corpora.folder(tmp_path / "root")
    features = sl.extract(corpus)
    good = [paths[i] for i in (0, 1, 3)]
    assert features.table.path.tolist() == [str(path) for path in good]
    for path, frames in zip(good, features, strict=True):
        samples, sr = soundfile.read(path, dtype="float32")
        np.testing.assert_allclose(frames, sl.Spectrogram()(samples, sr), atol=1e-4)
    assert features.rejected.path.tolist() == [str(paths[2])]
    assert features.rejected.reason.str.contains(message).all()
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"1 of 4 recordings rejected ({paths[2]}: ")
    with pytest.raises(errors.AudioError, match=message) as caught:
        sl.extract(corpus, strict=True)
    assert caught.value.path == str(paths[2])


def test_a_corpus_of_unusable_recordings_is_an_error(cache, tmp_path, write):
    for name in "ab":
        write(f"{name}/x.wav").write_text("Hallo")
    with pytest.raises(errors.SiamlabError, match=r"2 of 2 recordings rejected"):
        sl.extract(sl.corpora.folder(tmp_path / "root"))


def test_one_speaker_is_not_enough_for_training(cache, tmp_path, write):
    for i in range(3):
        write(f"anna/{i}.wav")
    corpus = sl.corpora.folder(tmp_path / "root")
    with pytest.raises(errors.ArgumentError, match=r"2 speakers; got 1"):
        sl.sampling.SpeakerBatches(sl.extract(corpus))
    with pytest.raises(errors.ArgumentError, match=r"by speaker into 2 parts needs"):
        corpus.split(by="speaker")
