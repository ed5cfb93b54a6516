"""TIMIT, and whatever lies in its layout."""

import re
from pathlib import Path

from .. import audio
from ..errors import AudioError, CorpusError
from ._files import corpus_of, existing_folder, sound_files, text_of

_EXPECTED = (
    "TIMIT's layout: ROOT/TRAIN/DR1/FCJF0/SA1.WAV with SA1.PHN, SA1.WRD and SA1.TXT "
    "beside it, in upper or lower case"
)
_RATE = 16000  # the times in .PHN and .WRD count its samples
_SAMPLE = re.compile("[0-9]{1,15}")
PAUSES = ("h#", "pau", "epi")


def timit(root, subset=None, pauses=PAUSES):
    """Read TIMIT (Garofolo et al., 1993), which the LDC sells as LDC93S1.

    Every speaker reads ten sentences into the same microphone, in one session. The
    two SA sentences are the same for all 630; each SX sentence is read by seven, each
    SI sentence by one.

    Parameters
    ----------
    root : str or os.PathLike
        The folder that holds TRAIN and TEST, in upper or lower case; NIST SPHERE or
        RIFF.
    subset : {None, "train", "test"}
        One of the two folders; None takes both.
    pauses : sequence of str
        Phones of TIMIT that are pauses; each becomes "sil".

    Returns
    -------
    Corpus
        Speakers as FCJF0; each has one session. Phones in TIMIT's own letters, with
        their times. Further columns: sex ("F", "M"), dialect ("DR1"), sentence
        ("SA1"), and words, a list of (word, start, end) in seconds, or None.

    Raises
    ------
    CorpusError
        If the folder or the subset is missing, a file lies elsewhere, or a line of
        its times cannot be read.
    """
    root = existing_folder(root, _EXPECTED)
    if subset not in (None, "train", "test"):
        raise CorpusError(f'subset must be None, "train" or "test"; got {subset!r}')
    rows = {}
    for path in sound_files(root, _EXPECTED):
        if path.suffix.lower() != ".wav":
            continue
        parts = [part.upper() for part in path.parts[-4:]]
        if len(parts) < 4 or parts[0] not in ("TRAIN", "TEST"):
            raise CorpusError(f"{path} does not lie there; expected {_EXPECTED}")
        folder, dialect, speaker, name = parts
        if subset is not None and folder != subset.upper():
            continue
        sentence = name.split(".")[0]
        key = (folder, speaker, sentence)
        # Some copies hold each sentence twice, SA1.WAV and SA1.WAV.wav.
        if key in rows:
            continue
        rows[key] = {
            "speaker": speaker,
            "session": speaker,
            "path": str(path),
            "text": _text(path, sentence),
            "phones": _times(path, sentence, ".PHN", pauses),
            "words": _times(path, sentence, ".WRD", ()),
            "sex": speaker[0],
            "dialect": dialect,
            "sentence": sentence,
        }
    if not rows:
        raise CorpusError(f"{root} has no subset {subset!r}; expected {_EXPECTED}")
    return corpus_of(list(rows.values()), f"timit {subset}" if subset else "timit")


def _beside(path, sentence, ending):
    """Find a file of the same sentence, whatever the case of its name."""
    wanted = (sentence + ending).upper()
    for other in sorted(path.parent.iterdir()):
        if other.name.upper() == wanted:
            return other
    return None


def _text(path, sentence):
    """Take what is said from "FIRST LAST The text."."""
    found = _beside(path, sentence, ".TXT")
    if found is None:
        return ""
    fields = found.read_text(encoding="utf-8", errors="replace").split(maxsplit=2)
    return fields[2].strip() if len(fields) == 3 else ""


def _times(path, sentence, ending, pauses):
    """Read lines of "FIRST LAST LABEL", in samples."""
    found = _beside(path, sentence, ending)
    if found is None:
        return None
    end_of_file = _seconds(path)
    spans = []
    for number, line in enumerate(text_of(found).splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 3 or not all(map(_SAMPLE.fullmatch, fields[:2])):
            raise CorpusError(
                f'{found}, line {number}: expected "FIRST LAST LABEL", in samples; '
                f"got {line!r}"
            )
        start, end = (int(field) / _RATE for field in fields[:2])
        # Some sentences are marked a little beyond their end.
        end = min(end, end_of_file)
        if start < end:
            spans.append(("sil" if fields[2] in pauses else fields[2], start, end))
    return spans or None


def _seconds(path: Path):
    try:
        return audio.duration(path)
    except AudioError:
        return float("inf")  # extraction reports the file, with the reason
