import io
import os
import pickle

import numpy as np
import pytest
import soundfile

from siamlab import audio, errors


@pytest.fixture
def tone():
    time = np.arange(16000) / 16000
    return (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


@pytest.mark.parametrize(
    ("container", "subtype", "tolerance"),
    [
        ("WAV", "PCM_U8", 1 / 100),
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "PCM_24", 1e-6),
        ("WAV", "FLOAT", 0),
        ("FLAC", "PCM_16", 1e-4),
        ("FLAC", "PCM_24", 1e-6),
        ("OGG", "VORBIS", 0.1),
        ("MP3", "MPEG_LAYER_III", None),
    ],
)
def test_every_container_and_bit_depth_is_read(
    tmp_path, tone, container, subtype, tolerance
):
    path = tmp_path / "sound"
    soundfile.write(path, tone, 16000, format=container, subtype=subtype)
    samples, sr = audio.read(path)
    assert sr == 16000
    assert samples.dtype == np.float32
    assert abs(len(samples) - 16000) <= 2500  # MP3 adds silence at both ends
    if tolerance is not None:
        assert np.abs(samples - tone).max() <= tolerance


@pytest.mark.parametrize("sr", [8000, 11025, 22050, 44100, 48000, 96000])
def test_every_sampling_rate_is_read_and_resampled(tmp_path, sr):
    time = np.arange(sr) / sr
    soundfile.write(tmp_path / "a.wav", np.sin(2 * np.pi * 440 * time) / 2, sr)
    samples, found = audio.read(tmp_path / "a.wav")
    assert found == sr
    resampled = audio.resample(samples, sr, 16000)
    assert len(resampled) == 16000
    assert np.argmax(np.abs(np.fft.rfft(resampled))) == 440
    rms = np.sqrt(np.mean(resampled[4000:12000] ** 2))
    assert rms == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize("orig_sr", [-1, 0, 70, 4_000_000])
def test_an_impossible_sampling_rate_is_an_error(orig_sr):
    message = "cannot resample from" if orig_sr > 0 else "must be positive; got"
    with pytest.raises(errors.ArgumentError, match=f"{message} {orig_sr}"):
        audio.resample(np.zeros(1000, np.float32), orig_sr, 16000)


def test_channels_are_averaged_and_samples_are_clipped_at_full_scale(tmp_path):
    samples = np.tile([0.5, -0.25], (100, 1))
    samples[:2] = [[2.0, 2.0], [-3.0, -3.0]]
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    read, _ = audio.read(tmp_path / "a.wav")
    np.testing.assert_allclose(read, [1.0, -1.0] + 98 * [0.125])


@pytest.mark.parametrize(("first", "length"), [(0, 100), (99, 1), (33, 12), (57, 99)])
def test_a_part_equals_the_same_samples_of_the_whole(first, length):
    file = io.BytesIO()
    content = np.linspace(-0.5, 0.5, 100, dtype=np.float32)
    soundfile.write(file, content, 1000, format="WAV", subtype="FLOAT")
    file.seek(0)
    samples, _ = audio.read(file, start=first / 1000, duration=length / 1000)
    np.testing.assert_array_equal(samples, content[first : first + length])


@pytest.mark.parametrize("suffix", ["wav", "m4a"])
def test_blocks_are_the_whole_in_pieces(tmp_path, encode, rng, suffix):
    path = tmp_path / f"a.{suffix}"
    noise = rng.uniform(-0.5, 0.5, (40000, 2))
    if suffix == "m4a":
        encode(path, noise[:, 0])
    else:
        soundfile.write(path, noise, 16000)
    for part in ({}, {"start": 0.7, "duration": 1.5}):
        whole, sr = audio.read(path, **part)
        pieces = list(audio.blocks(path, **part, seconds=0.3))
        assert len(pieces) > 1
        assert all(r == sr and 0 < len(s) <= 0.3 * sr for s, r in pieces)
        np.testing.assert_array_equal(np.concatenate([s for s, _ in pieces]), whole)


def test_a_file_longer_than_one_read_is_complete(tmp_path, monkeypatch, tone):
    monkeypatch.setattr(audio, "_MAX_SAMPLES", 1000)
    both = np.stack([tone, tone], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 16000, subtype="FLOAT")
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav")[0], tone)


def test_the_duration_comes_from_the_header(tmp_path, tone):
    soundfile.write(tmp_path / "a.flac", tone[:4000], 16000)
    assert audio.duration(tmp_path / "a.flac") == 0.25
    with pytest.raises(errors.AudioError, match=r"after 2 s \(it is 0.250 s long\)"):
        audio.read(tmp_path / "a.flac", start=2.0)


UNREADABLE = {
    "does not exist": lambda path: None,
    "is not a sound file that libsndfile": lambda path: path.write_text("Hallo"),
    r"is empty \(0 bytes\)": lambda path: path.touch(),
    "has no samples": lambda path: soundfile.write(path, np.zeros(0), 16000),
    "is a folder": lambda path: path.mkdir(),
    "a link to a file that does not exist": lambda path: path.symlink_to("gone.wav"),
}


@pytest.mark.parametrize("message", UNREADABLE)
def test_the_error_says_why_a_file_cannot_be_read(tmp_path, message):
    path = tmp_path / "Müller 1.wav"
    UNREADABLE[message](path)
    with pytest.raises(errors.AudioError, match=message) as caught:
        audio.read(path)
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))  # as from another process
    assert (again.path, str(again)) == (str(path), str(caught.value))


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_truncated_file_is_an_error_if_its_header_tells(tmp_path, rng, container):
    noise = rng.uniform(-0.5, 0.5, 48000)
    path = tmp_path / "a"
    soundfile.write(path, noise, 16000, format=container)
    os.truncate(path, path.stat().st_size // 2)
    if container == "OGG":  # has no duration in its header
        assert 0 < len(audio.read(path)[0]) < 48000
    else:
        with pytest.raises(errors.AudioError, match=r"is truncated|not a sound file"):
            audio.read(path)


def test_a_streamed_file_without_a_length_is_read(tmp_path, tone):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone, 16000)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(audio.read(path)[0]) == 16000


def test_a_header_that_promises_more_than_the_memory_is_an_error(tmp_path, tone):
    path = tmp_path / "a.flac"
    soundfile.write(path, tone, 16000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the highest bits of the number of samples: 2**36 of them
    path.write_bytes(content)
    assert audio.duration(path) > 3e6
    with pytest.raises(errors.AudioError, match="is truncated"):
        audio.read(path)


def test_a_file_without_permission_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "a.wav").write_text("root can open files without permission")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(errors.AudioError, match=r"\(permission denied\)"):
        audio.read(tmp_path / "a.wav")
