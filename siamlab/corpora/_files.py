"""From the files of a folder to a table: shared by all corpora on disk."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from .. import audio
from ..errors import AudioError, CorpusError
from ._table import Corpus

# Endings that say "this is meant to be sound". Some (m4a) libsndfile cannot read:
# such a file is in the table all the same, so that extraction can name it.
SOUND = frozenset(
    ".aif .aiff .au .caf .flac .m4a .mp3 .oga .ogg .opus .w64 .wav .wma".split()
)


def existing_folder(root, expected):
    """Return `root` as a path, or say what was expected there."""
    root = Path(root)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise CorpusError(f"{root} {what}; expected {expected}")
    return root


def sound_files(root, expected):
    """All files below `root` that are meant to be sound, in a stable order."""
    found = [
        Path(folder, name)
        for folder, _, names in os.walk(root, followlinks=True)
        for name in names
        if Path(name).suffix.lower() in SOUND and not name.startswith(".")
    ]
    if not found:
        raise CorpusError(f"no sound file below {root}; expected {expected}")
    return sorted(found)


def _duration(path):
    try:
        return audio.duration(path)
    except AudioError:
        return np.nan  # extraction reports it, with the reason


def corpus_of(rows, name):
    """Make a corpus of one dictionary per whole file; adds the durations."""
    table = pd.DataFrame(rows)
    with ThreadPoolExecutor() as pool:  # waiting for the disk, not for the processor
        table["duration"] = list(pool.map(_duration, table["path"]))
    table["start"] = 0.0
    for column, unknown in (("text", ""), ("phones", None)):
        if column not in table:
            table[column] = unknown
    return Corpus(table, name)
