import io
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

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
        ("WAV", "PCM_32", 1e-6),
        ("WAV", "FLOAT", 0),
        ("WAV", "DOUBLE", 1e-7),
        ("FLAC", "PCM_S8", 1 / 100),
        ("FLAC", "PCM_16", 1e-4),
        ("FLAC", "PCM_24", 1e-6),
        ("OGG", "VORBIS", 0.1),
        ("MP3", "MPEG_LAYER_III", 0.1),
    ],
)
def test_every_depth_and_container_is_read(
    tmp_path, tone, container, subtype, tolerance
):
    path = tmp_path / "sound"
    soundfile.write(path, tone, 16000, format=container, subtype=subtype)
    samples, rate = audio.read(path)
    assert rate == 16000
    assert samples.dtype == np.float32
    assert abs(len(samples) - 16000) <= 2500  # MP3 begins and ends with silence
    if container != "MP3":
        assert np.abs(samples - tone).max() <= tolerance


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_every_rate_is_read_and_resampled(tmp_path, rate):
    time = np.arange(rate) / rate
    soundfile.write(tmp_path / "a.wav", np.sin(2 * np.pi * 440 * time) / 2, rate)
    samples, found = audio.read(tmp_path / "a.wav")
    assert found == rate
    resampled = audio.resample(samples, rate, 16000)
    assert len(resampled) == 16000
    spectrum = np.abs(np.fft.rfft(resampled))
    assert np.argmax(spectrum) == 440
    middle = resampled[4000:12000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_several_channels_are_averaged(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.tile([0.5, -0.25], (100, 1)), 8000)
    samples, _ = audio.read(tmp_path / "a.wav")
    np.testing.assert_allclose(samples, 0.125)


@given(st.integers(0, 99), st.integers(1, 100))
def test_a_stretch_is_what_stands_there(first, length):
    file = io.BytesIO()
    content = np.linspace(-0.5, 0.5, 100, dtype=np.float32)
    soundfile.write(file, content, 1000, format="WAV", subtype="FLOAT")
    file.seek(0)
    samples, _ = audio.read(file, start=first / 1000, duration=length / 1000)
    np.testing.assert_array_equal(samples, content[first : first + length])


def test_samples_of_float_files_end_at_full_scale(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([2.0, -3.0]), 8000, subtype="FLOAT")
    assert audio.read(tmp_path / "a.wav")[0].tolist() == [1.0, -1.0]


def damaged(path, tone, kind):
    """Make a file that cannot be used, and return what is said of it."""
    if kind == "missing":
        return "does not exist"
    if kind == "text":
        path.write_text("this is no sound")
        return "is no sound file that libsndfile reads"
    if kind == "empty":
        path.touch()
        return r"is empty \(0 bytes\)"
    if kind == "no samples":
        soundfile.write(path, tone[:0], 16000)
        return "holds no samples"
    if kind == "folder":
        path.mkdir()
        return "is a folder"
    if kind == "broken link":
        path.symlink_to(path.with_name("gone.wav"))
        return "a link to a file that does not exist"
    raise AssertionError(kind)


@pytest.mark.parametrize(
    "kind", ["missing", "text", "empty", "no samples", "folder", "broken link"]
)
def test_what_is_no_recording_is_named(tmp_path, tone, kind):
    path = tmp_path / "Müller 1.wav"
    sentence = damaged(path, tone, kind)
    with pytest.raises(errors.AudioError, match=sentence) as caught:
        audio.read(path)
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_recording_that_breaks_off_is_named_or_read_as_far_as_it_goes(
    tmp_path, rng, container
):
    # Noise, so that half of the bytes is about half of the sound.
    noise = rng.uniform(-0.5, 0.5, 48000).astype(np.float32)
    path = tmp_path / "a"
    soundfile.write(path, noise, 16000, format=container)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    if container != "OGG":
        # They say how long they are.
        with pytest.raises(errors.AudioError, match=r"breaks off|no sound file"):
            audio.read(path)
        return
    # It holds no length: half of one is a shorter one.
    assert 0 < len(audio.read(path)[0]) < 48000


def test_a_recording_that_was_streamed_has_no_length_and_is_read(tmp_path, tone):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone, 16000)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(audio.read(path)[0]) == 16000


def test_a_recording_that_may_not_be_read_is_named(tmp_path, tone):
    tmp_path.chmod(0o755)
    path = tmp_path / "a.wav"
    soundfile.write(path, tone, 16000)
    path.chmod(0)
    program = """
import os, sys
sys.path[:] = sys.argv[2].split(os.pathsep)
from siamlab import audio, errors
import soundfile
if os.getuid() == 0:
    os.setuid(65534)  # root may read everything
try:
    audio.read(sys.argv[1])
except errors.AudioError as error:
    print(error.reason)
"""
    # A folder that a stranger can walk into, whatever pytest's own looks like.
    open_path = f"/tmp/siamlab-{os.getpid()}.wav"
    try:
        os.replace(path, open_path)
        done = subprocess.run(
            [sys.executable, "-c", program, open_path, os.pathsep.join(sys.path)],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        os.remove(open_path)
    assert done.stdout.strip() == "may not be read by you; change its permissions"


def test_the_duration_comes_from_the_header(tmp_path, tone):
    soundfile.write(tmp_path / "a.flac", tone[:4000], 16000)
    assert audio.duration(tmp_path / "a.flac") == 0.25


def test_a_start_behind_the_end_is_named(tmp_path, tone):
    soundfile.write(tmp_path / "a.wav", tone, 16000)
    with pytest.raises(errors.AudioError, match=r"from 2 s on \(it is 1.000 s long\)"):
        audio.read(tmp_path / "a.wav", start=2.0)


def test_silence_and_nan_are_named():
    with pytest.raises(errors.AudioError, match="silent from beginning to end"):
        audio.check(np.zeros(100), "a.wav")
    with pytest.raises(errors.AudioError, match="1 samples that are NaN or infinite"):
        audio.check(np.array([0.1, np.nan]), "a.wav")
    audio.check(np.array([0.1, 0.2]), "a.wav")


def test_rates_have_to_be_positive():
    with pytest.raises(errors.ArgumentError, match="must be positive; got 0 and 16000"):
        audio.resample(np.zeros(9), 0, 16000)


def test_an_error_travels_between_processes():
    import pickle

    error = pickle.loads(pickle.dumps(errors.AudioError("a.wav", "is gone")))
    assert (error.path, error.reason, str(error)) == (
        "a.wav",
        "is gone",
        "a.wav: is gone",
    )


def test_a_header_that_promises_more_than_any_memory_is_named(tmp_path, tone):
    path = tmp_path / "a.flac"
    soundfile.write(path, tone, 16000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the highest bits of the number of samples: 2**36 of them
    path.write_bytes(content)
    assert audio.duration(path) > 3e6
    with pytest.raises(errors.AudioError, match="breaks off"):
        audio.read(path)


def test_what_is_longer_than_one_block_is_read_whole(tmp_path, monkeypatch, tone):
    monkeypatch.setattr(audio, "_MOST", 1000)
    both = np.stack([tone, tone], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 16000, subtype="FLOAT")
    np.testing.assert_array_equal(
        audio.read(tmp_path / "a.wav")[0], both.mean(axis=1, dtype=np.float32)
    )


@pytest.mark.parametrize("rate", [1, 70, 4_000_000])
def test_a_rate_at_which_nobody_records_is_named(rate):
    with pytest.raises(errors.ArgumentError, match=f"{rate} samples per second cannot"):
        audio.resample(np.zeros(1_000_000, np.float32), rate, 16000)
