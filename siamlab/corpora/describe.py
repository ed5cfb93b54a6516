"""What is in a corpus, and what in it one should listen to first."""

import dataclasses
import hashlib
import html
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from .. import audio
from .._progress import progress_bar
from ..errors import ArgumentError, AudioError
from ._table import length

# Full scale: a file in 16 bits ends at 32767/32768, a lossy one a little beside it.
_FULL = 0.999
# A recording that somebody made as loud as possible has a sample or two there, at its
# loudest place; one that is clipped stays there, again and again.
_RUN, _CLIPPED = 3, 10
_SHOWN = 20  # suspicious files shown in a notebook


@dataclasses.dataclass(frozen=True, eq=False)
class Description:
    """What is in a corpus; made by `describe`.

    Parameters
    ----------
    name : str
        Of the corpus.
    speakers : pandas.DataFrame
        One row for each, by name: utterances, sessions, seconds.
    utterances : pandas.DataFrame
        One row for each, as in the corpus: path, seconds (NaN where it cannot be
        read), rate (samples per second, 0 where it cannot) and peak.
    suspicious : pandas.DataFrame
        Columns path and reason; a file may have several.
    """

    name: str
    speakers: pd.DataFrame
    utterances: pd.DataFrame
    suspicious: pd.DataFrame

    @property
    def summary(self):
        """Least, median and most per speaker and per utterance."""
        figures = {
            "utterances per speaker": self.speakers.utterances,
            "sessions per speaker": self.speakers.sessions,
            "seconds per speaker": self.speakers.seconds,
            "seconds per utterance": self.utterances.seconds,
        }
        table = {
            name: {"least": x.min(), "median": x.median(), "most": x.max()}
            for name, x in figures.items()
        }
        return pd.DataFrame(table).T.round(2)

    @property
    def rates(self):
        """Sampling rate -> utterances; the most frequent one first."""
        rate = self.utterances.rate
        return rate[rate > 0].value_counts().rename("utterances")

    def _line(self):
        rates = ", ".join(f"{rate:,}" for rate in self.rates.index) or "no"
        return (
            f"{self.name}: {len(self.speakers)} speakers, "
            f"{self.speakers.sessions.sum()} sessions, {len(self.utterances)} "
            f"utterances, {length(self.utterances.seconds.sum())}, at {rates} Hz"
        )

    def _verdict(self):
        files = self.suspicious.path.nunique()
        return f"{files} suspicious files" if files else "nothing suspicious"

    def __repr__(self):
        kinds = self.suspicious.reason.str.split(",").str[0].str.split(":").str[0]
        counts = [f"  {kind}: {n}" for kind, n in kinds.value_counts().items()]
        table = self.summary.to_string()
        return "\n".join([self._line(), table, self._verdict(), *counts])

    def _repr_html_(self):
        shown = self.suspicious.head(_SHOWN).to_html(index=False)
        more = len(self.suspicious) - _SHOWN
        if more > 0:
            shown += f"<p>and {more} more, in <code>.suspicious</code></p>"
        return (
            f"<p><b>{html.escape(self._line())}</b></p>{self.summary.to_html()}"
            f"<details><summary>{self._verdict()}</summary>"
            f"{shown if len(self.suspicious) else ''}</details>"
        )


def describe(corpus, shortest=0.1):
    """Read a whole corpus once, and say what is in it.

    Suspicious is what

    - cannot be read, or holds NaN;
    - is silent: no sample is larger than the last of 16 bits;
    - is clipped: it stays at full scale (0.999 and beyond) for three samples in a row
      or more, and for ten in all. What was made as loud as possible reaches full scale
      with a sample or two; what was clipped and turned down later is not found;
    - is shorter than `shortest`;
    - is the same sound as another one, sample by sample, whatever name, container,
      depth or header it has (copies that were compressed anew are not found): it may be
      on both sides of a split, or under two names.

    Parameters
    ----------
    corpus : Corpus
        Of any source.
    shortest : float
        Seconds; a syllable lasts about 0.2.

    Returns
    -------
    Description
        Tables, with a summary; `siamlab.plots.corpus` draws it.

    Raises
    ------
    ArgumentError
        If `shortest` is negative.

    Examples
    --------
    >>> import siamlab as sl
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=3)
    >>> found = sl.corpora.describe(corpus)
    >>> found.speakers.utterances.tolist(), found.rates.to_dict()
    ([3, 3], {16000: 6})
    """
    if shortest < 0:
        raise ArgumentError(f"shortest must not be negative; got {shortest} s")
    rows = list(corpus.table[["path", "start", "duration"]].itertuples(index=False))
    pool = ThreadPoolExecutor()
    try:
        bar = progress_bar(
            pool.map(_listen, rows),
            total=len(rows),
            description=f"listening to {corpus.name}",
            unit="utterances",
        )
        heard = pd.DataFrame(list(bar), index=corpus.table.index)
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt does not wait for the others
    utterances = heard[["seconds", "rate", "peak"]]
    utterances.insert(0, "path", corpus.table.path)
    by_speaker = corpus.table.assign(seconds=heard.seconds).groupby("speaker")
    speakers = pd.DataFrame(
        {
            "utterances": by_speaker.size(),
            "sessions": by_speaker.session.nunique(),
            "seconds": by_speaker.seconds.sum(),
        }
    )
    suspicious = _suspicious(corpus.table, heard, shortest)
    return Description(corpus.name, speakers, utterances, suspicious)


def _listen(row):
    """Read an utterance, block by block, and keep what is to be known of it."""
    samples, rate, peak, bad, flat, run = 0, 0, 0.0, 0, 0, 0
    state = hashlib.blake2b(digest_size=16)
    try:
        blocks = audio.blocks(row.path, start=row.start, duration=row.duration)
        for block, rate in blocks:  # noqa: B007
            samples += len(block)
            state.update(block.tobytes())
            finite = np.isfinite(block)
            bad += int(np.count_nonzero(~finite))
            level = np.abs(np.where(finite, block, 0.0))
            peak = max(peak, float(level.max()))
            more, run = _flat(level >= _FULL, run)
            flat += more
    except AudioError as error:
        return {"seconds": np.nan, "rate": 0, "peak": np.nan, "error": error.reason}
    return {
        "seconds": samples / rate,
        "rate": rate,
        "peak": peak,
        "error": "",
        "bad": bad,
        "flat": flat,
        "sound": f"{rate} {state.hexdigest()}",
    }


def _flat(full, run):
    """Count samples in long runs at full scale; `run` are those just before."""
    ends = np.flatnonzero(np.diff(np.concatenate(([0], full.view(np.int8), [0]))))
    starts, stops = ends[::2], ends[1::2]
    lengths = stops - starts
    counted = 0
    if run and len(starts) and starts[0] == 0:
        counted = run if run >= _RUN else 0  # was counted with the block before
        lengths[0] += run
    total = int(lengths[lengths >= _RUN].sum()) - counted
    last = int(lengths[-1]) if len(stops) and stops[-1] == len(full) else 0
    return total, last


def _suspicious(table, heard, shortest):
    found = []
    first: dict[str, int] = {}
    for i, one in enumerate(heard.itertuples()):
        path = table.path[i]
        if one.error:
            found.append((path, f"cannot be used: {one.error}"))
            continue
        if one.bad:
            found.append((path, f"NaN, in {int(one.bad)} samples"))
        if one.peak <= audio.SILENCE:
            found.append((path, "silent, from beginning to end"))
        if one.flat >= _CLIPPED:
            found.append((path, f"clipped, {int(one.flat)} samples at full scale"))
        if one.seconds < shortest:
            found.append((path, f"short, {one.seconds:.3f} s"))
        if one.peak > audio.SILENCE and first.setdefault(one.sound, i) != i:
            other = first[one.sound]
            same = table.speaker[i] == table.speaker[other]
            whose = (
                "" if same else f", as {table.speaker[i]} and {table.speaker[other]}"
            )
            found.append((path, f"twice, also {table.path[other]}{whose}"))
    return pd.DataFrame(found, columns=["path", "reason"], dtype=str)
