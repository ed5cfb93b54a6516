"""Your own recordings.

- `folder`: recordings for training, from one folder per speaker or a CSV file.
- `recordings`: any recordings, with or without known speakers.
"""

import os
from pathlib import Path

from ..errors import CorpusError
from ._csv import csv_rows, is_csv_file
from ._scan import corpus_of, existing_folder, folder_rows, sound_files

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

        Or a CSV file with the columns path and speaker. The columns session, start,
        duration or end (all in seconds) and text are optional; all other columns are
        kept. Paths are relative to the folder of the CSV file. The encoding is UTF-8;
        the delimiter is a comma, semicolon or tab. ``corpus.table.to_csv(...)`` writes
        such a file.
    columns : dict of str to str, optional
        For a CSV file with other column names: maps each name in the file to a name
        above, as in `pandas.DataFrame.rename`.

    Returns
    -------
    Corpus
        Speakers and sessions are named after their folders, or as in the CSV file; a
        session is SPEAKER/SESSION if two speakers use its name. A file that cannot be
        read has the duration NaN, and `extract` reports it. Sound files outside the
        speakers' folders and broken rows of a CSV file are listed in `Corpus.rejected`;
        hidden files, repeated links and other files in `Corpus.skipped`.

    Raises
    ------
    CorpusError
        If the folder is missing or contains no usable sound file; if a CSV file lacks a
        required column, a row has no path, no speaker or an invalid number, or none of
        the files exists.

    Examples
    --------
    >>> import siamlab as sl
    >>> sl.corpora.folder(
    ...     "calls.csv", columns={"file": "path", "agent": "speaker"}
    ... )  # doctest: +SKIP
    calls: 480 utterances, 12 speakers, 1.3 h
    """
    root = Path(os.path.expanduser(root))
    if is_csv_file(root):
        rows, broken = csv_rows(root, columns)
        return corpus_of(rows, root.stem, rejected=broken)
    root = existing_folder(root, _EXPECTED)
    if columns is not None:
        raise CorpusError(f"{root} is a folder; columns= applies to CSV files only")
    files, skipped = sound_files(root, _EXPECTED)
    rows = folder_rows(root, files)
    problem = f"is not in a speaker's folder; expected {_EXPECTED}"
    rejected = [(row["path"], problem) for row in rows if not row["speaker"]]
    rows = [row for row in rows if row["speaker"]]
    return corpus_of(rows, root.name, rejected=rejected, skipped=skipped)


def recordings(path):
    """Read one recording, or all recordings in a folder, with or without speakers.

    Use it for recordings to embed. `folder` is stricter and is meant for training.

    Parameters
    ----------
    path : str or os.PathLike
        A sound file, a folder of sound files, or a CSV file, as for `folder`.

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
    path = Path(os.path.expanduser(path))
    if is_csv_file(path):
        return folder(path)
    if os.path.isfile(path):
        root, files, skipped = path.parent, [path], []
    else:
        root = existing_folder(path, _EXPECTED_ANY)
        files, skipped = sound_files(root, _EXPECTED_ANY)
    return corpus_of(folder_rows(root, files), path.name, skipped=skipped)
