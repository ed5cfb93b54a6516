"""Recordings, in every container that siamlab reads."""

import tempfile
from pathlib import Path

import numpy as np

from . import damage
from .whole import Whole, sound, speech


def sounds():
    """Everything that libsndfile reads."""
    made = {
        "a.wav": sound(),
        "float.wav": sound(subtype="FLOAT"),
        "stereo.wav": sound(channels=2, subtype="PCM_24", rate=44100),
        "8bit.wav": sound(subtype="PCM_U8", rate=8000),
        "ulaw.wav": sound(subtype="ULAW"),
        "adpcm.wav": sound(subtype="MS_ADPCM"),
        "gsm.wav": sound(subtype="GSM610"),
        "extensible.wav": sound(format="WAVEX"),
        "sphere.wav": sound(format="NIST"),
        "a.w64": sound(format="W64"),
        "a.aiff": sound(format="AIFF"),
        "a.au": sound(format="AU"),
        "a.caf": sound(format="CAF"),
        "alac.caf": sound(format="CAF", subtype="ALAC_16"),
        "a.flac": sound(format="FLAC"),
        "stereo.flac": sound(format="FLAC", channels=2, subtype="PCM_24"),
        "a.ogg": sound(format="OGG", subtype="VORBIS"),
        "opus.ogg": sound(format="OGG", subtype="OPUS"),
        "a.mp3": sound(format="MP3"),
        "stereo.mp3": sound(format="MP3", channels=2, rate=44100),
    }
    for name, content in made.items():
        yield Whole(
            "sound, libsndfile", f"anna/{name}", content, "sound", damage.in_bytes
        )


_CODECS = {
    "aac.m4a": ("aac", "ipod", 16000),
    "alac.m4a": ("alac", "ipod", 16000),
    "aac.3gp": ("aac", "3gp", 16000),
    "opus.webm": ("libopus", "webm", 48000),
    "opus.mka": ("libopus", "matroska", 48000),
    "flac.mka": ("flac", "matroska", 16000),
    "pcm.mka": ("pcm_s16le", "matroska", 8000),
    "a.wma": ("wmav2", "asf", 16000),
    "a.aac": ("aac", "adts", 16000),
    "narrow.amr": ("libopencore_amrnb", "amr", 8000),
    "flac.oga": ("flac", "ogg", 16000),
}


def _encoded(codec, container, rate):
    import av

    samples = speech(0.5, rate)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        with av.open(str(path), "w", format=container) as file:
            stream = file.add_stream(codec, rate=rate, layout="mono")
            stream.bit_rate = 12200 if container == "amr" else 64000
            for start in range(0, len(samples), 1024):
                piece = np.ascontiguousarray(samples[None, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = rate, start
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        return path.read_bytes()


def films():
    """What is read through FFmpeg, and lists that name other files."""
    for name, how in _CODECS.items():
        content = _encoded(*how)
        yield Whole("sound, FFmpeg", f"anna/{name}", content, "sound", damage.in_bytes)
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n../secret.m4a\n"
    for name, content in (
        ("playlist.m4a", playlist),
        ("concat.m4a", b"ffconcat version 1.0\nfile '../secret.m4a'\n"),
        ("remote.wma", b"#EXTM3U\nhttp://127.0.0.1:9/a.m4a\n"),
    ):
        yield Whole(
            "sound, FFmpeg",
            f"anna/{name}",
            content,
            "sound",
            damage.in_text,
            {"secret.m4a": _encoded(*_CODECS["aac.m4a"])},
            ill="names another file",
        )
