"""A folder of your own recordings."""

import os
from pathlib import Path

from ..errors import CorpusError
from ._csv import SUFFIXES, csv_rows
from ._files import by_folder, corpus_of, existing_folder, sound_files

_EXPECTED = (
    "a folder for each speaker with sound files in it, ROOT/SPEAKER/*.wav, or a CSV "
    "file with the columns path and speaker"
)


def folder(root, columns=None):
    """Read recordings that lie in one folder for each speaker, or stand in a table.

    Parameters
    ----------
    root : str or os.PathLike
        ``ROOT/SPEAKER/*.wav``, or ``ROOT/SPEAKER/SESSION/*.wav`` where a speaker
        was recorded on several occasions. WAV, FLAC, OGG, MP3, at any rate; M4A and
        others with ``siamlab[m4a]``.

        Or a CSV file with the columns path and speaker; session, start and duration
        (both in seconds) and text are used where they are there, and all others are
        carried over. Paths are relative to the folder in which the file lies. UTF-8;
        commas, semicolons or tabs.
    columns : dict of str to str, optional
        For a CSV file whose columns have other names: theirs -> ours, as for
        `pandas.DataFrame.rename`.

    Returns
    -------
    Corpus
        Speakers and sessions bear the names of their folders; in a table, what stands
        there, the session as SPEAKER/SESSION. A file that cannot be read is in the
        table, with a duration of NaN: extraction names it.

    Raises
    ------
    CorpusError
        If the folder is missing, holds no sound file, or holds sound files that
        lie in no speaker's folder; if a table lacks a column, a row has no path, no
        speaker or no number where there must be one, or none of its files is there.

    Examples
    --------
    >>> import siamlab as sl
    >>> sl.corpora.folder(
    ...     "calls.csv", columns={"file": "path", "agent": "speaker"}
    ... )  # doctest: +SKIP
    calls: 480 utterances, 12 speakers, 1.3 h
    """
    if os.path.isfile(root) and Path(root).suffix.lower() in SUFFIXES:
        return corpus_of(csv_rows(Path(root), columns), Path(root).stem)
    root = existing_folder(root, _EXPECTED)
    if columns is not None:
        raise CorpusError(f"{root} is a folder; columns are named for CSV files only")
    rows = list(by_folder(root, sound_files(root, _EXPECTED)))
    for row in rows:
        if not row["speaker"]:
            raise CorpusError(
                f"{row['path']} lies in no speaker's folder; expected {_EXPECTED}"
            )
    return corpus_of(rows, root.name)
