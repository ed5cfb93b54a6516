"""Your own recordings.

- `folder`: to train on, one folder per speaker or a CSV file.
- `recordings`: any recordings, with or without known speakers.
"""

import os
from pathlib import Path

from ..errors import CorpusError
from ._csv import CSV_SUFFIXES, csv_rows
from ._scan import corpus_of, existing_folder, sound_files

_EXPECTED = (
    "one folder per speaker with sound files, ROOT/SPEAKER/*.wav, or a CSV file with "
    "the columns path and speaker"
)
_EXPECTED_ANY = "a sound file, or a folder that contains sound files"


def folder(root, columns=None):
    """Read recordings from one folder per speaker, or from the rows of a CSV file.

    Parameters
    ----------
    root : str or os.PathLike
        ``ROOT/SPEAKER/*.wav``, or ``ROOT/SPEAKER/SESSION/*.wav`` for speakers with
        several recording sessions. WAV, FLAC, OGG, MP3, at any sampling rate; M4A and
        others with ``siamlab[m4a]``.

        Or a CSV file with the columns path and speaker. The columns session, start and
        duration (both in seconds) and text are optional, and all other columns are
        kept. Paths are relative to the folder of the CSV file. UTF-8; commas,
        semicolons or tabs.
    columns : dict of str to str, optional
        For a CSV file with other column names: name in the file -> name above, as for
        `pandas.DataFrame.rename`.

    Returns
    -------
    Corpus
        Speakers and sessions have the names of their folders, or the names in the CSV
        file, with the session as SPEAKER/SESSION. A file that cannot be read is listed
        with a duration of NaN, and extraction reports it.

    Raises
    ------
    CorpusError
        If the folder is missing, contains no sound file, or contains sound files
        outside the speakers' folders; if a CSV file lacks a column, a row lacks its
        path, its speaker or a valid number, or none of the files exists.

    Examples
    --------
    >>> import siamlab as sl
    >>> sl.corpora.folder(
    ...     "calls.csv", columns={"file": "path", "agent": "speaker"}
    ... )  # doctest: +SKIP
    calls: 480 utterances, 12 speakers, 1.3 h
    """
    if os.path.isfile(root) and Path(root).suffix.lower() in CSV_SUFFIXES:
        return corpus_of(csv_rows(Path(root), columns), Path(root).stem)
    root = existing_folder(root, _EXPECTED)
    if columns is not None:
        raise CorpusError(f"{root} is a folder; columns= is for CSV files only")
    rows = _rows(root, sound_files(root, _EXPECTED))
    for row in rows:
        if not row["speaker"]:
            raise CorpusError(
                f"{row['path']} is not in a speaker's folder; expected {_EXPECTED}"
            )
    return corpus_of(rows, root.name)


def recordings(path):
    """Read one recording, or all recordings in a folder, with or without speakers.

    For recordings to embed. `folder` is stricter, and meant for training.

    Parameters
    ----------
    path : str or os.PathLike
        A sound file or a folder. WAV, FLAC, OGG, MP3, at any sampling rate.

    Returns
    -------
    Corpus
        As from `folder`. A file outside the speakers' folders has the speaker "" and a
        session of its own.

    Raises
    ------
    CorpusError
        If the path does not exist, or the folder contains no sound file.
    """
    path = Path(path)
    if os.path.isfile(path):
        root, files = path.parent, [path]
    else:
        root = existing_folder(path, _EXPECTED_ANY)
        files = sound_files(root, _EXPECTED_ANY)
    return corpus_of(_rows(root, files), path.name)


def _rows(root, files):
    """One row per file: the speaker is the first folder below `root`."""
    rows = []
    for path in files:
        *folders, name = path.relative_to(root).parts
        speaker = folders[0] if folders else ""
        session = "/".join(folders) or name
        rows.append({"speaker": speaker, "session": session, "path": str(path)})
    return rows
