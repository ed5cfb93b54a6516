"""AudioMNIST."""

import json
import re

from ..errors import CorpusError
from ._digits import DIGITS
from ._files import corpus_of, existing_folder, sound_files, text_of

_EXPECTED = "AudioMNIST's layout: ROOT/01/0_01_0.wav or ROOT/data/01/0_01_0.wav"
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>\d\d)_\d+")
_METADATA = "audioMNIST_meta.txt"
_OLDEST = 120  # of one speaker it says 1234


def audiomnist(root):
    """Read AudioMNIST (Becker et al., 2018; MIT license).

    Each of 60 people says each digit 50 times, at 48 kHz.

    Parameters
    ----------
    root : str or os.PathLike
        The repository, or its folder ``data``: ``SPEAKER/DIGIT_SPEAKER_INDEX.wav``.

    Returns
    -------
    Corpus
        The digit's name as text. Each speaker has one session: all was recorded on
        one day. Further columns, from ``audioMNIST_meta.txt`` where it is there: sex
        ("F", "M"), age in years (NaN where unknown) and accent.

    Raises
    ------
    CorpusError
        If the folder is missing, empty, or a file is not so named.
    """
    root = existing_folder(root, _EXPECTED)
    if (root / "data").is_dir():
        root = root / "data"
    people = _people(root / _METADATA)
    rows = []
    for path in sound_files(root, _EXPECTED):
        match = _NAME.fullmatch(path.stem)
        if match is None or match["speaker"] != path.parent.name:
            raise CorpusError(f"{path} does not lie there; expected {_EXPECTED}")
        person = people.get(match["speaker"], {})
        age = person.get("age")
        rows.append(
            {
                "speaker": match["speaker"],
                "session": match["speaker"],
                "path": str(path),
                "text": DIGITS[int(match["digit"])],
                "sex": {"female": "F", "male": "M"}.get(str(person.get("gender")), ""),
                "age": float(age) if _is_an_age(age) else float("nan"),
                "accent": str(person.get("accent", "")),
            }
        )
    return corpus_of(rows, "audiomnist")


def _is_an_age(value):
    return isinstance(value, int | float) and 0 < value <= _OLDEST


def _people(path):
    """Speaker -> what is known of him."""
    if not path.exists():
        return {}
    try:
        people = json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        raise CorpusError(
            f"{path} is damaged ({error}); get it again, or remove it"
        ) from error
    if not isinstance(people, dict):
        raise CorpusError(f"{path} names no speakers; get it again, or remove it")
    return {who: known for who, known in people.items() if isinstance(known, dict)}
