"""A damaged file is read, or refused by an error of siamlab that names it.

``benchmarks/damaged_files.py`` runs `check` on thousands of files.
"""

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sound_files import encode, textgrid

import siamlab as sl
from siamlab.cli._config import Config

SR = 16000


def sound_bytes(format, **options):
    """Encode half a second of noise with libsndfile."""
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, SR // 2)
    file = io.BytesIO()
    soundfile.write(file, samples, SR, format=format, **options)
    return file.getvalue()


def ffmpeg(container, codec, sr=SR, **options):
    """Encode noise with FFmpeg."""
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, sr // 2)
    return encode(io.BytesIO(), samples, sr, codec, container, **options).getvalue()


def model_bytes(folder):
    """Save a small Keras model."""
    import keras

    path = Path(folder, "original.keras")
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    return path.read_bytes()


SOUNDS = {
    "a.wav": lambda: sound_bytes("WAV"),
    "float.wav": lambda: sound_bytes("WAV", subtype="FLOAT"),
    "8 bits.wav": lambda: sound_bytes("WAV", subtype="PCM_U8"),
    "adpcm.wav": lambda: sound_bytes("WAV", subtype="MS_ADPCM"),
    "gsm.wav": lambda: sound_bytes("WAV", subtype="GSM610"),
    "mp3.wav": lambda: ffmpeg("wav", "libmp3lame"),
    "rf64.wav": lambda: sound_bytes("RF64"),
    "a.w64": lambda: sound_bytes("W64"),
    "a.aiff": lambda: sound_bytes("AIFF"),
    "a.au": lambda: sound_bytes("AU"),
    "a.caf": lambda: sound_bytes("CAF"),
    "alac.caf": lambda: ffmpeg("caf", "alac"),
    "a.sph": lambda: sound_bytes("NIST"),
    "a.flac": lambda: sound_bytes("FLAC"),
    "a.ogg": lambda: sound_bytes("OGG"),
    "a.opus": lambda: ffmpeg("ogg", "libopus", 48000),
    "a.mp3": lambda: sound_bytes("MP3"),
    "vbr.mp3": lambda: sound_bytes("MP3", bitrate_mode="VARIABLE"),
    "bare.mp3": lambda: ffmpeg("mp3", "libmp3lame", write_xing="0"),
    "a.m4a": lambda: ffmpeg("mp4", "aac"),
    "fragments.m4a": lambda: ffmpeg("mp4", "aac", movflags="frag_keyframe+empty_moov"),
    "a.aac": lambda: ffmpeg("adts", "aac"),
    "a.webm": lambda: ffmpeg("webm", "libopus", 48000),
    "a.mka": lambda: ffmpeg("matroska", "flac"),
    "a.wma": lambda: ffmpeg("asf", "wmav2"),
}

PHONES = ("phones", [("a", 0, 0.2), ("b", 0.2, 0.5)])


def originals(folder):
    """Map the name of each undamaged file to its content."""
    encoder = Path(sl.embeddings.__file__).with_name("encoder.npz")
    batch = io.BytesIO()
    np.savez(batch, x=np.zeros((4, 3)), y=np.zeros((4, 2)))
    return {
        **{name: encode() for name, encode in SOUNDS.items()},
        "a.TextGrid": textgrid(PHONES, end=0.5).encode(),
        "table.csv": b"path,speaker,start,duration\na.wav,anna,0.1,0.3\n",
        "config.yaml": b"data: recordings\nepochs: 3\nunits: 16\n",
        "encoder.npz": encoder.read_bytes(),
        "batch.npz": batch.getvalue(),
        "model.keras": model_bytes(folder),
    }


def read(path):
    """Read a file as its kind is read by siamlab."""
    from siamlab.doctor import files

    readers = {
        ".TextGrid": lambda path: sl.corpora.textgrid(path.parent),
        ".csv": sl.corpora.folder,
        ".yaml": Config.read,
        ".keras": files.load,
        "encoder.npz": sl.embeddings.Encoder.load,
        "batch.npz": files._arrays,
    }
    if path.suffix in (".TextGrid", ".csv"):
        (path.parent / "a.wav").write_bytes(sound_bytes("WAV"))
    readers.get(path.name, readers.get(path.suffix, sl.audio.read))(path)


SIZES = (b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f", b"\0\xf0\xff\x7f", b"\0\1\0\0")

DAMAGE = {
    "truncated": lambda old, at, new: old[:at],
    "beginning lost": lambda old, at, new: old[at:],
    "overwritten": lambda old, at, new: old[:at] + new + old[at + len(new) :],
    "bytes inserted": lambda old, at, new: old[:at] + new + old[at:],
    "zeros": lambda old, at, new: old[:at] + bytes(len(old) - at),
    "bit flipped": lambda old, at, new: (
        old[:at] + bytes([old[at] ^ 1 << new[0] % 8]) + old[at + 1 :]
    ),
    "wrong size": lambda old, at, new: (
        old[: at % 64] + SIZES[new[0] % len(SIZES)] + old[at % 64 + 4 :]
    ),
    "header overwritten": lambda old, at, new: (
        old[: at % 200] + new[:4] + old[at % 200 + 4 :]
    ),
    "blocks exchanged": lambda old, at, new: old[at:] + old[:at],
    "joined with another format": lambda old, at, new: (
        old[:at] + sound_bytes(("WAV", "FLAC", "OGG", "MP3")[new[0] % 4])
    ),
    "empty": lambda old, at, new: b"",
    "another kind of file": lambda old, at, new: new * 100,
}


def check(folder, name, content, kind, position, noise):
    """Damage a file and read it; return whether it could be read.

    Parameters
    ----------
    folder : pathlib.Path
        Where to write it; other files in it are removed.
    name : str
        Name of the file, which says what it is.
    content : bytes
        The undamaged file.
    kind : str
        A key of `DAMAGE`.
    position : float
        Where to damage it, from 0 (beginning) to 1 (end).
    noise : bytes
        What to write there.

    Raises
    ------
    AssertionError
        If the error does not name the file. Any error other than `SiamlabError`
        passes through: it is the failure that this looks for.
    """
    for other in folder.iterdir():
        other.unlink()
    path = folder / name
    at = round(position * (len(content) - 1))
    path.write_bytes(DAMAGE[kind](content, at, noise))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
        return True
    except sl.SiamlabError as error:
        refusal = str(error)
    assert path.stem in refusal, f"does not name the file: {refusal}"
    return False


TEXTS = ("a.TextGrid", "table.csv", "config.yaml")
NAMES = (*SOUNDS, *TEXTS, "encoder.npz", "batch.npz", "model.keras")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return originals(tmp_path_factory.mktemp("originals"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_read_or_refused_by_name(files, folder, name):
    rng = np.random.default_rng(NAMES.index(name))
    for kind in DAMAGE:
        check(folder, name, files[name], kind, rng.random(), rng.bytes(40))


@pytest.mark.parametrize("name", NAMES)
def test_an_undamaged_file_is_read_and_an_empty_one_is_refused(files, folder, name):
    assert check(folder, name, files[name], "bytes inserted", 0, b"")
    assert not check(folder, name, files[name], "empty", 0, b"")
