"""From the files of a folder to a table: shared by all corpora on disk."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from .. import audio
from .._progress import progress_bar
from ..errors import AudioError, CorpusError
from ._table import Corpus

# Endings that say "this is meant to be sound". Some are read with siamlab[m4a] alone: a
# file that cannot be read is in the table all the same, so that extraction can name it.
# No .mp4 and .mkv: pictures mostly, as those of VoxCeleb 2 beside its sound.
SOUND = frozenset(
    ".3gp .aac .aif .aiff .amr .au .caf .flac .m4a .m4b .mka .mp3 .oga .ogg .opus .w64 "
    ".wav .weba .webm .wma".split()
)


def existing_folder(root, expected):
    """Return `root` as a path, or say what was expected there."""
    root = Path(root)
    # Not Path.is_dir, which raises where a name is too long.
    if not os.path.isdir(root):
        what = "is a file" if os.path.exists(root) else "does not exist"
        raise CorpusError(f"{root} {what}; expected {expected}")
    return root


def sound_files(root, expected):
    """All files below `root` that are meant to be sound, in a stable order."""
    found = [
        Path(folder, name)
        for folder, _, names in os.walk(root, followlinks=True)
        for name in names
        if is_sound(Path(name))
    ]
    if not found:
        raise CorpusError(f"no sound file below {root}; expected {expected}")
    return sorted(found)


def is_sound(path):
    """Whether a file is meant to be sound, by its name; what is hidden is not."""
    return path.suffix.lower() in SOUND and not path.name.startswith(".")


def text_of(path, errors="strict"):
    """Text of a file that lies beside recordings; UTF-8, with a mark or without."""
    try:
        return path.read_text(encoding="utf-8-sig", errors=errors)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is not in UTF-8 (byte {error.start}); get it again, or save it "
            "as UTF-8"
        ) from error
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read ({error.strerror}); get it again"
        ) from error


def by_folder(root, files):
    """One dictionary per file: the speaker is the first folder below `root`.

    What lies in no folder has the speaker "", and is a session by itself.
    """
    for path in files:
        *folders, name = path.relative_to(root).parts
        yield {
            "speaker": folders[0] if folders else "",
            "session": "/".join(folders) or name,
            "path": str(path),
        }


def _duration(path):
    try:
        return audio.duration(path)
    except AudioError:
        return np.nan  # extraction reports it, with the reason


def corpus_of(rows, name, known=None):
    """Make a corpus of utterances; adds what is left of each file from its start on.

    Parameters
    ----------
    rows : pandas.DataFrame or list of dict
        Columns speaker, session and path at least. Where a duration is given, it is
        not longer than that.
    name : str
        What the corpus is called.
    known : dict of str to float, optional
        Path -> seconds, of files whose length is known without opening them.

    Returns
    -------
    Corpus
        A file that cannot be read has a duration of NaN.
    """
    table = pd.DataFrame(rows)
    lengths = dict(known or {})
    files = [path for path in table["path"].unique() if path not in lengths]
    with ThreadPoolExecutor() as pool:  # waiting for the disk, not for the processor
        durations = pool.map(_duration, files)
        bar = progress_bar(durations, total=len(files), description=name, unit="files")
        lengths.update(zip(files, bar, strict=True))
    if "start" not in table:
        table["start"] = 0.0
    left = table["path"].map(lengths) - table["start"]
    if "duration" in table:
        left = left.where(~(table["duration"] < left), table["duration"])
    # Nothing left: reading it says that it begins behind its end.
    table["duration"] = left.where(left > 0)
    for column, unknown in (("text", ""), ("phones", None)):
        if column not in table:
            table[column] = unknown
    return Corpus(table, name)
