"""AudioMNIST."""

import json
import re

from ..errors import CorpusError
from ._digits import digit_row
from ._scan import corpus_of, existing_folder, misplaced, read_text, sound_files

_EXPECTED = "AudioMNIST's layout: ROOT/01/0_01_0.wav or ROOT/data/01/0_01_0.wav"
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>\d\d)_\d+")
_METADATA = "audioMNIST_meta.txt"
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
        and accent.

    Raises
    ------
    CorpusError
        If the folder is missing or empty, a file name does not match, or the
        metadata cannot be read.
    """
    root = existing_folder(root, _EXPECTED)
    if (root / "data").is_dir():
        root = root / "data"
    people = _people(root / _METADATA)
    rows = []
    files, skipped = sound_files(root, _EXPECTED)
    for path in files:
        row = digit_row(path, _NAME, _EXPECTED)
        if row["speaker"] != path.parent.name:
            raise misplaced(path, _EXPECTED)
        person = people.get(row["speaker"], {})
        age = person.get("age")
        row["sex"] = {"female": "F", "male": "M"}.get(str(person.get("gender")), "")
        row["age"] = float(age) if _is_age(age) else float("nan")
        row["accent"] = str(person.get("accent", ""))
        rows.append(row)
    return corpus_of(rows, "audiomnist", skipped=skipped)


def _is_age(value):
    return isinstance(value, int | float) and 0 < value <= _OLDEST


def _people(path):
    """Read the metadata: speaker -> dictionary with accent, age and gender."""
    try:
        people = json.loads(read_text(path, missing="{}"))
    except (ValueError, RecursionError) as error:
        raise CorpusError(
            f"{path} is damaged ({error}); download it again, or delete it"
        ) from error
    if not isinstance(people, dict):
        raise CorpusError(
            f"{path} does not list speakers; download it again, or delete it"
        )
    return {name: known for name, known in people.items() if isinstance(known, dict)}
