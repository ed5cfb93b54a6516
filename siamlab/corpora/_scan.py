"""From the files of a folder to a `Corpus`: shared by all corpora on disk."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

from .. import audio
from .._progress import map_in_threads, print_line
from ..errors import AudioError, CorpusError
from ._corpus import Corpus

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
# Texts of spoken digits.
_WORDS = "zero one two three four five six seven eight nine".split()
DIGITS = dict(zip("0123456789", _WORDS, strict=True))
# Of a row that does not give them.
_DEFAULTS: dict = dict(path="", start=0.0, duration=np.nan, text="", phones=None)
# How far a row may extend beyond its recording: durations are rounded to seconds.
_TOLERANCE_SECONDS = 0.5


def existing_folder(root, expected, subset=None):
    """Return `root`, or its folder `subset`; the error says what was expected."""
    root = Path(os.path.expanduser(root))
    # Not Path.is_dir, which raises if a name is too long.
    if not os.path.isdir(root):
        problem = "is a file" if os.path.exists(root) else "does not exist"
        raise CorpusError(f"{root} {problem}; expected {expected}")
    folder = root / (subset or "")
    if not os.path.isdir(folder):
        present = ", ".join(sorted(p.name for p in root.iterdir() if p.is_dir()))
        raise CorpusError(
            f"{root} has no folder {subset!r}; its folders: {present or 'none'}. "
            f"Expected {expected}"
        )
    return folder


def find_above(root, name):
    """Find a file in a folder, or in the four folders above it."""
    root = root.absolute()  # "." has no parents
    paths = [folder / name for folder in (root, *root.parents[:4])]
    return next(filter(Path.is_file, paths), paths[0])


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

    def report(error):
        skipped.append((error.filename, f"cannot be opened ({error.strerror})"))

    tops = [root]
    for top in tops:  # links to folders are appended, and come last
        for name, folders, names in os.walk(top, onerror=report):
            folder = Path(name)
            hidden = any(map(_is_hidden, folder.relative_to(top).parts))
            first = folder if hidden else seen.setdefault(_identity(folder), folder)
            problem = ""
            if first != folder:
                problem = f"is a link to {first}, which is read there"
            elif top != root and Path(os.path.realpath(folder)) in above:
                problem = "is a link to a folder above"
            if problem:
                skipped.append((str(folder), problem))
                folders.clear()
                continue
            folders.sort()
            links = [each for each in folders if os.path.islink(folder / each)]
            for path in sorted(folder / each for each in names + links):
                if hidden or _is_hidden(path.name):
                    skipped.append((str(path), "is hidden, or in the trash"))
                elif os.path.isdir(path):
                    tops.append(path)
                elif is_sound_file(path):
                    found.append((top != root, path.is_symlink(), path))
                else:
                    kind = path.suffix or "(none)"
                    skipped.append((str(path), f"{NOT_SOUND} {kind}"))
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


def _is_hidden(name):
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


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


def read_layout(root, layout, expected):
    """Find the sound files below a folder whose paths fit the layout of a corpus.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    layout : str
        Regular expression for the end of a path, with "/" and without the suffix. Its
        groups tell recordings apart; the named ones become columns.
    expected : str
        The layout in words, for messages.

    Returns
    -------
    table : pandas.DataFrame
        Columns path, and one for each named group.
    left_out : dict
        The other files, as the arguments rejected and skipped of `corpus_of`.
    """
    files, skipped = sound_files(root, expected)
    pattern = re.compile(rf"(?s:.*/)?{layout}\.[^/.]+")
    rows: dict = {}
    rejected = []
    for path in files:
        match = pattern.fullmatch(path.absolute().as_posix())
        if match is None:
            problem = f"does not fit the layout; expected {expected}"
        elif match.groups() in rows:
            first = rows[match.groups()]["path"]
            problem = f"is a second file of the recording in {first}"
        else:
            rows[match.groups()] = {"path": str(path), **match.groupdict()}
            continue
        rejected.append((str(path), problem))
    table = pd.DataFrame(list(rows.values()), columns=["path", *pattern.groupindex])
    return table, {"rejected": rejected, "skipped": skipped}


def read_text(path, errors="strict", missing=None):
    """Read a text file in UTF-8, with or without a byte order mark.

    Return `missing`, if it is given, for a file that does not exist.
    """
    if missing is not None and not path.exists():
        return missing
    try:
        return path.read_text(encoding="utf-8-sig", errors=errors)
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(
            f"{path} cannot be read as text in UTF-8 ({error}); download it again, or "
            "save it as UTF-8"
        ) from error


def corpus_of(rows, name, *, known=None, rejected=(), skipped=()):
    """Make a corpus of utterances, with the durations of their files.

    Parameters
    ----------
    rows : pandas.DataFrame or list of dict
        Columns speaker and path at least; by default, each speaker has one session.
        A given duration is shortened to what the file contains, by half a second at
        most.
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
    table = table.assign(**{c: v for c, v in _DEFAULTS.items() if c not in table})
    if "session" not in table:
        table = table.assign(session=table.get("speaker"))
    durations = dict(known or {})
    files = [path for path in table["path"].unique() if path not in durations]
    durations.update(measure_durations(files, name))
    whole = table["path"].map(durations).astype(float)
    left = whole - table["start"]
    reasons = _reasons(table, whole, known or {})
    # If nothing is left, reading the row raises an error that says so.
    duration = left.clip(upper=table["duration"])
    table["duration"] = duration.where(duration > 0)
    rejected = [*rejected, *zip(table["path"], reasons, strict=True)]
    rejected = [(path, reason) for path, reason in rejected if reason]
    table = table[reasons == ""].copy()
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
        table[column] = table[column].str.normalize("NFC")
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
    paths = table["path"].unique()
    files = {path: path if path in known else _identity(path) for path in paths}
    file = [files[path] for path in table["path"]]
    reasons[pd.DataFrame({"file": file, "start": start}).duplicated()] = (
        "is listed twice with the same start; delete one of the rows"
    )
    return reasons


def measure_durations(paths, name):
    """Path -> duration in seconds; NaN for a recording that cannot be read."""
    found = map_in_threads(_duration, paths, name, "file")
    return dict(zip(paths, found, strict=True))


def _duration(path):
    try:
        return audio.duration(path)
    except AudioError:
        return np.nan  # extraction reports the file, with the reason
