"""What is special about files that are read with FFmpeg; see also test_audio.py."""

import os
import sys

import av
import numpy as np
import pytest
from sound_files import encode, tone

from siamlab import audio, errors


def test_a_file_name_is_never_a_protocol(tmp_path, monkeypatch):
    encode(tmp_path / "a.m4a", tone(16000)).rename(tmp_path / "concat:a|b.m4a")
    monkeypatch.chdir(tmp_path)
    assert len(audio.read("concat:a|b.m4a")[0]) == 16000


PLAYLIST = "#EXTM3U\n#EXTINF:9,\na.m4a\n#EXT-X-ENDLIST\n"
CONCATENATION = "ffconcat version 1.0\nfile 'a.m4a'\n"
LISTS = {"a.m3u8": PLAYLIST, "b.m4a": PLAYLIST, "c.ffconcat": CONCATENATION}


@pytest.mark.parametrize(("name", "content"), LISTS.items())
def test_a_file_that_refers_to_another_is_refused(tmp_path, name, content):
    encode(tmp_path / "a.m4a", tone(16000))
    (tmp_path / name).write_text(content)
    with pytest.raises(errors.AudioError, match="is not a sound file"):
        audio.read(tmp_path / name)


def truncated(path):
    os.truncate(path, path.stat().st_size // 2)
    return path


def test_a_truncated_m4a_is_an_error(tmp_path):
    # The index of an M4A may be at its beginning or at its end.
    sound = tone(16000, 9.0)
    first = truncated(encode(tmp_path / "1.m4a", sound, movflags="faststart"))
    assert audio.duration(first) == 9.0  # according to its header
    with pytest.raises(errors.AudioError, match="is truncated"):
        audio.read(first)
    assert len(audio.read(first, duration=1.0)[0]) == 16000
    last = truncated(encode(tmp_path / "2.m4a", sound))
    with pytest.raises(errors.AudioError, match=r"is not a sound .*copy it again"):
        audio.read(last)


def test_a_truncated_webm_is_an_error_if_its_header_tells(tmp_path):
    sound = (tone(48000, 9.0), 48000, "libopus")
    path = truncated(encode(tmp_path / "a.webm", *sound))
    with pytest.raises(errors.AudioError, match=r"declares 9.008 s, but .*contains \d"):
        audio.read(path)
    # A browser records without a duration in the header.
    path = encode(tmp_path / "b.webm", *sound, live="1")
    assert audio.duration(path) == 9.0
    assert 0 < len(audio.read(truncated(path))[0]) < 48000 * 9


def test_a_sampling_rate_that_changes_is_an_error(tmp_path):
    parts = [encode(tmp_path / f"{sr}.aac", tone(sr), sr) for sr in (16000, 8000)]
    path = tmp_path / "both.aac"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(errors.AudioError, match="changes its sampling rate"):
        audio.read(path)


def test_a_video_without_sound_is_an_error(tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        picture = np.zeros((32, 32, 3), np.uint8)
        file.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        file.mux(stream.encode(None))
    with pytest.raises(errors.AudioError, match="it has no audio stream"):
        audio.read(path)


def test_the_error_says_how_to_install_pyav(tmp_path, monkeypatch):
    m4a = encode(tmp_path / "a.m4a", tone(16000))
    # libsndfile would guess the length of this one.
    mp3 = encode(tmp_path / "a.mp3", tone(16000), codec="libmp3lame", write_xing="0")
    monkeypatch.setitem(sys.modules, "av", None)
    for path, reason in ((m4a, "not recogni[sz]ed"), (mp3, "not know the length")):
        with pytest.raises(errors.AudioError, match=rf'{reason}.*"siamlab\[m4a\]"'):
            audio.read(path)
