"""Sound files that libsndfile does not read, through `siamlab.audio`."""

import io
import os
import sys

import av
import numpy as np
import pytest
import soundfile

from siamlab import audio, errors

# Name: codec, container, sampling rate, largest deviation of a sample.
FILES = {
    "aac.m4a": ("aac", "ipod", 16000, None),
    "aac.mp4": ("aac", "mp4", 44100, None),
    "alac.m4a": ("alac", "ipod", 16000, 1e-4),
    "opus.webm": ("libopus", "webm", 48000, None),
    "flac.mkv": ("flac", "matroska", 16000, 1e-4),
    "pcm.mkv": ("pcm_s16le", "matroska", 8000, 1e-4),
    "bytes.mkv": ("pcm_u8", "matroska", 8000, 1 / 100),
    "adts.aac": ("aac", "adts", 16000, None),
    "wma.wma": ("wmav2", "asf", 16000, None),
}
PADDED = {"adts.aac", "wma.wma"}  # their containers do not count samples


def tone(sr, seconds=1.0):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(sr * seconds)) / sr)


@pytest.mark.parametrize("name", FILES)
def test_every_codec_is_decoded(tmp_path, encode, name):
    codec, container, sr, tolerance = FILES[name]
    path = encode(tmp_path / name, tone(sr), sr, codec, container)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(path)
    samples, found = audio.read(path)
    assert (found, samples.dtype) == (sr, np.float32)
    assert len(samples) / sr == audio.duration(path)
    assert abs(len(samples) - sr) <= (4096 if name in PADDED else 0)
    spectrum = np.abs(np.fft.rfft(samples[:sr], sr))
    assert abs(int(np.argmax(spectrum)) - 440) <= 1
    if tolerance is not None:
        np.testing.assert_allclose(samples, tone(sr), atol=tolerance)


def test_channels_are_averaged(tmp_path, encode):
    both = np.stack([tone(16000), np.zeros(16000)])
    for codec in ("alac", "pcm_s16le"):  # planar and interleaved
        samples, _ = audio.read(encode(tmp_path / f"{codec}.mkv", both, codec=codec))
        np.testing.assert_allclose(samples, both.mean(axis=0), atol=1e-4)


@pytest.fixture(scope="module")
def noises(tmp_path_factory, encode):
    """Noise, which an AAC decoder fills in from its state."""
    folder = tmp_path_factory.mktemp("noises")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20000)
    return [
        encode(folder / name, noise, *(FILES[name][i] for i in (2, 0, 1)))
        for name in ("aac.m4a", "opus.webm", "flac.mkv")
    ]


@pytest.mark.parametrize("first", [0, 1, 1023, 1024, 7777, 19999])
@pytest.mark.parametrize("length", [1, 1024, 5001, 30000])
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
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\naac.m4a\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile 'aac.m4a'\n",
    ],
)
@pytest.mark.parametrize("name", ["list.m4a", "list.m3u8", "list.ffconcat"])
def test_a_file_that_refers_to_another_is_refused(tmp_path, noises, name, content):
    (tmp_path / "aac.m4a").write_bytes(noises[0].read_bytes())
    (tmp_path / name).write_text(content)
    with pytest.raises(errors.AudioError, match="is not a sound file"):
        audio.read(tmp_path / name)


def test_ffmpeg_does_not_read_a_damaged_wav_file(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(8000), 8000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[22:24] = (0).to_bytes(2, "little")  # no channels
    path.write_bytes(content)
    with pytest.raises(errors.AudioError, match="is not a sound file"):
        audio.read(path)


def truncated(path):
    os.truncate(path, path.stat().st_size // 2)
    return path


def test_a_truncated_m4a_is_an_error(tmp_path, encode):
    # The index of an M4A may be at its beginning or at its end.
    sound = tone(16000, 9.0)
    first = truncated(encode(tmp_path / "1.m4a", sound, movflags="faststart"))
    assert audio.duration(first) == 9.0  # according to its header
    with pytest.raises(errors.AudioError, match="is truncated"):
        audio.read(first)
    assert len(audio.read(first, duration=1.0)[0]) == 16000
    last = truncated(encode(tmp_path / "2.m4a", sound))
    for read in (audio.read, audio.duration):
        with pytest.raises(errors.AudioError, match=r"is not a sound .*copy it again"):
            read(last)


def test_a_truncated_webm_is_an_error_if_its_header_tells(tmp_path, encode):
    sound = (tone(48000, 9.0), 48000, "libopus", "webm")
    path = encode(tmp_path / "a.webm", *sound)
    assert audio.duration(path) == 9.0
    with pytest.raises(errors.AudioError, match=r"promises 9.008 s, it contains \d"):
        audio.read(truncated(path))
    # A browser records without a duration in the header.
    path = encode(tmp_path / "b.webm", *sound, live="1")
    assert audio.duration(path) == 9.0
    assert 0 < len(audio.read(truncated(path))[0]) < 48000 * 9


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
    path = tmp_path / "both.aac"
    for sr in (16000, 8000):
        part = encode(tmp_path / "part.aac", tone(sr), sr, container="adts")
        with open(path, "ab") as file:
            file.write(part.read_bytes())
    with pytest.raises(errors.AudioError, match="sampling rate from 16000 to 8000 Hz"):
        audio.read(path)


def test_the_error_says_how_to_install_pyav(noises, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for read in (audio.read, audio.duration):
        with pytest.raises(errors.AudioError, match=r'pip install "siamlab\[m4a\]"'):
            read(noises[0])
