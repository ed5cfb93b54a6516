"""Recordings that libsndfile does not read, through `siamlab.audio`."""

import contextlib
import io
import sys
import tracemalloc

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


def tone(rate, seconds=1.0):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)


def all_frames(path):
    """Decode with nothing but FFmpeg."""
    with av.open(str(path)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
    return np.concatenate(frames, axis=1)


@pytest.mark.parametrize("name", CODECS)
def test_what_libsndfile_does_not_read_is_read(tmp_path, encode, name):
    codec, container, rate = CODECS[name]
    sound = tone(rate)
    path = encode(tmp_path / name, sound, rate, codec, container)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(path)
    samples, found = audio.read(path)
    assert found == (48000 if codec == "libopus" else rate)
    assert samples.dtype == np.float32
    assert len(samples) / found == audio.duration(path)
    assert abs(len(samples) - found) <= (0 if name not in PADDED else 4096)
    spectrum = np.abs(np.fft.rfft(samples[:found], found))
    assert abs(int(np.argmax(spectrum)) - 440) <= 1
    if name in EXACT:
        assert np.abs(samples - sound).max() <= EXACT[name]


def test_it_is_what_ffmpeg_decodes_without_what_the_encoder_added(tmp_path, encode):
    path = encode(tmp_path / "a.m4a", tone(16000))
    whole = all_frames(path)[0]
    assert len(whole) > 16000
    np.testing.assert_array_equal(audio.read(path)[0], whole[:16000])


def test_several_channels_are_averaged(tmp_path, encode):
    both = np.stack([tone(16000), np.zeros(16000)])
    for codec in ("alac", "pcm_s16le"):  # planar and interleaved
        path = encode(tmp_path / f"{codec}.mkv", both, codec=codec)
        samples, _ = audio.read(path)
        np.testing.assert_allclose(samples, both.mean(axis=0), atol=1e-4)


@pytest.fixture(scope="module")
def noises(tmp_path_factory, encode):
    """Noise, which an AAC decoder fills in from its own state."""
    folder = tmp_path_factory.mktemp("noises")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20000)
    return [
        encode(folder / name, noise, *(CODECS[name][i] for i in (2, 0, 1)))
        for name in ("aac.m4a", "opus.webm", "flac.mkv")
    ]


@settings(deadline=None, max_examples=30)
@given(first=st.integers(0, 19999), length=st.integers(1, 30000))
@example(first=1023, length=1)
@example(first=1024, length=1024)
@example(first=0, length=20000)
def test_a_stretch_is_what_stands_there_in_the_whole(noises, first, length):
    for path in noises:
        whole, rate = audio.read(path)
        # Times of whole samples, with a little that a sum of floats may add.
        some, _ = audio.read(
            path, start=first / rate + 1e-9, duration=length / rate - 1e-9
        )
        np.testing.assert_array_equal(some, whole[first : first + length])


def test_a_stretch_needs_no_more_memory_than_it_is_long(tmp_path, encode):
    path = encode(tmp_path / "long.m4a", np.zeros(16000 * 300))
    tracemalloc.start()
    try:
        audio.read(path, start=200.0, duration=0.5)
        stretch = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        audio.read(path)
        whole = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert whole > 4 * 16000 * 300
    assert stretch < whole / 10


def test_a_start_behind_the_end_is_named(noises):
    with pytest.raises(errors.AudioError, match=r"from 9 s on \(it is 1.250 s long\)"):
        audio.read(noises[0], start=9.0)


def test_an_open_file_is_read(noises):
    file = io.BytesIO(noises[0].read_bytes())
    np.testing.assert_array_equal(audio.read(file)[0], audio.read(noises[0])[0])
    with pytest.raises(errors.AudioError, match="is no sound file"):
        audio.read(io.BytesIO(b"no sound"))


def test_a_name_is_never_a_protocol(tmp_path, encode, monkeypatch):
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
def test_a_file_that_names_another_is_not_followed(tmp_path, noises, content):
    for name in ("list.m4a", "list.m3u8", "list.ffconcat"):
        path = tmp_path / name
        path.write_text(content.format(path=noises[0].name))
        (tmp_path / noises[0].name).write_bytes(noises[0].read_bytes())
        with pytest.raises(errors.AudioError, match="is no sound file"):
            audio.read(path)


def test_what_libsndfile_refuses_of_its_own_is_not_read_by_ffmpeg(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(8000), 8000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[22:24] = (0).to_bytes(2, "little")  # no channels
    path.write_bytes(content)
    with pytest.raises(errors.AudioError, match="is no sound file"):
        audio.read(path)


def cut(path, encode, first):
    """An M4A whose second half is missing, its index being first or last."""
    encode(path, tone(16000, 9.0), **({"movflags": "faststart"} if first else {}))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def test_a_recording_that_breaks_off_is_named(tmp_path, encode):
    first = cut(tmp_path / "first.m4a", encode, first=True)
    assert audio.duration(first) == 9.0  # as its header says
    with pytest.raises(errors.AudioError, match=r"breaks off"):
        audio.read(first)
    # What comes before is there.
    assert len(audio.read(first, duration=1.0)[0]) == 16000
    last = cut(tmp_path / "last.m4a", encode, first=False)
    for read in (audio.read, audio.duration):
        with pytest.raises(errors.AudioError, match=r"is no sound .*copy it again"):
            read(last)


def test_a_webm_that_breaks_off_is_named_where_its_header_tells(tmp_path, encode):
    for options in ({}, {"live": "1"}):  # a browser records without a length
        path = tmp_path / "a.webm"
        encode(path, tone(48000, 9.0), 48000, "libopus", "webm", **options)
        assert audio.duration(path) == 9.0
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        if options:
            assert 0 < len(audio.read(path)[0]) < 48000 * 9
        else:
            with pytest.raises(errors.AudioError, match=r"promises 9.008 s, \d"):
                audio.read(path)


def test_a_video_without_sound_is_named(tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        picture = np.zeros((32, 32, 3), np.uint8)
        file.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        file.mux(stream.encode(None))
    for read in (audio.read, audio.duration):
        with pytest.raises(errors.AudioError, match="holds no sound, only pictures"):
            read(path)


def test_a_rate_that_changes_is_named(tmp_path, encode):
    parts = [
        encode(tmp_path / f"{rate}.aac", tone(rate), rate, container="adts")
        for rate in (16000, 8000)
    ]
    path = tmp_path / "both.aac"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(
        errors.AudioError, match="from 16000 to 8000 samples per second"
    ):
        audio.read(path)


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    which=st.integers(0, 2),
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=8
    ),
    near_an_end=st.booleans(),
    end=st.floats(0.02, 1),
)
def test_damage_gives_an_audio_error_or_sound(
    noises, tmp_path, which, changes, near_an_end, end
):
    content = bytearray(noises[which].read_bytes())
    for place, values in changes:
        # The index, where damage is worst, is at either end.
        reach = 1500 if near_an_end else len(content)
        at = round(place * reach) - (reach // 2 if near_an_end else 0)
        at %= len(content)
        content[at : at + len(values)] = values
    path = tmp_path / f"damaged{noises[which].suffix}"
    path.write_bytes(content[: max(round(end * len(content)), 1)])
    for read in (audio.read, audio.duration):
        with contextlib.suppress(errors.AudioError):
            result = read(path)
            if read is audio.read:
                assert result[0].dtype == np.float32
                assert len(result[0]) > 0
            else:
                assert result >= 0


def test_without_pyav_the_error_says_what_to_install(noises, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for read in (audio.read, audio.duration):
        with pytest.raises(
            errors.AudioError, match=r'pip install "siamlab\[m4a\]"'
        ) as caught:
            read(noises[0])
        assert caught.value.path == str(noises[0])
