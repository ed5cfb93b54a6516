"""Recordings beside Praat TextGrids."""

import codecs
import re

import pandas as pd

from .. import audio
from .._progress import print_line
from ..errors import AudioError, CorpusError
from ._files import existing_folder, sound_files
from ._table import Corpus

_EXPECTED = "sound files, each with a TextGrid of the same name beside it"
# At the start of a line in the short form, behind "xmin =" in the long one. Of blanks
# within the line only: a search over many empty lines would begin anew in each.
_NEGATIVE = re.compile(r"(?m)^[^\S\n]*(?:(?:xmin|xmax|number) = )?-[\d.]+")


# What annotators and aligners write for a pause: "sil" in `Corpus` (and in TIMIT and
# the Montreal aligner), MAUS, Praat's own silences, Festival, CMU, HTK.
PAUSES = ("sil", "<p:>", "<p>", "_", "#", "sp", "SIL", "silent", "pau", "h#", "<sil>")


def textgrid(root, tier=None, pauses=PAUSES, strict=False):
    """Read recordings whose phones are marked in Praat TextGrids.

    Parameters
    ----------
    root : str or os.PathLike
        A folder of ``NAME.wav`` beside ``NAME.TextGrid``; in folders of speakers
        where there are several. Long and short form, UTF-8 and UTF-16.
    tier : str, optional
        Name of the interval tier with the phones; the first interval tier of each
        file by default. Point tiers are passed over.
    pauses : sequence of str
        Labels of pauses; each becomes "sil". An interval without a label is no
        pause: nobody said what it is.
    strict : bool
        Raise at the first file that cannot be used, rather than report it.

    Returns
    -------
    Corpus
        Phones are the intervals that are labeled, with their times; but for
        pauses, the label is taken as it is, without the white space around it. The
        speaker is the folder
        in which a file lies. Files that cannot be used are in `Corpus.rejected`,
        and one line on standard error says how many.

    Raises
    ------
    CorpusError
        If the folder is missing or holds no sound file, or if no file can be used;
        with `strict`, for the first file that cannot be.
    """
    root = existing_folder(root, _EXPECTED)
    rows, rejected = [], []
    paths = sound_files(root, _EXPECTED)
    for path in paths:
        try:
            rows.append(_utterance(path, tier, frozenset(pauses)))
        except (AudioError, CorpusError) as error:
            if strict:
                raise
            reason = getattr(error, "reason", str(error))
            rejected.append({"path": str(path), "reason": reason})
    if rejected:
        print_line(
            f"{len(rejected)} of {len(paths)} recordings rejected "
            f"({rejected[0]['path']}: {rejected[0]['reason']}); see corpus.rejected"
        )
    if not rows:
        raise CorpusError(
            f"{root}: none of {len(paths)} recordings can be used; the first, "
            f"{rejected[0]['path']}: {rejected[0]['reason']}"
        )
    return Corpus(
        pd.DataFrame(rows),
        root.name,
        rejected=pd.DataFrame(rejected, columns=["path", "reason"]),
    )


def _utterance(path, tier, pauses):
    duration = audio.duration(path)
    phones = [
        ("sil" if label in pauses else label, start, end)
        for label, start, end in _phones(_beside(path), tier, duration)
    ]
    folder = path.parent.name
    return {
        "speaker": folder,
        "session": folder,
        "path": str(path),
        "start": 0.0,
        "duration": duration,
        "text": "",
        "phones": phones,
    }


def _beside(path):
    """Find the TextGrid of a sound file, whatever the case of its ending."""
    for other in sorted(path.parent.glob(f"{_literal(path.stem)}.*")):
        if other.suffix.lower() == ".textgrid":
            return other
    raise CorpusError(
        f"{path}: has no TextGrid beside it; expected {path.stem}.TextGrid"
    )


def _literal(name):
    """Escape what `glob` would take for a pattern."""
    return "".join(f"[{c}]" if c in "[*?" else c for c in name)


def _phones(path, tier, duration):
    """Labeled intervals of a tier, checked: (label, start, end) in seconds."""
    from praatio import textgrid as praat
    from praatio.data_classes.interval_tier import IntervalTier

    _check_signs(path)
    try:
        grid = praat.openTextgrid(
            str(path), includeEmptyIntervals=False, reportingMode="silence"
        )
    except Exception as error:  # a damaged file raises one of many, in praatio
        detail = " ".join(str(error).split())
        raise CorpusError(
            f"{path}: cannot be read as a TextGrid ({detail}); open it in Praat and "
            "save it again"
        ) from error
    intervals = [t for t in grid.tiers if isinstance(t, IntervalTier)]
    names = [t.name for t in intervals]
    if not intervals:
        raise CorpusError(
            f"{path}: has no interval tier, only {', '.join(grid.tierNames) or 'none'}"
            "; mark the phones in one"
        )
    if tier is not None and tier not in names:
        raise CorpusError(
            f"{path}: has no interval tier {tier!r}; it has {', '.join(names)}"
        )
    chosen = intervals[0 if tier is None else names.index(tier)]
    phones = [(e.label.strip(), float(e.start), float(e.end)) for e in chosen.entries]
    phones = sorted((p for p in phones if p[0]), key=lambda p: p[1])
    if not phones:
        raise CorpusError(
            f"{path}: nothing is labeled in tier {chosen.name!r}; label it, or name "
            f"another tier of {', '.join(names)}"
        )
    _check_times(path, phones, duration)
    return phones


def _check_signs(path):
    """Refuse negative times: praatio reads them without their sign."""
    content = path.read_bytes()
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if utf16 else "utf-8", errors="replace")
    if found := _NEGATIVE.search(text):
        raise CorpusError(
            f"{path}: has a negative time ({found[0].strip()}); correct it in Praat"
        )


def _check_times(path, phones, duration):
    end_before = 0.0
    for label, start, end in phones:
        # Praat writes times with more digits than a sample is long.
        # Asked so that it is not so for NaN, either.
        if not start < end or start < end_before - 1e-6:
            what = "overlaps what comes before it" if start < end else "is no span"
            raise CorpusError(
                f"{path}: the interval {label!r} from {start:g} to {end:g} s {what}; "
                "correct it in Praat"
            )
        end_before = end
    if end_before > duration + 0.05:
        raise CorpusError(
            f"{path}: ends at {end_before:g} s, but the recording lasts "
            f"{duration:g} s; does it belong to another one?"
        )
