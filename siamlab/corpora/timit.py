"""TIMIT, and other corpora in its layout."""

import re

from .. import audio
from ..errors import AudioError, CorpusError
from ._scan import corpus_of, existing_folder, misplaced, read_text, sound_files

_EXPECTED = (
    "TIMIT's layout: ROOT/TRAIN/DR1/FCJF0/SA1.WAV with SA1.PHN, SA1.WRD and SA1.TXT "
    "beside it, in upper or lower case"
)
_SR = 16000  # the times in .PHN and .WRD are in samples
_SAMPLE = re.compile("[0-9]{1,15}")
PAUSES = ("h#", "pau", "epi")


def timit(root, subset=None, pauses=PAUSES):
    """Read TIMIT (Garofolo et al., 1993; LDC93S1).

    Every speaker reads ten sentences into the same microphone, in one session. The
    two SA sentences are the same for all 630 speakers; each SX sentence is read by
    seven speakers, each SI sentence by one.

    Parameters
    ----------
    root : str or os.PathLike
        The folder that contains TRAIN and TEST, in upper or lower case. The files may
        be in NIST SPHERE or RIFF format.
    subset : {None, "train", "test"}
        One of the two folders; None reads both.
    pauses : sequence of str
        TIMIT's symbols for pauses; each becomes "sil".

    Returns
    -------
    Corpus
        Speakers are named like FCJF0, with one session each. Phones are TIMIT's
        symbols, with their times. Additional columns: sex ("F", "M"), dialect ("DR1"),
        sentence ("SA1"), and words, a list of (word, start, end) in seconds, or None.

    Raises
    ------
    CorpusError
        If the folder or the subset is missing, a file is in the wrong place, or a line
        of a .PHN or .WRD file cannot be read.
    """
    root = existing_folder(root, _EXPECTED)
    if subset not in (None, "train", "test"):
        raise CorpusError(f'subset must be None, "train" or "test"; got {subset!r}')
    rows = {}
    files, skipped = sound_files(root, _EXPECTED)
    for path in files:
        if path.suffix.lower() != ".wav":
            skipped.append((str(path), "is not a .wav file"))
            continue
        parts = [part.upper() for part in path.parts[-4:]]
        if len(parts) < 4 or parts[0] not in ("TRAIN", "TEST"):
            raise misplaced(path, _EXPECTED)
        folder, dialect, speaker, name = parts
        sentence = name.split(".")[0]
        key = (folder, speaker, sentence)
        # Some copies contain each sentence twice, as SA1.WAV and SA1.WAV.wav.
        if key in rows or subset not in (None, folder.lower()):
            skipped.append((str(path), "is in another subset, or a second copy"))
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
    name = f"timit {subset}" if subset else "timit"
    if not rows:
        raise CorpusError(f"{root} has no recordings of {name}; expected {_EXPECTED}")
    return corpus_of(list(rows.values()), name, skipped=skipped)


def _find(path, sentence, suffix):
    """Find another file of the same sentence, in either case; None if absent."""
    files = {other.name.upper(): other for other in path.parent.iterdir()}
    return files.get((sentence + suffix).upper())


def _text(path, sentence):
    """Read the text from "FIRST LAST The text."."""
    found = _find(path, sentence, ".TXT")
    if found is None:
        return ""
    fields = found.read_text(encoding="utf-8", errors="replace").split(maxsplit=2)
    return fields[2].strip() if len(fields) == 3 else ""


def _times(path, sentence, suffix, pauses):
    """Read lines of "FIRST LAST LABEL", in samples; None if there are none."""
    found = _find(path, sentence, suffix)
    if found is None:
        return None
    try:
        duration = audio.duration(path)
    except AudioError:
        duration = float("inf")  # extraction reports the file, with the reason
    spans = []
    for number, line in enumerate(read_text(found).splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 3 or not all(map(_SAMPLE.fullmatch, fields[:2])):
            raise CorpusError(
                f'{found}, line {number}: expected "FIRST LAST LABEL", in samples; '
                f"got {line!r}"
            )
        start, end = (int(field) / _SR for field in fields[:2])
        end = min(end, duration)  # the last label of some files ends a little too late
        if start < end:
            spans.append(("sil" if fields[2] in pauses else fields[2], start, end))
    return spans or None
