"""Recordings with Praat TextGrids."""

import codecs
import re

import pandas as pd

from .. import audio
from .._progress import print_line
from ..errors import AudioError, CorpusError
from ._scan import corpus_of, existing_folder, sound_files

_EXPECTED = "sound files, each with a TextGrid of the same name beside it"
# At the start of a line in the short form, after "xmin =" in the long form. [^\S\n]
# stays within the line: \s would search many empty lines again and again.
_NEGATIVE = re.compile(r"(?m)^[^\S\n]*(?:(?:xmin|xmax|number) = )?-[\d.]+")
# TextGrids may end a little after the recording.
_TOLERANCE_SECONDS = 0.05

# Labels for pauses: "sil" in `Corpus` (and in TIMIT and the Montreal aligner), MAUS,
# Praat's own silences, Festival, CMU, HTK.
PAUSES = ("sil", "<p:>", "<p>", "_", "#", "sp", "SIL", "silent", "pau", "h#", "<sil>")


def textgrid(root, tier=None, pauses=PAUSES, strict=False):
    """Read recordings with phones annotated in Praat TextGrids.

    Parameters
    ----------
    root : str or os.PathLike
        A folder with ``NAME.wav`` and ``NAME.TextGrid`` side by side; one subfolder per
        speaker if there are several. TextGrids may be in long or short format, in UTF-8
        or UTF-16.
    tier : str, optional
        Name of the interval tier with the phones; by default, the first interval tier
        of each file. Point tiers are ignored.
    pauses : sequence of str
        Labels of pauses; each becomes "sil". An interval without a label is not a
        pause, because its content is unknown.
    strict : bool
        Raise an error for the first unusable file, instead of listing all unusable
        files in `Corpus.rejected`.

    Returns
    -------
    Corpus
        Phones are the labeled intervals, with their times; labels are stripped of
        whitespace. The speaker is the folder of a file. Unusable files are listed in
        `Corpus.rejected`, and their number is printed to standard error.

    Raises
    ------
    CorpusError
        If the folder is missing or contains no sound file, or if no file is usable;
        with `strict`, for the first unusable file.
    """
    root = existing_folder(root, _EXPECTED)
    rows, rejected, durations = [], [], {}
    paths = sound_files(root, _EXPECTED)
    for path in paths:
        try:
            duration = audio.duration(path)
            phones = _phones(_find_textgrid(path), tier, duration)
        except (AudioError, CorpusError) as error:
            if strict:
                raise
            reason = getattr(error, "reason", str(error))
            rejected.append({"path": str(path), "reason": reason})
            continue
        folder = path.parent.name
        row = {"speaker": folder, "session": folder, "path": str(path)}
        row["phones"] = [("sil" if p in pauses else p, s, e) for p, s, e in phones]
        rows.append(row)
        durations[str(path)] = duration
    if rejected:
        first = f"{rejected[0]['path']}: {rejected[0]['reason']}"
        if not rows:
            raise CorpusError(
                f"{root}: none of {len(paths)} recordings is usable; first: {first}"
            )
        print_line(
            f"{len(rejected)} of {len(paths)} recordings rejected ({first}); see "
            "corpus.rejected"
        )
    table = pd.DataFrame(rejected, columns=["path", "reason"])
    return corpus_of(rows, root.name, durations, table)


def _find_textgrid(path):
    """Find the TextGrid of a sound file, with its suffix in upper or lower case."""
    start = f"{path.stem}."
    for other in sorted(path.parent.iterdir()):
        if other.name.startswith(start) and other.suffix.lower() == ".textgrid":
            return other
    raise CorpusError(f"{path} has no TextGrid; expected {path.stem}.TextGrid")


def _phones(path, tier, duration):
    """Read the labeled intervals of a tier: (label, start, end) in seconds."""
    from praatio import textgrid as praat
    from praatio.data_classes.interval_tier import IntervalTier

    _check_signs(path)
    try:
        grid = praat.openTextgrid(
            str(path), includeEmptyIntervals=False, reportingMode="silence"
        )
    except Exception as error:  # praatio raises many kinds for a damaged file
        detail = " ".join(str(error).split())
        raise CorpusError(
            f"{path} cannot be read as a TextGrid ({detail}); open it in Praat and "
            "save it again"
        ) from error
    intervals = {t.name: t for t in grid.tiers if isinstance(t, IntervalTier)}
    names = ", ".join(intervals)
    if not intervals:
        raise CorpusError(
            f"{path} has no interval tier; its tiers: "
            f"{', '.join(grid.tierNames) or 'none'}. Mark the phones in one"
        )
    if tier is not None and tier not in intervals:
        raise CorpusError(f"{path} has no interval tier {tier!r}; it has {names}")
    chosen = intervals[tier] if tier is not None else next(iter(intervals.values()))
    phones = [(e.label.strip(), float(e.start), float(e.end)) for e in chosen.entries]
    phones = sorted((p for p in phones if p[0]), key=lambda p: p[1])
    if not phones:
        raise CorpusError(
            f"{path} has no labels in tier {chosen.name!r}; add labels, or choose "
            f"another tier of {names}"
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
            f"{path} has a negative time ({found[0].strip()}); correct it in Praat"
        )


def _check_times(path, phones, duration):
    """Refuse intervals that overlap, are empty, or end after the recording."""
    end_before = 0.0
    for label, start, end in phones:
        # Praat writes more digits than a sample is long. `not <` also catches NaN.
        if not start < end or start < end_before - 1e-6:
            problem = "overlaps the one before it" if start < end else "has no length"
            raise CorpusError(
                f"{path}: the interval {label!r} from {start:g} to {end:g} s "
                f"{problem}; correct it in Praat"
            )
        end_before = end
    if end_before > duration + _TOLERANCE_SECONDS:
        raise CorpusError(
            f"{path} ends at {end_before:g} s, but the recording lasts {duration:g} s; "
            "does the TextGrid belong to another recording?"
        )
