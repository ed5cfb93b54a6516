"""Sound files that libsndfile does not read, through `siamlab.audio`."""

import contextlib
import io
import os
import sys

import av
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from siamlab import audio, errors

CODECS = {
    "aac.m4a": ("aac", "ipod", 16000),
    "aac.mp4": ("aac", "mp4", 44100),
    "alac.m4a": ("alac", "ipod", 16000),
    "opus.webm": ("libopus", "webm", 48000),
    "opus.mkv": ("libopus", "matroska", 16000),
    "flac.mkv": ("flac", "matroska", 16000),
    "pcm.mkv": ("pcm_s16le", "matroska", 8000),
    "bytes.mkv": ("pcm_u8", "matroska", 8000),
    "adts.aac": ("aac", "adts", 16000),
    "wma.wma": ("wmav2", "asf", 16000),
}
EXACT = {"alac.m4a": 1e-4, "flac.mkv": 1e-4, "pcm.mkv": 1e-4, "bytes.mkv": 1 / 100}
PADDED = {"adts.aac", "wma.wma"}  # their containers count no samples


def tone(sr, seconds=1.0):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(sr * seconds)) / sr)


@pytest.mark.parametrize("name", CODECS)
def test_every_codec_is_decoded(tmp_path, encode, name):
    codec, container, sr = CODECS[name]
    sound = tone(sr)
    path = encode(tmp_path / name, sound, sr, codec, container)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(path)
    samples, found = audio.read(path)
    assert found == (48000 if codec == "libopus" else sr)
    assert samples.dtype == np.float32
    assert len(samples) / found == audio.duration(path)
    assert abs(len(samples) - found) <= (0 if name not in PADDED else 4096)
    spectrum = np.abs(np.fft.rfft(samples[:found], found))
    assert abs(int(np.argmax(spectrum)) - 440) <= 1
    if name in EXACT:
        assert np.abs(samples - sound).max() <= EXACT[name]


def test_channels_are_averaged(tmp_path, encode):
    both = np.stack([tone(16000), np.zeros(16000)])
    for codec in ("alac", "pcm_s16le"):  # planar and interleaved
        path = encode(tmp_path / f"{codec}.mkv", both, codec=codec)
        samples, _ = audio.read(path)
        np.testing.assert_allclose(samples, both.mean(axis=0), atol=1e-4)


@pytest.fixture(scope="module")
def noises(tmp_path_factory, encode):
    """Noise, which an AAC decoder fills in from its state."""
    folder = tmp_path_factory.mktemp("noises")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20000)
    return [
        encode(folder / name, noise, *(CODECS[name][i] for i in (2, 0, 1)))
        for name in ("aac.m4a", "opus.webm", "flac.mkv")
    ]


@settings(deadline=None, max_examples=20, derandomize=True)
@given(first=st.integers(0, 19999), length=st.integers(1, 30000))
@example(first=1023, length=1)
@example(first=1024, length=1024)
@example(first=0, length=20000)
def test_a_part_equals_the_same_samples_of_the_whole(noises, first, length):
    for path in noises:
        whole, sr = audio.read(path)
        # Times of whole samples, with a little that a sum of floats may add.
        start, duration = first / sr + 1e-9, length / sr - 1e-9
        part, _ = audio.read(path, start=start, duration=duration)
        np.testing.assert_array_equal(part, whole[first : first + length])


def test_an_open_file_is_read(noises):
    file = io.BytesIO(noises[0].read_bytes())
    np.testing.assert_array_equal(audio.read(file)[0], audio.read(noises[0])[0])
    with pytest.raises(errors.AudioError, match=r"after 9 s \(it is 1.250 s long\)"):
        audio.read(file, start=9.0)


def test_a_file_name_is_never_a_protocol(tmp_path, encode, monkeypatch):
    encode(tmp_path / "a.m4a", tone(16000)).rename(tmp_path / "concat:a|b.m4a")
    monkeypatch.chdir(tmp_path)
    assert len(audio.read("concat:a|b.m4a")[0]) == 16000


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{path}'\n",
    ],
)
def test_a_file_that_refers_to_another_is_refused(tmp_path, noises, content):
    for name in ("list.m4a", "list.m3u8", "list.ffconcat"):
        path = tmp_path / name
        path.write_text(content.format(path=noises[0].name))
        (tmp_path / noises[0].name).write_bytes(noises[0].read_bytes())
        with pytest.raises(errors.AudioError, match="is not a sound file"):
            audio.read(path)


def test_ffmpeg_does_not_read_a_damaged_wav_file(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(8000), 8000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[22:24] = (0).to_bytes(2, "little")  # no channels
    path.write_bytes(content)
    with pytest.raises(errors.AudioError, match="is not a sound file"):
        audio.read(path)


def truncated(path, encode, *arguments, **options):
    """Encode a tone of 9 s, and keep half of the file."""
    encode(path, *arguments, **options)
    os.truncate(path, path.stat().st_size // 2)
    return path


def test_a_truncated_m4a_is_an_error(tmp_path, encode):
    # The index of an M4A may be at its beginning or at its end.
    sound = tone(16000, 9.0)
    first = truncated(tmp_path / "1.m4a", encode, sound, movflags="faststart")
    assert audio.duration(first) == 9.0  # according to its header
    with pytest.raises(errors.AudioError, match="is truncated"):
        audio.read(first)
    assert len(audio.read(first, duration=1.0)[0]) == 16000
    last = truncated(tmp_path / "2.m4a", encode, sound)
    for read in (audio.read, audio.duration):
        with pytest.raises(errors.AudioError, match=r"is not a sound .*copy it again"):
            read(last)


def test_a_truncated_webm_is_an_error_if_its_header_tells(tmp_path, encode):
    settings = (tone(48000, 9.0), 48000, "libopus", "webm")
    assert audio.duration(encode(tmp_path / "whole.webm", *settings)) == 9.0
    with pytest.raises(errors.AudioError, match=r"promises 9.008 s, it contains \d"):
        audio.read(truncated(tmp_path / "a.webm", encode, *settings))
    # A browser records without a duration in the header.
    streamed = encode(tmp_path / "streamed.webm", *settings, live="1")
    assert audio.duration(streamed) == 9.0
    streamed = truncated(tmp_path / "b.webm", encode, *settings, live="1")
    assert 0 < len(audio.read(streamed)[0]) < 48000 * 9


def test_a_video_without_sound_is_an_error(tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        picture = np.zeros((32, 32, 3), np.uint8)
        file.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        file.mux(stream.encode(None))
    for read in (audio.read, audio.duration):
        with pytest.raises(errors.AudioError, match="has no audio, only video"):
            read(path)


def test_a_changing_sampling_rate_is_an_error(tmp_path, encode):
    parts = [
        encode(tmp_path / f"{sr}.aac", tone(sr), sr, container="adts")
        for sr in (16000, 8000)
    ]
    path = tmp_path / "both.aac"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(errors.AudioError, match="sampling rate from 16000 to 8000 Hz"):
        audio.read(path)


@settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    which=st.integers(0, 2),
    changes=st.lists(
        st.tuples(st.integers(-750, 750), st.binary(min_size=1, max_size=6)), max_size=8
    ),
    end=st.floats(0.02, 1),
)
def test_a_damaged_file_is_an_audio_error_or_is_read(
    noises, tmp_path, which, changes, end
):
    content = bytearray(noises[which].read_bytes())
    for at, values in changes:  # near both ends, where the index is
        at %= len(content)
        content[at : at + len(values)] = values
    path = tmp_path / f"damaged{noises[which].suffix}"
    path.write_bytes(content[: max(round(end * len(content)), 1)])
    with contextlib.suppress(errors.AudioError):
        assert audio.duration(path) >= 0
    with contextlib.suppress(errors.AudioError):
        samples, _ = audio.read(path)
        assert samples.dtype == np.float32
        assert len(samples) > 0


def test_the_error_says_how_to_install_pyav(noises, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for read in (audio.read, audio.duration):
        with pytest.raises(
            errors.AudioError, match=r'pip install "siamlab\[m4a\]"'
        ) as caught:
            read(noises[0])
        assert caught.value.path == str(noises[0])
