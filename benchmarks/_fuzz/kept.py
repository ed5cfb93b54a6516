"""What siamlab itself keeps on disk: its cache, and runs."""

import io
import os
import tempfile
from pathlib import Path

import numpy as np
import soundfile

import siamlab as sl

from . import damage
from .whole import RATE, Whole, sound


def caches():
    """Entries of the cache."""
    wav = sound()
    name, content = _feature_entry(wav)
    tree = {"recordings/anna/a.wav": wav}
    yield Whole("cache", name, content, "features", damage.in_bytes, tree)
    files = _voices_cache()
    for name, content in files.items():
        how = damage.in_text if name.endswith(".json") else damage.in_bytes
        others = {key: value for key, value in files.items() if key != name}
        yield Whole("cache", name, content, "voices", how, others)


def _in_a_cache(function):
    """Files that a function leaves in an empty cache, by their path in it."""

    before = os.environ.get("SIAMLAB_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIAMLAB_CACHE"] = folder
        try:
            function(Path(folder))
        finally:
            os.environ.pop("SIAMLAB_CACHE")
            if before is not None:
                os.environ["SIAMLAB_CACHE"] = before
        return {
            f"cache/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file() and "recordings" not in path.parts
        }


def _feature_entry(wav):
    def extract(folder):
        path = folder / "recordings" / "anna" / "a.wav"
        path.parent.mkdir(parents=True)
        path.write_bytes(wav)
        sl.extract(sl.corpora.folder(folder / "recordings"))

    ((name, content),) = _in_a_cache(extract).items()
    return name, content


def _voices_cache():
    return _in_a_cache(lambda folder: sl.corpora.voices(n_speakers=1, n_utterances=2))


def runs():
    """A run folder of ``siamlab train`` that goes on."""
    tiny = {
        "data": "recordings",
        "units": 4,
        "outputs": 4,
        "frames": 20,
        "epochs": 1,
        "steps": 1,
        "speakers": 2,
        "segments": 2,
        "test_share": 0.5,
    }
    rng = np.random.default_rng(0)
    tree = {"tiny.yaml": sl.runs.Config(**tiny).as_yaml().encode()}
    for who in "abcd":
        for k in range(2):
            file = io.BytesIO()
            soundfile.write(file, rng.uniform(-0.3, 0.3, 6000), RATE, format="WAV")
            tree[f"recordings/{who}/{k}.wav"] = file.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in tree.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        config = sl.runs.Config.read(Path(folder, "tiny.yaml"))
        done = sl.runs.train(config, Path(folder, "run"))
        kept = {f"run/{p.name}": p.read_bytes() for p in done.folder.iterdir()}
    # Its folders are absolute, and elsewhere in each case.
    kept.pop("run/config.yaml")
    for name, how in (
        ("run/history.csv", damage.in_text),
        ("run/checkpoint-0001.keras", damage.in_zip),
    ):
        others = {key: value for key, value in {**tree, **kept}.items() if key != name}
        yield Whole("runs", name, kept[name], "run", how, others)
