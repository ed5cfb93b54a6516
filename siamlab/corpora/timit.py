"""TIMIT, and other corpora in its layout."""

import re
from pathlib import Path

from ..errors import CorpusError
from ._scan import (
    corpus_of,
    existing_folder,
    measure_durations,
    read_layout,
    read_text,
)

_EXPECTED = (
    "TIMIT's layout: ROOT/TRAIN/DR1/FCJF0/SA1.WAV with SA1.PHN, SA1.WRD and SA1.TXT "
    "beside it, in upper or lower case"
)
# Some copies contain each sentence twice, as SA1.WAV and SA1.WAV.wav.
_LAYOUT = (
    "(?i:(?P<subset>train|test)/(?P<dialect>[^/]+)/(?P<speaker>[^/]+)/"
    "(?P<sentence>[^/.]+)(?:[.]wav)?)"
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
        Second copies, and files in other places, are listed in `Corpus.rejected`.

    Raises
    ------
    CorpusError
        If the folder or the subset is missing, or a line of a .PHN or .WRD file cannot
        be read.
    """
    root = existing_folder(root, _EXPECTED)
    if subset and (root / subset.upper()).is_dir():
        subset = subset.upper()
    folder = existing_folder(root, _EXPECTED, subset)
    table, left_out = read_layout(folder, _LAYOUT, _EXPECTED)
    names = table.columns.drop("path")
    table[names] = table[names].apply(lambda column: column.str.upper())
    name = f"timit {subset.lower()}" if subset else "timit"
    known = measure_durations(table["path"].tolist(), name)
    files = [(Path(path), duration) for path, duration in known.items()]
    table = table.drop(columns="subset").assign(
        text=[_text(path) for path, _ in files],
        phones=[_times(*file, ".PHN", pauses) for file in files],
        words=[_times(*file, ".WRD", ()) for file in files],
        sex=table["speaker"].str[0],
    )
    return corpus_of(table, name, known=known, **left_out)


def _read(path, suffix, **settings):
    """Read another file of the same sentence, in either case; "" if absent."""
    name = path.name.split(".")[0]
    paths = [path.with_name(name + each) for each in (suffix, suffix.lower())]
    found = next(filter(Path.exists, paths), paths[0])
    return found, read_text(found, missing="", **settings)


def _text(path):
    """Read the text from "FIRST LAST The text."."""
    _, text = _read(path, ".TXT", errors="replace")
    return "".join(text.split(maxsplit=2)[2:]).strip()


def _times(path, duration, suffix, pauses):
    """Read lines of "FIRST LAST LABEL", in samples; None if there are none."""
    found, text = _read(path, suffix)
    spans = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 3 or not all(map(_SAMPLE.fullmatch, fields[:2])):
            raise CorpusError(
                f'{found}, line {number}: expected "FIRST LAST LABEL", in samples; '
                f"got {line!r}"
            )
        start, end = (int(field) / _SR for field in fields[:2])
        # The last label of some files ends a little too late. The duration may be NaN.
        end = min(end, duration)
        if start < end:
            spans.append(("sil" if fields[2] in pauses else fields[2], start, end))
    return spans or None
