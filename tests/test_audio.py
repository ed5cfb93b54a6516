"""Reading sound files, with libsndfile or with FFmpeg."""

import io
import pickle

import numpy as np
import pytest
import soundfile
from sound_files import encode, tone

from siamlab import audio, errors

# Name: codec, number of samples that its container may add, deviation of a sample.
FILES = {
    "8 bits.wav": ("PCM_U8", 0, 1 / 100),
    "16 bits.wav": ("PCM_16", 0, 1e-4),
    "float.wav": ("FLOAT", 0, 1e-6),
    "24 bits.flac": ("PCM_24", 0, 1e-6),
    "vorbis.ogg": ("VORBIS", 0, 0.1),
    "layer 3.mp3": ("MPEG_LAYER_III", 2500, None),
    # These are read with FFmpeg.
    "aac.m4a": ("aac", 0, None),
    "alac.m4a": ("alac", 0, 1e-4),
    "opus.webm": ("libopus", 0, None),
    "8 bits.mkv": ("pcm_u8", 0, 1 / 100),
    "16 bits.mkv": ("pcm_s16le", 0, 1e-4),
    "aac.aac": ("aac", 4096, None),
    "wma.wma": ("wmav2", 4096, None),
}
SR = 48000
TONE = tone(SR)


@pytest.fixture
def write(tmp_path):
    """Write one of `FILES`; samples have the shape (samples,) or (2, samples)."""

    def write(name, samples):
        codec, _, _ = FILES[name]
        if codec.isupper():
            soundfile.write(tmp_path / name, samples.T, SR, subtype=codec)
        else:
            encode(tmp_path / name, samples, SR, codec)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", FILES)
def test_every_codec_is_read(write, name):
    _, extra, tolerance = FILES[name]
    path = write(name, TONE)
    samples, sr = audio.read(path)
    assert (sr, samples.dtype) == (SR, np.float32)
    assert audio.duration(path) == len(samples) / SR
    assert abs(len(samples) - SR) <= extra
    spectrum = np.abs(np.fft.rfft(samples[:SR], SR))
    assert abs(int(np.argmax(spectrum)) - 440) <= 1
    if tolerance is not None:
        np.testing.assert_allclose(samples, TONE, atol=tolerance)


@pytest.mark.parametrize("name", ["float.wav", "alac.m4a", "16 bits.mkv"])
def test_channels_are_averaged(write, name):
    samples, _ = audio.read(write(name, np.stack([TONE, 0 * TONE])))
    np.testing.assert_allclose(samples, TONE / 2, atol=1e-4)


def test_samples_are_clipped_at_full_scale(write):
    samples, _ = audio.read(write("float.wav", np.array([2.0, -3.0, 0.5])))
    assert samples.tolist() == [1.0, -1.0, 0.5]


PARTS = [(0, 1), (1, 1024), (1023, 1024), (7777, 5001), (23999, 30000)]


@pytest.mark.parametrize("name", ["float.wav", "aac.m4a", "alac.m4a", "opus.webm"])
def test_parts_and_blocks_equal_the_same_samples_of_the_whole(write, rng, name):
    # An AAC decoder fills in noise from its state.
    path = write(name, rng.uniform(-0.5, 0.5, 24000))
    whole, _ = audio.read(path)
    open_file = io.BytesIO(path.read_bytes())
    np.testing.assert_array_equal(audio.read(open_file)[0], whole)
    for first, length in PARTS:
        # Times of whole samples, with a little that a sum of floats may add.
        part = {"start": first / SR + 1e-9, "duration": length / SR - 1e-9}
        expected = whole[first : first + length]
        np.testing.assert_array_equal(audio.read(path, **part)[0], expected)
        blocks = [block for block, _ in audio.blocks(path, **part, seconds=0.1)]
        assert max(map(len, blocks)) <= 0.1 * SR
        np.testing.assert_array_equal(np.concatenate(blocks), expected)


@pytest.mark.parametrize("sr", [8000, 11025, 44100, 96000])
def test_every_sampling_rate_is_read_and_resampled(tmp_path, sr):
    soundfile.write(tmp_path / "a.wav", tone(sr), sr)
    samples, found = audio.read(tmp_path / "a.wav")
    assert found == sr
    resampled = audio.resample(samples, sr, 16000)
    assert len(resampled) == 16000
    assert np.argmax(np.abs(np.fft.rfft(resampled))) == 440
    rms = np.sqrt(np.mean(resampled[4000:12000] ** 2))
    assert rms == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_an_impossible_sampling_rate_is_an_error():
    for sr, message in ((-1, "from -1 to .* positive"), (10**7, "at most 200 times")):
        with pytest.raises(errors.ArgumentError, match=message):
            audio.resample(np.zeros(1000, np.float32), sr, 16000)


def test_a_file_longer_than_one_read_is_complete(write, monkeypatch):
    monkeypatch.setattr(audio, "_MAX_SAMPLES", 1000)
    np.testing.assert_array_equal(audio.read(write("float.wav", TONE))[0], TONE)


@pytest.mark.parametrize("name", ["24 bits.flac", "alac.m4a"])
def test_a_start_after_the_end_is_an_error(write, name):
    path = write(name, TONE[:12000])
    with pytest.raises(errors.AudioError, match=r"after 2 s \(it is 0.250 s long\)"):
        audio.read(path, start=2.0)


UNREADABLE = {
    r"cannot be opened \(No such file": lambda path: None,
    "is not a sound file that libsndfile": lambda path: path.write_text("Hallo"),
    r"is empty \(0 bytes\)": lambda path: path.touch(),
    "has no samples": lambda path: soundfile.write(path, np.zeros(0), 16000),
    "is not a regular file": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("message", UNREADABLE)
def test_the_error_says_why_a_file_cannot_be_read(tmp_path, message):
    path = tmp_path / "Müller 1.wav"
    UNREADABLE[message](path)
    with pytest.raises(errors.AudioError, match=message) as caught:
        audio.read(path)
    assert str(path) in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))  # as from another process
    assert (again.path, str(again)) == (str(path), str(caught.value))


@pytest.mark.parametrize(
    ("name", "position", "byte", "message"),
    [
        ("24 bits.flac", 21, b"\x7f", "is truncated"),  # promises 2**36 samples
        ("16 bits.wav", 22, b"\0", "is not a sound file"),  # has no channels
    ],
)
def test_an_impossible_header_is_an_error(write, name, position, byte, message):
    path = write(name, TONE)
    content = path.read_bytes()
    path.write_bytes(content[:position] + byte + content[position + 1 :])
    with pytest.raises(errors.AudioError, match=message):
        audio.read(path)
