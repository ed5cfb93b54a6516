"""The table of utterances of a corpus."""

import numpy as np
import pandas as pd

from .. import audio
from ..errors import ArgumentError, CorpusError

# In this order; a corpus may have further columns after them.
COLUMNS = ("speaker", "session", "path", "start", "duration", "text", "phones")


class Corpus:
    """Recordings of speakers, as a table of utterances.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per utterance, with the columns

        ========  =============================================================
        speaker   str, name of the speaker
        session   str, name of the recording session; unique over all speakers
        path      str, the sound file
        start     float, start of the utterance in the file, in seconds
        duration  float, in seconds; NaN if the file cannot be read
        text      str, the spoken text; "" if unknown
        phones    list of (symbol, start, end) in seconds, or None
        ========  =============================================================

        and optional columns, such as sex, age or room.
    name : str
        Name of the corpus, used in messages.
    rejected : pandas.DataFrame or sequence of (str, str)
        Columns path and reason: recordings that are not in the table, and why.
    skipped : pandas.DataFrame or sequence of (str, str)
        The same for all other files below the folder: hidden files, further links to
        the same recording, files of another kind.

    Raises
    ------
    CorpusError
        If a column is missing or the table is empty.

    Examples
    --------
    >>> import siamlab as sl
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=2)
    >>> samples, sr = corpus[0]
    >>> samples.dtype, sr
    (dtype('float32'), 16000)
    """

    def __init__(self, table, name, rejected=(), skipped=()):
        missing = [column for column in COLUMNS if column not in table.columns]
        if missing:
            raise CorpusError(
                f"{name}: the table needs the columns {', '.join(COLUMNS)}; "
                f"missing: {', '.join(missing)}"
            )
        if table.empty:
            raise CorpusError(f"{name}: no utterances were found; check the folder")
        others = [column for column in table.columns if column not in COLUMNS]
        self.table = table[[*COLUMNS, *others]].reset_index(drop=True)
        self.name = name
        self.rejected, self.skipped = (
            pd.DataFrame(listed, columns=["path", "reason"], dtype=str)
            for listed in (rejected, skipped)
        )

    def __len__(self):
        return len(self.table)

    def __getitem__(self, index):
        """Read one utterance: (samples, sr), mono float32 in [-1, 1], and hertz.

        A slice returns the `Corpus` of these utterances, without reading them.
        """
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        row = self.table.iloc[index]
        return audio.read(row.path, start=row.start, duration=row.duration)

    def __repr__(self):
        return (
            f"{self.name}: {len(self)} utterances, "
            f"{self.table.speaker.nunique()} speakers, "
            f"{format_duration(np.nansum(self.table.duration))}"
        )

    def select(self, rows):
        """Select some of the utterances.

        Parameters
        ----------
        rows : array of bool or of int
            A mask over the table, or row indices.

        Returns
        -------
        Corpus
            The selected utterances.
        """
        return Corpus(self.table.iloc[np.asarray(rows)], self.name)

    def split(self, by="speaker", fractions=(0.8, 0.2), seed=0):
        """Split the corpus randomly into parts that share no speaker or session.

        Parameters
        ----------
        by : {"speaker", "session", "utterance"}
            The unit that is never divided between two parts. If utterances of one
            speaker are in both parts, the results of a speaker network are too
            optimistic. The same holds for a session, whose utterances share a room and
            a microphone (``docs/doctor.md#s24``).
        fractions : sequence of float
            Fraction of the speakers, sessions or utterances in each part; their sum is
            at most 1.
        seed : int
            Random seed. The same seed gives the same parts.

        Returns
        -------
        tuple of Corpus
            One corpus per fraction.

        Raises
        ------
        ArgumentError
            If `by` is not one of the three, if the fractions are not positive or their
            sum is greater than 1, or if there are fewer groups than parts.

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
                "fractions must be positive, with a sum of at most 1; "
                f"got {tuple(fractions.tolist())}"
            )
        groups = self.table.index.to_series() if by == "utterance" else self.table[by]
        names = np.sort(groups.unique())
        if len(names) < len(fractions):
            raise ArgumentError(
                f"a split by {by} into {len(fractions)} parts needs at least "
                f"{len(fractions)} {by}s; {self.name} has {len(names)}"
            )
        names = np.random.default_rng(seed).permutation(names)
        ends = _part_ends(fractions, len(names))
        parts = np.split(names, ends)[: len(fractions)]
        # isin of pandas uses a hash table; np.isin compares every name with every row.
        return tuple(self.select(groups.isin(part).to_numpy()) for part in parts)


def _part_ends(fractions, total):
    """Index at which each part of `total` names ends; no part is empty."""
    ends = np.rint(np.cumsum(fractions) * total).astype(int)
    parts = len(ends)
    for i in range(parts):  # at least one name here, and one for each later part
        low = ends[i - 1] + 1 if i else 1
        ends[i] = min(max(ends[i], low), total - (parts - 1 - i))
    return ends


def format_duration(seconds):
    """Write a duration in hours or minutes."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min"
