"""Recordings with Praat TextGrids."""

import unicodedata
from pathlib import Path

from .. import audio
from ..errors import AudioError, CorpusError
from ._praat import read_tiers
from ._scan import NOT_SOUND, corpus_of, existing_folder, folder_rows, sound_files

_EXPECTED = "sound files, each with a TextGrid of the same name beside it"
# TextGrids may end a little after the recording.
_TOLERANCE_SECONDS = 0.05
# Programs that round times to milliseconds leave intervals that overlap a little.
_OVERLAP_SECONDS = 0.002

# Labels for pauses: "sil" in `Corpus` (and in TIMIT and the Montreal aligner), MAUS,
# Praat's own silences, Festival, CMU, HTK.
PAUSES = ("sil", "<p:>", "<p>", "_", "#", "sp", "SIL", "silent", "pau", "h#", "<sil>")


def textgrid(root, tier=None, pauses=PAUSES, strict=False):
    """Read recordings with phones annotated in Praat TextGrids.

    Parameters
    ----------
    root : str or os.PathLike
        A folder with ``NAME.wav`` and ``NAME.TextGrid`` side by side; one subfolder per
        speaker if there are several. TextGrids are text files in long or short form,
        in UTF-8, UTF-16 or Latin-1.
    tier : str, optional
        Name of the interval tier with the phones; by default, the first interval tier
        of each file. Other tiers, and tiers of points, are ignored.
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
        whitespace, and overlaps of up to 2 ms are removed. Speakers and sessions are
        named as by `folder`; without subfolders, after the folder. Unusable files are
        listed in `Corpus.rejected`, and their number is printed to standard error.
        TextGrids without a recording are listed in `Corpus.skipped`.

    Raises
    ------
    CorpusError
        If the folder is missing or contains no sound file, or if no file is usable;
        with `strict`, for the first unusable file.
    """
    root = existing_folder(root, _EXPECTED)
    files, skipped = sound_files(root, _EXPECTED)
    grids: dict = {}
    for path, reason in skipped:
        if path.lower().endswith(".textgrid") and reason.startswith(NOT_SOUND):
            grids.setdefault(_key(path), []).append(path)
    rows, rejected, durations = [], [], {}
    for row in folder_rows(root, files):
        path = row["path"]
        try:
            durations[path] = audio.duration(path)
            found = grids.get(_key(path), [])
            if len(found) != 1:
                raise CorpusError(
                    f"{path} has {len(found) or 'no'} TextGrids; expected one, "
                    f"{Path(path).stem}.TextGrid"
                )
            phones = _phones(Path(found[0]), tier, durations[path])
        except (AudioError, CorpusError) as error:
            if strict:
                raise
            rejected.append((path, getattr(error, "reason", str(error))))
            continue
        if not row["speaker"]:
            row["speaker"] = row["session"] = root.absolute().name
        row["phones"] = [("sil" if p in pauses else p, s, e) for p, s, e in phones]
        rows.append(row)
    used = {path for paths in map(_key, files) for path in grids.get(paths, ())}
    skipped = [(path, reason) for path, reason in skipped if path not in used]
    return corpus_of(
        rows, root.name, known=durations, rejected=rejected, skipped=skipped
    )


def _key(path):
    """Folder and name without suffix; a Mac may have written one letter as two."""
    path = Path(path)
    return path.parent, unicodedata.normalize("NFC", path.stem)


def _phones(path, tier, duration):
    """Read the labeled intervals of a tier: (label, start, end) in seconds."""
    intervals = [each[1:] for each in read_tiers(path) if each[0] == "IntervalTier"]
    names = ", ".join(name for name, _ in intervals) or "none"
    chosen = intervals[:1]
    if tier is not None:
        wanted = unicodedata.normalize("NFC", tier)
        chosen = [each for each in intervals if each[0] == wanted]
    if len(chosen) != 1:
        number = "several interval tiers" if chosen else "no interval tier"
        wanted = "" if tier is None else f" {tier!r}"
        raise CorpusError(f"{path} has {number}{wanted}; it has {names}")
    name, entries = chosen[0]
    # Praat writes intervals in order; other programs may not.
    phones = sorted(
        (entry for entry in entries if entry[0]), key=lambda entry: entry[1]
    )
    if not phones:
        raise CorpusError(
            f"{path} has no labels in tier {name!r}; add labels, or choose another "
            f"tier of {names}"
        )
    return _checked(path, phones, duration)


def _checked(path, phones, duration):
    """Remove tiny overlaps; refuse intervals that do not fit."""
    checked: list = []
    for label, start, end in phones:
        *_, begun, before = checked[-1] if checked else ("", -1.0, 0.0)
        if not start < end:  # also if one of them is NaN
            problem = "has no length"
        elif start < before - _OVERLAP_SECONDS or start <= begun:
            problem = "overlaps the one before it" if checked else "begins before 0 s"
        else:
            if checked:
                checked[-1] = (*checked[-1][:2], min(start, before))
            checked.append((label, max(start, 0.0), end))
            continue
        raise CorpusError(
            f"{path}: the interval {label!r} from {start:g} to {end:g} s {problem}; "
            "correct it in Praat"
        )
    if end > duration + _TOLERANCE_SECONDS:
        raise CorpusError(
            f"{path} ends at {end:g} s, but the recording lasts {duration:g} s; does "
            "the TextGrid belong to another recording?"
        )
    return checked
