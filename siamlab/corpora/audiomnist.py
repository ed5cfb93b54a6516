"""AudioMNIST."""

import collections
import json

import pandas as pd

from ..errors import CorpusError
from ._scan import DIGITS, corpus_of, existing_folder, read_layout, read_text

_EXPECTED = "AudioMNIST's layout: ROOT/01/0_01_0.wav or ROOT/data/01/0_01_0.wav"
_LAYOUT = "(?P<speaker>[0-9]{2})/(?P<text>[0-9])_(?P=speaker)_([0-9]+)"
_METADATA = "audioMNIST_meta.txt"
_SEX = collections.defaultdict(str, female="F", male="M")
_OLDEST = 120  # the age of one speaker is given as 1234


def audiomnist(root):
    """Read AudioMNIST (Becker et al., 2018; MIT license).

    Each of 60 speakers says each digit 50 times. The sampling rate is 48 kHz.

    Parameters
    ----------
    root : str or os.PathLike
        The repository, or its folder ``data``: ``SPEAKER/DIGIT_SPEAKER_INDEX.wav``.

    Returns
    -------
    Corpus
        The text is the name of the digit. Each speaker has one session, because all
        their recordings are from one day. Additional columns, if the file
        ``audioMNIST_meta.txt`` exists: sex ("F", "M"), age in years (NaN if unknown)
        and accent. Files in other places are listed in `Corpus.rejected`.

    Raises
    ------
    CorpusError
        If the folder is missing, no file name matches, or the metadata cannot be read.
    """
    root = existing_folder(root, _EXPECTED)
    if (root / "data").is_dir():
        root = root / "data"
    table, left_out = read_layout(root, _LAYOUT, _EXPECTED)
    people = _people(root / _METADATA).reindex(table["speaker"]).set_index(table.index)
    table["text"] = table["text"].map(DIGITS)
    table["sex"] = people["gender"].astype(str).map(_SEX)
    age = pd.to_numeric(people["age"], errors="coerce").astype(float)
    table["age"] = age.where(age.between(1, _OLDEST))
    table["accent"] = people["accent"].fillna("").astype(str)
    return corpus_of(table, "audiomnist", **left_out)


def _people(path):
    """Read the metadata: accent, age and gender by speaker."""
    try:
        people = json.loads(read_text(path, missing="{}"))
        table = pd.DataFrame.from_dict(dict(people), orient="index")
        return table.reindex(columns=["accent", "age", "gender"]).astype(object)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CorpusError(
            f"{path} is damaged ({error}); download it again, or delete it"
        ) from error
