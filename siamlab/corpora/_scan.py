"""From the files of a folder to a `Corpus`: shared by all corpora on disk."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from .. import audio
from ..errors import AudioError, CorpusError
from ._corpus import Corpus
from ._threads import map_in_threads

# Suffixes of sound files. Some need siamlab[m4a]: a file that cannot be read is listed
# anyway, so that extraction can report it. No .mp4 and .mkv, which are mostly videos,
# as in VoxCeleb 2, beside the sound files.
SUFFIXES = frozenset(
    ".3gp .aac .aif .aiff .amr .au .caf .flac .m4a .m4b .mka .mp3 .oga .ogg .opus .w64 "
    ".wav .weba .webm .wma".split()
)


def existing_folder(root, expected):
    """Return `root` as a path, or raise an error that says what was expected."""
    root = Path(root)
    # Not Path.is_dir, which raises if a name is too long.
    if not os.path.isdir(root):
        problem = "is a file" if os.path.exists(root) else "does not exist"
        raise CorpusError(f"{root} {problem}; expected {expected}")
    return root


def sound_files(root, expected):
    """List all sound files below `root`, by their suffix, in a stable order."""
    found = [
        Path(folder, name)
        for folder, _, names in os.walk(root, followlinks=True)
        for name in names
        if is_sound_file(Path(name))
    ]
    if not found:
        raise CorpusError(f"no sound files in {root}; expected {expected}")
    return sorted(found)


def is_sound_file(path):
    """Whether a name has the suffix of a sound file and is not hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def misplaced(path, expected):
    """Return the error for a sound file that does not fit the layout."""
    return CorpusError(f"{path} does not fit the layout; expected {expected}")


def read_text(path, errors="strict", missing=None):
    """Read a text file in UTF-8, with or without a byte order mark.

    Return `missing`, if it is given, for a file that does not exist.
    """
    if missing is not None and not path.exists():
        return missing
    try:
        return path.read_text(encoding="utf-8-sig", errors=errors)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is not encoded in UTF-8 (byte {error.start}); download it again, "
            "or save it as UTF-8"
        ) from error
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read ({error.strerror}); download it again"
        ) from error


def corpus_of(rows, name, known=None, rejected=None):
    """Make a corpus of utterances, with the durations of their files.

    Parameters
    ----------
    rows : pandas.DataFrame or list of dict
        Columns speaker, session and path at least. A given duration is shortened to
        what the file contains from its start on.
    name : str
        Name of the corpus.
    known : dict of str to float, optional
        Path -> seconds, for files whose duration is known already.
    rejected : pandas.DataFrame, optional
        As for `Corpus`.

    Returns
    -------
    Corpus
        A file that cannot be read has a duration of NaN.
    """
    table = pd.DataFrame(rows)
    durations = dict(known or {})
    files = [path for path in table["path"].unique() if path not in durations]
    found = map_in_threads(_duration, files, description=name, unit="files")
    durations.update(zip(files, found, strict=True))
    if "start" not in table:
        table["start"] = 0.0
    rest = table["path"].map(durations) - table["start"]
    if "duration" in table:
        rest = rest.where(~(table["duration"] < rest), table["duration"])
    # If nothing is left, reading the row raises an error that says so.
    table["duration"] = rest.where(rest > 0)
    for column, unknown in (("text", ""), ("phones", None)):
        if column not in table:
            table[column] = unknown
    return Corpus(table, name, rejected)


def _duration(path):
    try:
        return audio.duration(path)
    except AudioError:
        return np.nan  # extraction reports the file, with the reason
