"""The Free Spoken Digit Dataset."""

import re

from ._digits import digit_row
from ._scan import corpus_of, existing_folder, sound_files

_EXPECTED = "recordings named DIGIT_SPEAKER_INDEX.wav (the folder `recordings`)"
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>.+)_(?P<index>\d+)")


def fsdd(root):
    """Read the Free Spoken Digit Dataset (Jackson et al., 2018; CC BY-SA 4.0).

    Parameters
    ----------
    root : str or os.PathLike
        The repository, or its folder ``recordings``: ``DIGIT_SPEAKER_INDEX.wav``, at
        8 kHz.

    Returns
    -------
    Corpus
        The text is the name of the digit. Each speaker has one session, because the
        recording sessions are not documented.

    Raises
    ------
    CorpusError
        If the folder is missing or empty, or a file has another kind of name.
    """
    root = existing_folder(root, _EXPECTED)
    if (root / "recordings").is_dir():
        root = root / "recordings"
    files, skipped = sound_files(root, _EXPECTED)
    rows = [digit_row(path, _NAME, _EXPECTED) for path in files]
    return corpus_of(rows, "fsdd", skipped=skipped)
