"""Statistics of a corpus, and a list of suspicious recordings.

- `describe`: read all recordings of a corpus once.
- `Description`: the result, as tables.
"""

import dataclasses
import hashlib
import html
import re

import numpy as np
import pandas as pd

from .. import audio
from .._progress import map_in_threads
from ..errors import AudioError
from ._corpus import format_duration

# Full scale: 32767/32768 in a 16-bit file, slightly different in a lossy file.
_FULL_SCALE = 0.999
# A normalized recording reaches full scale at one or two samples; a clipped recording
# stays there for several samples, many times.
_MIN_RUN, _MIN_CLIPPED = 3, 10
# Speech is recorded at -15 to -40 dB relative to full scale (root mean square).
_QUIET_DB = -50.0
# An offset of 0.3 % changes an embedding as much as another room does.
_OFFSET = 0.003
_SHORTEST = 0.1  # seconds; a syllable lasts about 0.2 s
_MEASURED = "seconds sr peak offset level_db n_bad n_clipped checksum error".split()


@dataclasses.dataclass(frozen=True, eq=False)
class Description:
    """Statistics of a corpus, as returned by `describe`.

    Parameters
    ----------
    name : str
        Name of the corpus.
    speakers : pandas.DataFrame
        One row per speaker, sorted by name: utterances, sessions, seconds.
    utterances : pandas.DataFrame
        One row per utterance, as in the corpus: path, seconds (NaN if it cannot be
        read), sr (sampling rate in hertz, 0 if it cannot be read), peak, offset (mean
        of the samples; full scale is 1) and level_db (root mean square without the
        offset, in dB relative to full scale).
    suspicious : pandas.DataFrame
        Columns path, kind (such as "silent") and reason. The index is the row of the
        corpus; a row may have several reasons.
    rejected, skipped : pandas.DataFrame
        Columns path and reason: as in the corpus, and the unreadable files.
    """

    name: str
    speakers: pd.DataFrame
    utterances: pd.DataFrame
    suspicious: pd.DataFrame
    rejected: pd.DataFrame
    skipped: pd.DataFrame

    @property
    def files(self):
        """Number of files that were read, rejected and passed over."""
        read = self.utterances.path[self.utterances.sr > 0].nunique()
        counts = {"read": read, "rejected": len(self.rejected)}
        return pd.Series({**counts, "passed over": len(self.skipped)}, name="files")

    @property
    def summary(self):
        """Minimum, median and maximum per speaker and per utterance."""
        figures = {
            "utterances per speaker": self.speakers.utterances,
            "sessions per speaker": self.speakers.sessions,
            "seconds per speaker": self.speakers.seconds,
            "seconds per utterance": self.utterances.seconds,
            "level of an utterance in dB": self.utterances.level_db,
            "offset in % of full scale": 100 * self.utterances.offset,
        }
        rows = {name: x.agg(["min", "median", "max"]) for name, x in figures.items()}
        return pd.DataFrame(rows).T.round(2)

    @property
    def sampling_rates(self):
        """Number of utterances per sampling rate, most frequent first."""
        sr = self.utterances.sr
        return sr[sr > 0].value_counts().rename("utterances")

    def _line(self):
        rates = ", ".join(f"{sr:,}" for sr in self.sampling_rates.index) or "no"
        return (
            f"{self.name}: {len(self.speakers)} speakers, "
            f"{self.speakers.sessions.sum()} sessions, {len(self.utterances)} "
            f"utterances, {format_duration(self.utterances.seconds.sum())}, "
            f"at {rates} Hz\n"
            f"files: {', '.join(f'{n} {what}' for what, n in self.files.items())}"
        )

    def _verdict(self):
        files = self.suspicious.path.nunique()
        return f"suspicious files: {files}" if files else "no suspicious files"

    def __repr__(self):
        kinds = self.suspicious.kind.value_counts()
        counts = [f"  {kind}: {n}" for kind, n in kinds.items()]
        table = self.summary.to_string()
        return "\n".join([self._line(), table, self._verdict(), *counts])

    def _repr_html_(self):
        files = self.suspicious.drop(columns="kind").to_html(index=False, max_rows=20)
        return (
            f"<p><b>{html.escape(self._line())}</b></p>{self.summary.to_html()}"
            f"<details><summary>{self._verdict()}</summary>{files}</details>"
        )


def describe(corpus):
    """Count speakers, sessions and hours of a corpus, and find suspicious files.

    All recordings are read once. A recording is suspicious if it

    - cannot be read, or contains NaN;
    - is silent: no sample is larger than the least significant of 16 bits;
    - is clipped: at least three consecutive samples are at full scale (0.999 or more),
      and at least ten samples in total. Loud recordings reach full scale at one or two
      samples. Recordings that were attenuated after clipping are not found;
    - is quiet: its level (root mean square) is below -50 dB relative to full scale;
    - has an offset: the mean of its samples is more than 0.3 % of full scale, as from a
      cheap sound card. It is inaudible, but changes a spectrogram;
    - is shorter than 0.1 s (a syllable lasts about 0.2 s);
    - is a duplicate: all its samples equal those of another recording, whatever its
      name, container, bit depth or header. Recompressed copies are not found. A
      duplicate may leak from one part of a split into another, or be listed under two
      speakers;
    - is of a speaker whose name differs from another one only in case or spaces.

    Parameters
    ----------
    corpus : Corpus
        Any corpus.

    Returns
    -------
    Description
        Tables and a summary; `siamlab.plots.corpus` plots them.

    Examples
    --------
    >>> import siamlab as sl
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=3)
    >>> description = sl.corpora.describe(corpus)
    >>> description.speakers.utterances.tolist()
    [3, 3]
    >>> description.sampling_rates.to_dict()
    {16000: 6}
    """
    rows = list(corpus.table[["path", "start", "duration"]].itertuples(index=False))
    measured = pd.DataFrame(
        map_in_threads(_measure, rows, f"reading {corpus.name}", "utterance"),
        columns=_MEASURED,
    )
    utterances = measured[["seconds", "sr", "peak", "offset", "level_db"]]
    utterances.insert(0, "path", corpus.table.path)
    by_speaker = corpus.table.assign(seconds=measured.seconds).groupby("speaker")
    speakers = by_speaker.agg(
        utterances=("path", "size"),
        sessions=("session", "nunique"),
        seconds=("seconds", "sum"),
    )
    suspicious = _suspicious(corpus.table, measured)
    unreadable = corpus.table.assign(reason=measured.error)[["path", "reason"]]
    rejected = pd.concat([corpus.rejected, unreadable[measured.error != ""]])
    return Description(
        *(corpus.name, speakers, utterances, suspicious),
        *(rejected.reset_index(drop=True), corpus.skipped),
    )


def _measure(row):
    """Read an utterance block by block, and return its measurements."""
    from scipy import ndimage

    level, n_clipped = audio.Level(), 0
    checksum = hashlib.blake2b(digest_size=16)
    try:
        blocks = audio.blocks(row.path, start=row.start, duration=row.duration)
        for block, sr in blocks:  # noqa: B007
            level.add(block)
            checksum.update(block.tobytes())
            is_full = np.abs(block) >= _FULL_SCALE
            runs = ndimage.binary_opening(is_full, np.ones(_MIN_RUN))
            n_clipped += int(np.count_nonzero(runs))
    except AudioError as error:
        return {"sr": 0, "error": error.reason}
    offset, rms = level.offset_and_rms()
    return {
        "seconds": level.n / sr,
        "sr": sr,
        "peak": max(0.0, -level.low, level.high),
        "offset": offset,
        "level_db": 20 * np.log10(rms),
        "n_bad": level.n_bad,
        "n_clipped": n_clipped,
        "checksum": f"{sr} {checksum.hexdigest()}",
        "error": "",
    }


def _suspicious(table, measured):
    """List suspicious rows: path, kind and reason."""
    silent = measured.peak <= audio.SILENCE
    short = measured.seconds < _SHORTEST
    offset = ~short & (measured.offset.abs() > _OFFSET)
    clipped = measured.n_clipped >= _MIN_CLIPPED
    checks = [
        (measured.error != "", "unreadable: {error}"),
        (measured.n_bad > 0, "NaN, in {n_bad:.0f} samples"),
        (silent, "silent, from beginning to end"),
        (~silent & (measured.level_db < _QUIET_DB), "quiet, {level_db:.0f} dB"),
        (offset, "offset, {offset:.1%} of full scale"),
        (clipped, "clipped, {n_clipped:.0f} samples at full scale"),
        (short, "short, {seconds:.3f} s"),
    ]
    found = [
        (i, reason.format(**row))
        for suspicious, reason in checks
        for i, row in measured[suspicious].to_dict("index").items()
    ]
    for first, *others in measured[~silent].groupby("checksum").groups.values():
        name, path = table.speaker[first], table.path[first]
        for i in others:
            speakers = f", under the speakers {table.speaker[i]} and {name}"
            end = "" if table.speaker[i] == name else speakers
            found.append((i, f"duplicate, of {path}{end}"))
    folded = table.speaker.str.casefold().str.split().str.join(" ")
    for _, rows in table.groupby(folded):
        if len(names := sorted(set(rows.speaker))) > 1:
            alike = " and ".join(map(repr, names))
            found.append((rows.index[0], f"alike, the speakers {alike}; are they one?"))
    found.sort()
    rows = [row for row, _ in found]
    listed = [(table.path[i], re.split("[,:]", why)[0], why) for i, why in found]
    return pd.DataFrame(listed, rows, ["path", "kind", "reason"], dtype=str)
