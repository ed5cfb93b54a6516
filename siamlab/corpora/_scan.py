"""From the files of a folder to a `Corpus`: shared by all corpora on disk."""

import collections
import os
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from .. import audio
from .._progress import print_line
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


# Folders of trash and of thumbnails; others have names that begin with a dot.
_SYSTEM_FOLDERS = frozenset(
    "$recycle.bin|#recycle|@recycle|@eadir|__macosx|lost+found|recycler|"
    "system volume information".split("|")
)
NOT_SOUND = "is not a sound file, by its suffix"
# How far a row may extend beyond its recording: durations are rounded to seconds.
_TOLERANCE_SECONDS = 0.5


def existing_folder(root, expected):
    """Return `root` as a path, or raise an error that says what was expected."""
    root = Path(os.path.expanduser(root))
    # Not Path.is_dir, which raises if a name is too long.
    if not os.path.isdir(root):
        problem = "is a file" if os.path.exists(root) else "does not exist"
        raise CorpusError(f"{root} {problem}; expected {expected}")
    return root


def sound_files(root, expected):
    """List the sound files below a folder, by their suffix, and what is passed over.

    A recording is listed once, whatever links lead to it: in its own folder, if that is
    below `root`. Links to folders are followed, but not upwards.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    expected : str
        What the folder should contain, for the error message.

    Returns
    -------
    files : list of pathlib.Path
        In a stable order.
    skipped : list of (str, str)
        Path and reason of each other file, and of each folder that is not searched.
    """
    found, skipped = [], []
    seen: dict = {}
    above = Path(os.path.realpath(root)).parents
    folders = collections.deque([(root, False)])
    while folders:
        folder, linked = folders.popleft()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            skipped.append((str(folder), f"cannot be opened ({error.strerror})"))
            continue
        first = seen.setdefault(_identity(folder), folder)
        if first != folder:
            skipped.append((str(folder), f"is a link to {first}, which is read there"))
            continue
        if linked and Path(os.path.realpath(folder)) in above:
            skipped.append((str(folder), "is a link to a folder above"))
            continue
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith(".") or entry.name.lower() in _SYSTEM_FOLDERS:
                skipped += [
                    (str(p), "is hidden, or in the trash") for p in _below(path)
                ]
            elif entry.is_dir(follow_symlinks=False):
                folders.appendleft((path, linked))
            elif os.path.isdir(path):  # entry.is_dir raises for a link to itself
                folders.append((path, True))  # links come last
            elif is_sound_file(path):
                found.append((linked, entry.is_symlink(), path))
            else:
                skipped.append((str(path), f"{NOT_SOUND} {path.suffix or '(none)'}"))
    files = []
    for *_, path in sorted(found):
        first = seen.setdefault(_identity(path), path)
        if first != path:
            skipped.append((str(path), f"is the same file as {first}"))
        elif os.path.exists(path) and not os.path.isfile(path):
            skipped.append((str(path), "is not a file"))
        else:
            files.append(path)  # or a link to nothing, which extraction reports
    if not files:
        raise CorpusError(f"no sound files in {root}; expected {expected}")
    return sorted(files), skipped


def _identity(path):
    """Device and number of a file or folder, whatever its name."""
    try:
        found = os.stat(path)
    except OSError:
        return path
    return found.st_dev, found.st_ino


def _below(path):
    """List a file, or all files in a folder."""
    if path.is_symlink() or not path.is_dir():
        return [path]
    return sorted(Path(top, name) for top, _, names in os.walk(path) for name in names)


def is_sound_file(path):
    """Whether a name has the suffix of a sound file and is not hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def folder_rows(root, files):
    """One row per file: the speaker is the first folder below `root`."""
    rows = []
    for path in files:
        *folders, name = path.relative_to(root).parts
        speaker = folders[0] if folders else ""
        session = "/".join(folders) or name
        rows.append({"speaker": speaker, "session": session, "path": str(path)})
    return rows


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


def corpus_of(rows, name, *, known=None, rejected=(), skipped=()):
    """Make a corpus of utterances, with the durations of their files.

    Parameters
    ----------
    rows : pandas.DataFrame or list of dict
        Columns speaker, session and path at least. A given duration is shortened to
        what the file contains, by half a second at most.
    name : str
        Name of the corpus.
    known : dict of str to float, optional
        Path -> seconds, for files whose duration is known already.
    rejected, skipped : sequence of (str, str)
        As for `Corpus`. Rows that repeat another one, or are not within their
        recording, are added to `rejected`; its length is printed to standard error.

    Returns
    -------
    Corpus
        A file that cannot be read has a duration of NaN.

    Raises
    ------
    CorpusError
        If no row is left.
    """
    table = pd.DataFrame(rows)
    unknown: dict = {
        "path": "",
        "start": 0.0,
        "duration": np.nan,
        "text": "",
        "phones": None,
    }
    table = table.assign(**{c: v for c, v in unknown.items() if c not in table})
    durations = dict(known or {})
    files = [path for path in table["path"].unique() if path not in durations]
    found = map_in_threads(_duration, files, description=name, unit="files")
    durations.update(zip(files, found, strict=True))
    whole = table["path"].map(durations).astype(float)
    left = whole - table["start"]
    reasons = _reasons(table, whole, known or {})
    # If nothing is left, reading the row raises an error that says so.
    table["duration"] = table["duration"].where(table["duration"] < left, left)
    table["duration"] = table["duration"].where(table["duration"] > 0)
    rejected = [*rejected, *zip(table["path"], reasons, strict=True)]
    rejected = [(path, reason) for path, reason in rejected if reason]
    table = table[reasons == ""]
    if rejected:
        first = ": ".join(rejected[0])
        n = len(table) + len(rejected)
        if table.empty:
            raise CorpusError(
                f"{name}: none of {n} recordings is usable; the first is {first}"
            )
        print_line(
            f"{len(rejected)} of {n} recordings rejected ({first}); see corpus.rejected"
        )
    for column in ("speaker", "session"):  # a Mac writes one letter as two
        names = [unicodedata.normalize("NFC", each) for each in table[column]]
        table = table.assign(**{column: names})
    return Corpus(table, name, rejected, skipped)


def _reasons(table, whole, known):
    """Say why each row cannot be used, given the durations of the files; "" if not."""
    reasons = pd.Series("", table.index, dtype=object)
    start, end = table["start"], table["start"] + table["duration"].fillna(0.0)
    late = (end > whole + _TOLERANCE_SECONDS) | ((start >= whole) & (start > 0))
    for i in table.index[late]:
        reasons[i] = (
            f"lasts {whole[i]:g} s, but a row ends at {end[i]:g} s; correct the row "
            "(start, end and duration are in seconds)"
        )
    # Files of known duration need not be opened, so they are compared by name.
    files = [path if path in known else _identity(path) for path in table["path"]]
    reasons[pd.DataFrame({"file": files, "start": start}).duplicated()] = (
        "is listed twice with the same start; delete one of the rows"
    )
    return reasons


def _duration(path):
    try:
        return audio.duration(path)
    except AudioError:
        return np.nan  # extraction reports the file, with the reason
