"""Your own recordings.

- `folder`: recordings for training, from one folder per speaker or a CSV file.
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
    """Read recordings from one folder per speaker, or from a CSV file.

    Parameters
    ----------
    root : str or os.PathLike
        ``ROOT/SPEAKER/*.wav``, or ``ROOT/SPEAKER/SESSION/*.wav`` for speakers with
        several recording sessions. WAV, FLAC, OGG and MP3 files at any sampling rate;
        M4A and other formats with ``siamlab[m4a]``.

        Or a CSV file with the columns path and speaker. The columns session, start and
        duration (both in seconds) and text are optional; all other columns are kept.
        Paths are relative to the folder of the CSV file. The encoding is UTF-8; the
        delimiter is a comma, semicolon or tab.
    columns : dict of str to str, optional
        For a CSV file with other column names: maps each name in the file to a name
        above, as in `pandas.DataFrame.rename`.

    Returns
    -------
    Corpus
        Speakers and sessions are named after their folders, or as in the CSV file; the
        name of a session is SPEAKER/SESSION. A file that cannot be read has the
        duration NaN, and `extract` reports it.

    Raises
    ------
    CorpusError
        If the folder is missing, contains no sound file, or contains sound files
        outside the speakers' folders; if a CSV file lacks a required column, a row has
        no path, no speaker or an invalid number, or none of the files exists.

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
        raise CorpusError(f"{root} is a folder; columns= applies to CSV files only")
    rows = _rows(root, sound_files(root, _EXPECTED))
    for row in rows:
        if not row["speaker"]:
            raise CorpusError(
                f"{row['path']} is not in a speaker's folder; expected {_EXPECTED}"
            )
    return corpus_of(rows, root.name)


def recordings(path):
    """Read one recording, or all recordings in a folder, with or without speakers.

    Use it for recordings to embed. `folder` is stricter and is meant for training.

    Parameters
    ----------
    path : str or os.PathLike
        A sound file, or a folder of sound files, as for `folder`.

    Returns
    -------
    Corpus
        As from `folder`. A file outside the speakers' folders has the speaker "" and a
        separate session.

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
