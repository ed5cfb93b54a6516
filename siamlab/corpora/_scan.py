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
        if linked and _is_above(folder, root):
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
            elif entry.is_dir():
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


def _is_above(folder, root):
    return Path(os.path.realpath(root)).is_relative_to(os.path.realpath(folder))


def _below(path):
    """List a file, or all files in a folder."""
    if path.is_symlink() or not path.is_dir():
        return [path]
    return [Path(top, name) for top, _, names in os.walk(path) for name in names]


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
    if "path" not in table:  # no rows at all
        table["path"] = []
    durations = dict(known or {})
    files = [path for path in table["path"].unique() if path not in durations]
    found = map_in_threads(_duration, files, description=name, unit="files")
    durations.update(zip(files, found, strict=True))
    if "start" not in table:
        table["start"] = 0.0
    whole = table["path"].map(durations).astype(float)
    reasons = _reasons(table, whole)
    bad = reasons != ""
    rejected = [*rejected, *zip(table["path"][bad], reasons[bad], strict=True)]
    table, left = table[~bad], (whole - table["start"])[~bad]
    if "duration" in table:
        left = left.where(~(table["duration"] < left), table["duration"])
    # If nothing is left, reading the row raises an error that says so.
    table = table.assign(duration=left.where(left > 0))
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
        table[column] = [unicodedata.normalize("NFC", each) for each in table[column]]
    for column, unknown in (("text", ""), ("phones", None)):
        if column not in table:
            table[column] = unknown
    return Corpus(table, name, rejected, skipped)


def _reasons(table, whole):
    """Say why each row cannot be used, given the durations of the files; "" if not."""
    reasons = pd.Series("", table.index, dtype=object)
    start = table["start"]
    end = start + table["duration"].fillna(0.0) if "duration" in table else start
    late = (end > whole + _TOLERANCE_SECONDS) | ((start >= whole) & (start > 0))
    for i in table.index[late]:
        reasons[i] = (
            f"lasts {whole[i]:g} s, but a row ends at {end[i]:g} s; correct the row "
            "(start, end and duration are in seconds)"
        )
    files = table.assign(path=table["path"].map(os.path.realpath))
    reasons[files.duplicated(["path", "start"])] = (
        "is listed twice with the same start; delete one of the rows, or it could end "
        "up in two parts of a split"
    )
    return reasons


def _duration(path):
    try:
        return audio.duration(path)
    except AudioError:
        return np.nan  # extraction reports the file, with the reason
