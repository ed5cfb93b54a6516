"""The table of utterances that every corpus is, and its checks."""

import numpy as np
import pandas as pd

from .. import audio
from ..errors import ArgumentError, CorpusError

# In this order; a corpus may have further columns behind them.
COLUMNS = ("speaker", "session", "path", "start", "duration", "text", "phones")


class Corpus:
    """Recordings of speakers, as a table of utterances.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per utterance, with the columns

        ========  =====================================================
        speaker   str, who speaks
        session   str, on which occasion; unique over all speakers
        path      str, the sound file
        start     float, where in the file it begins, in seconds
        duration  float, in seconds; NaN where the file cannot be read
        text      str, what is said; "" where unknown
        phones    list of (symbol, start, end) in seconds, or None
        ========  =====================================================

        and any others (sex, age, room).
    name : str
        What the corpus is called in messages.
    rejected : pandas.DataFrame, optional
        Columns path and reason: files that are not in the table, and why.

    Raises
    ------
    CorpusError
        If a column is missing or the table is empty.

    Examples
    --------
    >>> import siamlab as sl
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=2)
    >>> samples, rate = corpus[0]
    >>> samples.dtype, rate
    (dtype('float32'), 16000)
    """

    def __init__(self, table, name, rejected=None):
        missing = [column for column in COLUMNS if column not in table.columns]
        if missing:
            raise CorpusError(
                f"{name}: the table needs the columns {', '.join(COLUMNS)}; "
                f"missing: {', '.join(missing)}"
            )
        if table.empty:
            raise CorpusError(f"{name}: no utterance was found; check the folder")
        others = [column for column in table.columns if column not in COLUMNS]
        self.table = table[[*COLUMNS, *others]].reset_index(drop=True)
        self.name = name
        if rejected is None:
            rejected = pd.DataFrame({"path": [], "reason": []}, dtype=str)
        self.rejected = rejected

    def __len__(self):
        return len(self.table)

    def __getitem__(self, index):
        """Return samples (float32, mono, in [-1, 1]) and rate of one utterance."""
        row = self.table.iloc[index]
        return audio.read(row.path, start=row.start, duration=row.duration)

    def __repr__(self):
        return (
            f"{self.name}: {len(self)} utterances, "
            f"{self.table.speaker.nunique()} speakers, "
            f"{length(np.nansum(self.table.duration))}"
        )

    def select(self, rows):
        """Keep some of the utterances.

        Parameters
        ----------
        rows : array of bool or of int
            A mask over the table, or positions in it.

        Returns
        -------
        Corpus
            The same recordings, a smaller table.
        """
        rows = np.asarray(rows)
        return Corpus(
            self.table[rows] if rows.dtype == bool else self.table.iloc[rows], self.name
        )

    def split(self, by="speaker", fractions=(0.8, 0.2), seed=0):
        """Deal the corpus into parts that share no speaker, or no session.

        Parameters
        ----------
        by : {"speaker", "session", "utterance"}
            What stays together. Utterances of one speaker in both parts make a
            speaker network look better than it is; so do those of one session,
            which share room and microphone (FAULTS S24).
        fractions : sequence of float
            Share of the groups in each part; they sum to 1 at most.
        seed : int
            Deals the same way each time.

        Returns
        -------
        tuple of Corpus
            One for each fraction.

        Raises
        ------
        ArgumentError
            If `by` is none of the three, the fractions are not positive or sum
            to more than 1, or there are fewer groups than parts.

        Examples
        --------
        >>> import siamlab as sl
        >>> corpus = sl.corpora.voices(n_speakers=4, n_utterances=2)
        >>> train, test = corpus.split(by="speaker", fractions=(0.5, 0.5))
        >>> set(train.table.speaker) & set(test.table.speaker)
        set()
        """
        if by not in ("speaker", "session", "utterance"):
            raise ArgumentError(
                f'by must be "speaker", "session" or "utterance"; got {by!r}'
            )
        fractions = np.asarray(fractions, dtype=float)
        if fractions.ndim != 1 or (fractions <= 0).any() or fractions.sum() > 1 + 1e-9:
            raise ArgumentError(
                "fractions must be positive and sum to 1 at most; "
                f"got {tuple(fractions.tolist())}"
            )
        groups = self.table.index.to_series() if by == "utterance" else self.table[by]
        names = np.sort(groups.unique())
        if len(names) < len(fractions):
            raise ArgumentError(
                f"{len(fractions)} parts by {by} need as many {by}s; "
                f"{self.name} has {len(names)}"
            )
        names = np.random.default_rng(seed).permutation(names)
        parts = np.split(names, _cuts(fractions, len(names)))[: len(fractions)]
        # By a hash table: np.isin compares every name of a part with every row.
        return tuple(self.select(groups.isin(part).to_numpy()) for part in parts)


def length(seconds):
    """Hours or minutes, as a person says them."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min"


def _cuts(fractions, total):
    """Where to cut `total` things, no part being left empty."""
    ends = np.rint(np.cumsum(fractions) * total).astype(int)
    parts = len(ends)
    for i in range(parts):  # each part at least one, and one left for each behind it
        low = ends[i - 1] + 1 if i else 1
        ends[i] = min(max(ends[i], low), total - (parts - 1 - i))
    return ends
