"""The Free Spoken Digit Dataset."""

import re

from ..errors import CorpusError
from ._digits import DIGITS
from ._files import corpus_of, existing_folder, sound_files

_EXPECTED = "recordings named DIGIT_SPEAKER_INDEX.wav (the folder `recordings`)"
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>.+)_(?P<index>\d+)")


def fsdd(root):
    """Read the Free Spoken Digit Dataset (Jackson et al., 2018; CC BY-SA 4.0).

    Parameters
    ----------
    root : str or os.PathLike
        The folder with the recordings, 8 kHz, ``DIGIT_SPEAKER_INDEX.wav``.

    Returns
    -------
    Corpus
        The digit's name as text. Each speaker has one session: nothing is known
        of the occasions.

    Raises
    ------
    CorpusError
        If the folder is missing, empty, or a file is not so named.
    """
    root = existing_folder(root, _EXPECTED)
    rows = []
    for path in sound_files(root, _EXPECTED):
        match = _NAME.fullmatch(path.stem)
        if match is None:
            raise CorpusError(f"{path} is not so named; expected {_EXPECTED}")
        rows.append(
            {
                "speaker": match["speaker"],
                "session": match["speaker"],
                "path": str(path),
                "text": DIGITS[int(match["digit"])],
            }
        )
    return corpus_of(rows, "fsdd")
