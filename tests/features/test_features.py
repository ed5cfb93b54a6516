import dataclasses
import os
import pickle
import shutil
import signal
import subprocess
import sys

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab import audio, errors


@pytest.fixture
def recordings(tmp_path, rng):
    """Six recordings of two speakers, as a corpus."""
    for i in range(6):
        path = tmp_path / "corpus" / ("anna" if i < 3 else "ben") / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, rng.uniform(-0.5, 0.5, 8000 + 800 * i), 16000)
    return sl.corpora.folder(tmp_path / "corpus")


def librosas(samples, spectrogram):
    """The same spectrogram by librosa's own functions."""
    lack = spectrogram.n_fft - spectrogram.win_length
    common = {
        "y": np.pad(samples, (lack // 2, lack - lack // 2)),
        "n_fft": spectrogram.n_fft,
        "win_length": spectrogram.win_length,
        "hop_length": spectrogram.hop_length,
        "center": False,
    }
    f_min, f_max = spectrogram.fmin, spectrogram.fmax
    if spectrogram.n_mels is None:
        bins = librosa.fft_frequencies(sr=spectrogram.sr, n_fft=spectrogram.n_fft)
        inside = (bins >= f_min) & (bins <= (f_max or np.inf))
        power = np.abs(librosa.stft(**common))[inside] ** 2
    else:
        power = librosa.feature.melspectrogram(
            **common,
            sr=spectrogram.sr,
            n_mels=spectrogram.n_mels,
            fmin=f_min,
            fmax=f_max,
        )
    floor = 10 ** (spectrogram.floor_db / 10)
    return librosa.power_to_db(power, ref=1.0, amin=floor, top_db=None).T


@pytest.mark.parametrize(
    "spectrogram",
    [
        sl.Spectrogram(),
        sl.Spectrogram(n_mels=40, fmin=60, fmax=7000),
        sl.Spectrogram(
            n_fft=512, sr=8000, win_length=256, hop_length=128, n_mels=64, floor_db=-60
        ),
        sl.Spectrogram(
            n_fft=512, n_mels=None, win_length=512, hop_length=256, floor_db=-80
        ),
        sl.Spectrogram(n_fft=512, n_mels=None, fmin=60, fmax=7000),
    ],
    ids=repr,
)
def test_it_is_librosas(rng, spectrogram):
    samples = rng.normal(0, 0.1, 3 * spectrogram.sr).astype(np.float32)
    ours = spectrogram(samples, spectrogram.sr)
    np.testing.assert_allclose(ours, librosas(samples, spectrogram), atol=1e-3)
    assert ours.dtype == np.float32


@pytest.mark.parametrize("bands", [1, 15, 16, 17, 128])
@pytest.mark.parametrize("f_min", [0, 3000])
def test_bands_are_the_whole_product_with_the_filters(rng, bands, f_min):
    spectrogram = sl.Spectrogram(n_mels=bands, fmin=f_min)
    samples = rng.normal(0, 0.1, 8000).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160]
    spectrum = np.fft.rfft(frames * spectrogram.window.astype(float), spectrogram.n_fft)
    power = np.maximum(np.abs(spectrum) ** 2 @ spectrogram.mel_filters, 1e-10)
    ours = spectrogram(samples, 16000)
    np.testing.assert_allclose(ours, 10 * np.log10(power), atol=1e-3)


@settings(deadline=None, max_examples=30)
@given(st.integers(400, 3 * 400 * 160))
def test_there_is_a_frame_for_each_hop_within_the_recording(n):
    frames = sl.Spectrogram(n_mels=8)(np.zeros(n, np.float32), 16000)
    assert frames.shape == (1 + (n - 400) // 160, 8)


def test_long_recordings_are_made_in_blocks_without_a_seam(rng):
    samples = rng.normal(0, 0.1, 160 * 1000).astype(np.float32)
    spectrogram = sl.Spectrogram(n_mels=16)
    whole = spectrogram(samples, 16000)
    for first in (0, 250, 257, 700):
        part = spectrogram(samples[160 * first : 160 * first + 400], 16000)
        np.testing.assert_allclose(part[0], whole[first], atol=1e-4)


@pytest.mark.parametrize("frequency", [200, 1000, 3000])
def test_a_sine_stands_in_the_band_of_its_frequency(frequency):
    time = np.arange(16000) / 16000
    frames = sl.Spectrogram()(np.sin(2 * np.pi * frequency * time), 16000)
    centers = librosa.mel_frequencies(130, fmin=0, fmax=8000)[1:-1]
    assert (
        abs(np.argmax(frames.mean(axis=0)) - np.argmin(abs(centers - frequency))) <= 1
    )


def test_time_runs_along_the_first_axis():
    samples = np.zeros(16000, np.float32)
    samples[12000] = 1.0
    frames = sl.Spectrogram()(samples, 16000)
    assert abs(np.argmax(frames.max(axis=1)) - (12000 - 200) / 160) <= 1


def test_silence_lies_at_the_floor():
    frames = sl.Spectrogram(floor_db=-70.0)(np.zeros(1600), 16000)
    np.testing.assert_allclose(frames, -70.0, atol=1e-4)


def test_every_band_hears_something():
    # 128 bands of 16 kHz: a transform of the window's own length leaves some empty.
    assert (sl.Spectrogram().mel_filters.sum(axis=0) > 0).all()


def test_recordings_at_another_rate_are_resampled():
    time = np.arange(48000) / 48000
    frames = sl.Spectrogram()(np.sin(2 * np.pi * 1000 * time), 48000)
    same = sl.Spectrogram()(np.sin(2 * np.pi * 1000 * time[::3]), 16000)
    assert frames.shape == same.shape
    loud = same > same.max() - 40
    assert np.abs(frames - same)[loud].mean() < 0.5


def test_a_description_is_frozen_and_hashable():
    spectrogram = sl.Spectrogram()
    assert {spectrogram: 1}[sl.Spectrogram()] == 1
    assert spectrogram != sl.Spectrogram(n_mels=64)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spectrogram.n_mels = 64
    assert pickle.loads(pickle.dumps(spectrogram)) == spectrogram


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"hop_length": 0}, "hop_length must be a positive integer; got 0"),
        ({"n_mels": -1}, "n_mels must be a positive integer; got -1"),
        ({"win_length": 0.025}, "win_length must be a positive integer; got 0.025"),
        ({"win_length": 2048}, "win_length must be at most n_fft=1024; got 2048"),
        ({"fmax": 9000}, "sr / 2 = 8000 Hz; got fmin=0 and fmax=9000"),
        ({"fmin": 5000, "fmax": 4000}, "got fmin=5000 and fmax=4000"),
    ],
)
def test_values_out_of_range_are_named(arguments, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        sl.Spectrogram(**arguments)


def test_what_is_no_recording_of_one_window_is_named():
    with pytest.raises(errors.ArgumentError, match=r"0.025 s; got 0.0249 s"):
        sl.Spectrogram()(np.zeros(399), 16000)
    with pytest.raises(errors.ArgumentError, match=r"one channel.*got \(2, 800\)"):
        sl.Spectrogram()(np.zeros((2, 800)), 16000)


def test_a_corpus_is_extracted_in_its_order(cache, recordings):
    features = sl.extract(recordings)
    assert len(features) == 6
    assert features.speakers.tolist() == ["anna"] * 3 + ["ben"] * 3
    for i, frames in enumerate(features):
        np.testing.assert_allclose(frames, sl.Spectrogram()(*recordings[i]), atol=1e-4)
    assert len(features.rejected) == 0
    assert repr(features) == "6 spectrograms, 2 speakers"


@pytest.mark.parametrize(
    "arguments", [{"cache": False}, {"workers": 1}, {"workers": 4}]
)
def test_however_it_is_extracted_it_is_the_same(cache, recordings, arguments):
    expected = list(sl.extract(recordings))
    shutil.rmtree(cache)
    for a, b in zip(sl.extract(recordings, **arguments), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert cache.exists() == arguments.get("cache", True)


def test_what_is_kept_is_not_made_again(cache, recordings, monkeypatch):
    first = list(sl.extract(recordings))
    monkeypatch.setattr(audio, "read", None)
    for a, b in zip(first, sl.extract(recordings), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_content_of_a_file_counts_and_not_its_name(
    cache, recordings, monkeypatch, tmp_path
):
    sl.extract(recordings)
    (tmp_path / "corpus").rename(tmp_path / "moved")
    monkeypatch.setattr(audio, "read", None)
    assert len(sl.extract(sl.corpora.folder(tmp_path / "moved"))) == 6


def test_a_file_that_changed_is_made_again(cache, recordings, rng):
    before = np.array(sl.extract(recordings)[2])
    soundfile.write(recordings.table.path[2], rng.uniform(-0.5, 0.5, 9600), 16000)
    assert np.abs(sl.extract(recordings)[2] - before).max() > 1


def test_another_description_is_another_entry(cache, recordings):
    assert sl.extract(recordings)[0].shape[1] == 128
    assert sl.extract(recordings, sl.Spectrogram(n_mels=20))[0].shape[1] == 20
    assert sl.extract(recordings)[0].shape[1] == 128


def test_a_damaged_entry_is_made_again(cache, recordings):
    expected = [np.array(frames) for frames in sl.extract(recordings)]
    for i, path in enumerate(sorted(cache.rglob("*.npy"))):
        content = bytearray(path.read_bytes())
        content[200 + i] ^= 1
        path.write_bytes(content[: len(content) - 1000 * (i % 2)])
    for a, b in zip(sl.extract(recordings), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_interrupted_extraction_goes_on_where_it_was(cache, recordings, monkeypatch):
    read, done = audio.read, []

    def interrupted(path, **stretch):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(path)
        return read(path, **stretch)

    monkeypatch.setattr(audio, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sl.extract(recordings, workers=1)
    assert len(list(cache.rglob("*.npy"))) == 3
    monkeypatch.setattr(audio, "read", read)
    assert len(sl.extract(recordings)) == 6
    assert not list(cache.rglob("*.part"))


def test_a_killed_extraction_leaves_nothing_broken(cache, recordings):
    program = """
import sys, time
import siamlab as sl
from siamlab import audio
read = audio.read
def slowly(path, **stretch):
    time.sleep(0.3)
    print("one", flush=True)
    return read(path, **stretch)
audio.read = slowly
sl.extract(sl.corpora.folder(sys.argv[1]), workers=2)
"""
    root = os.path.dirname(os.path.dirname(recordings.table.path[0]))
    with subprocess.Popen(
        [sys.executable, "-c", program, root], stdout=subprocess.PIPE
    ) as process:
        for _ in range(4):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert len(list(cache.rglob("*.npy"))) < 6
    for i, frames in enumerate(sl.extract(recordings)):
        np.testing.assert_allclose(frames, sl.Spectrogram()(*recordings[i]), atol=1e-4)


def test_stretches_of_one_file_are_utterances(cache, recordings):
    table = recordings.table.iloc[[5, 5]].assign(start=[0.0, 0.25], duration=[0.2, 0.5])
    features = sl.extract(sl.corpora.Corpus(table, "stretches"))
    assert [len(frames) for frames in features] == [18, 48]


def test_some_utterances_can_be_selected(cache, recordings):
    features = sl.extract(recordings)
    ben = features.select(features.speakers == "ben")
    assert ben.table.path.tolist() == recordings.table.path[3:].tolist()
    np.testing.assert_array_equal(ben[1], features[4])
    np.testing.assert_array_equal(features.select([2, 0])[0], features[2])
    assert len(pickle.loads(pickle.dumps(ben))) == 3
    assert len(features.select([])) == 0


def test_lengths_are_known_and_stretches_are_cut(cache, recordings):
    features = sl.extract(recordings)
    for each in (features, features.select([4, 1]), features.map(np.negative)):
        assert each.lengths.tolist() == [len(array) for array in each]
        np.testing.assert_array_equal(each.cut(1, 3, 5), each[1][3:8])
    chosen = features.select([4, 1, 0]).select([2, 0])
    np.testing.assert_array_equal(chosen[1], features[4])
    np.testing.assert_array_equal(chosen.cut(0, 40, 99), features[0][40:])


def test_features_can_be_mapped(cache, recordings):
    features = sl.extract(recordings)
    louder = features.map(lambda frames: frames + 6)
    np.testing.assert_array_equal(louder[3], features[3] + 6)
    assert louder.table.equals(features.table)


def test_transcripts_leave_pauses_out():
    phones = [("a", 0, 1), ("sil", 1, 2), ("b", 2, 3)]
    table = pd.DataFrame({"speaker": ["x", "y"], "phones": [phones, None]})
    features = sl.Features([np.zeros((3, 2))] * 2, table)
    assert features.transcripts() == [["a", "b"], []]


def test_arrays_and_rows_have_to_be_as_many():
    with pytest.raises(errors.ArgumentError, match="2 arrays and 1 rows"):
        sl.Features([np.zeros((3, 2))] * 2, pd.DataFrame({"speaker": ["x"]}))
