"""A damaged file is read, or refused by an error of siamlab that names it.

``benchmarks/damaged_files.py`` runs `check` on thousands of files.
"""

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab.cli._config import Config

SR = 16000


def sound_bytes(format, **options):
    """Encode half a second of noise with libsndfile."""
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, SR // 2)
    file = io.BytesIO()
    soundfile.write(file, samples, SR, format=format, **options)
    return file.getvalue()


def m4a_bytes():
    """Encode the same with FFmpeg."""
    import av

    file = io.BytesIO()
    with (
        av.open(io.BytesIO(sound_bytes("WAV"))) as original,
        av.open(file, "w", format="mp4") as container,
    ):
        stream = container.add_stream("aac", rate=SR, layout="mono")
        for frame in original.decode():
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def model_bytes(folder):
    """Save a small Keras model."""
    import keras

    path = Path(folder, "original.keras")
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    return path.read_bytes()


TEXTGRID = (
    b'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n0.5\n<exists>\n1\n'
    b'"IntervalTier"\n"phones"\n0\n0.5\n2\n0\n0.2\n"a"\n0.2\n0.5\n"b"\n'
)


def originals(folder):
    """Map the name of each undamaged file to its content."""
    encoder = Path(sl.embeddings.__file__).with_name("encoder.npz")
    batch = io.BytesIO()
    np.savez(batch, x=np.zeros((4, 3)), y=np.zeros((4, 2)))
    return {
        "a.wav": sound_bytes("WAV"),
        "float.wav": sound_bytes("WAV", subtype="FLOAT"),
        "a.flac": sound_bytes("FLAC"),
        "a.ogg": sound_bytes("OGG"),
        "a.mp3": sound_bytes("MP3"),
        "a.m4a": m4a_bytes(),
        "a.TextGrid": TEXTGRID,
        "table.csv": b"path,speaker,start,duration\na.wav,anna,0.1,0.3\n",
        "config.yaml": b"data: recordings\nepochs: 3\nunits: 16\n",
        "encoder.npz": encoder.read_bytes(),
        "batch.npz": batch.getvalue(),
        "model.keras": model_bytes(folder),
    }


def read(path):
    """Read a file as its kind is read by siamlab."""
    from siamlab.doctor import files, saved

    readers = {
        ".TextGrid": lambda path: sl.corpora.textgrid(path.parent, strict=True),
        ".csv": sl.corpora.folder,
        ".yaml": Config.read,
        ".keras": saved.load,
        "encoder.npz": sl.embeddings.Encoder.load,
        "batch.npz": files._arrays,
    }
    if path.suffix in (".TextGrid", ".csv"):
        (path.parent / "a.wav").write_bytes(sound_bytes("WAV"))
    readers.get(path.name, readers.get(path.suffix, sl.audio.read))(path)


DAMAGE = {
    "truncated": lambda old, at, new: old[:at],
    "beginning lost": lambda old, at, new: old[at:],
    "overwritten": lambda old, at, new: old[:at] + new + old[at + len(new) :],
    "bytes inserted": lambda old, at, new: old[:at] + new + old[at:],
    "zeros": lambda old, at, new: old[:at] + bytes(len(old) - at),
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


SOUNDS = ("a.wav", "float.wav", "a.flac", "a.ogg", "a.mp3", "a.m4a")
TEXTS = ("a.TextGrid", "table.csv", "config.yaml")
NAMES = (*SOUNDS, *TEXTS, "encoder.npz", "batch.npz", "model.keras")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return originals(tmp_path_factory.mktemp("originals"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(sorted(DAMAGE)),
    position=st.floats(0, 1),
    noise=st.binary(min_size=1, max_size=40),
)
def test_a_damaged_file_is_read_or_refused_by_name(
    files, folder, name, kind, position, noise
):
    check(folder, name, files[name], kind, position, noise)


@pytest.mark.parametrize("name", NAMES)
def test_an_undamaged_file_is_read_and_an_empty_one_is_refused(files, folder, name):
    assert check(folder, name, files[name], "bytes inserted", 0, b"")
    assert not check(folder, name, files[name], "empty", 0, b"")
