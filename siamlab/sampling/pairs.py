"""Pairs of segments, half of them of the same speaker."""

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from ._ahead import DrawnAhead
from ._groups import OfOthers, epoch_of, groups, members
from .cutting import long_enough

# How many of the nearest utterances of other speakers a hard negative is drawn from.
_NEAREST = 10


class PairBatches(DrawnAhead):
    """Batches of pairs for `networks.Siamese`: label 1 is the same speaker.

    Half of each batch are of the same speaker: from two of his sessions where he has
    several, else from two recordings, else from two stretches of the one that there
    is. All speakers are drawn alike, however much they said.

    Parameters
    ----------
    features : Features
        Spectrograms and their speakers; sessions and sexes where known.
    batch_size : int
        Pairs at a time, an even number.
    n_frames : int
        Length of a segment, cut at a random place (FAULTS S27).
    steps_per_epoch : int, optional
        Batches per epoch. By default an epoch shows as many segments as there are
        in the corpus without overlap.
    hard : {None, "sex"} or array_like
        Which negatives are hard: of the same sex; or, given an embedding of each
        utterance, shape (utterances, dim), those among the ten nearest of other
        speakers by the cosine. None makes all of them random.
    hard_fraction : float
        Share of the negatives that are hard: easy ones alone teach little, hard ones
        alone may not be learned at all (FAULTS S26).
    fresh : bool
        Other pairs in each epoch; False for validation, where epochs are compared.
    seed : int
        Batch i of epoch e is drawn from ``(seed, e, i)``, whoever draws it: workers
        never repeat each other (FAULTS S25).
    **kwargs
        As for `keras.utils.PyDataset`; by default two workers, which are threads, and
        four batches that lie ready.

    Raises
    ------
    ArgumentError
        If there are fewer than two speakers, a number is out of range, or hard
        negatives are asked for that the corpus cannot give.

    See Also
    --------
    audit : What is in the pairs.

    Examples
    --------
    >>> from siamlab import Features
    >>> table = pd.DataFrame({"speaker": ["anna", "anna", "ben"]})
    >>> features = Features([np.zeros((100, 128), np.float32)] * 3, table)
    >>> (a, b), same = PairBatches(features, batch_size=4)[0]
    >>> a.shape, b.shape, same[:, 0].tolist()
    ((4, 40, 128), (4, 40, 128), [1, 0, 1, 0])
    """

    def __init__(
        self,
        features,
        batch_size=64,
        n_frames=40,
        steps_per_epoch=None,
        hard=None,
        hard_fraction=0.5,
        fresh=True,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value, least in (
            ("batch_size", batch_size, 2),
            ("n_frames", n_frames, 1),
            ("steps_per_epoch", 1 if steps_per_epoch is None else steps_per_epoch, 1),
        ):
            if value < least:
                raise ArgumentError(f"{name} must be at least {least}; got {value}")
        if batch_size % 2:
            raise ArgumentError(
                f"batch_size must be even, for as many pairs of the same speaker as "
                f"of different ones; got {batch_size}"
            )
        if not 0 <= hard_fraction <= 1:
            raise ArgumentError(
                f"hard_fraction must be from 0 to 1; got {hard_fraction}"
            )
        names, self._ids = groups(features.table["speaker"])
        if len(names) < 2:
            raise ArgumentError(
                f"pairs need at least 2 speakers; got {len(names)} ({', '.join(names)})"
            )
        self.features = features
        self.batch_size = batch_size
        self.n_frames = n_frames
        self.hard_fraction = hard_fraction
        self.fresh = fresh
        self.seed = seed
        self._epoch = 0
        self._lengths = features.lengths
        self._of_speaker = members(self._ids, len(names))
        sessions = features.table.get("session")
        self._sessions = None if sessions is None else groups(sessions)[1]
        self._others = _hard_negatives(hard, features, self._ids)
        if steps_per_epoch is None:
            there = epoch_of(self._lengths, n_frames)
            steps_per_epoch = max(1, round(there / (2 * batch_size)))
        self.steps_per_epoch = steps_per_epoch

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, index):
        """Segments ((pairs, frames, bands), the same), and labels (pairs, 1)."""
        drawn = self.draw(index)
        sides = (
            np.stack(
                [
                    self._segment(row, start)
                    for row, start in zip(
                        drawn[side], drawn[f"{side}_frame"], strict=True
                    )
                ]
            )
            for side in ("first", "second")
        )
        return tuple(sides), drawn["same"].to_numpy(np.int32)[:, None]

    def _segment(self, row, start):
        if self._lengths[row] < self.n_frames:
            return long_enough(self.features[row], self.n_frames)
        return self.features.cut(row, start, self.n_frames)

    def draw(self, index):
        """Draw a batch, without cutting its segments.

        Parameters
        ----------
        index : int
            Of the batch.

        Returns
        -------
        pandas.DataFrame
            A row for each pair: first and second, positions of the utterances in
            the features; first_frame and second_frame, where the segments begin;
            same.
        """
        index = range(len(self))[index]
        rng = np.random.default_rng((self.seed, self._epoch, index))
        rows = []
        for k in range(self.batch_size):
            speaker = rng.integers(len(self._of_speaker))
            same = k % 2 == 0
            first, second = (self._same if same else self._different)(speaker, rng)
            starts = self._starts(first, second, rng)
            rows.append((first, second, *starts, same))
        columns = ["first", "second", "first_frame", "second_frame", "same"]
        return pd.DataFrame(rows, columns=columns)

    def _same(self, speaker, rng):
        mine = self._of_speaker[speaker]
        first = rng.choice(mine)
        others = mine[mine != first]
        if self._sessions is not None:
            elsewhere = others[self._sessions[others] != self._sessions[first]]
            others = elsewhere if len(elsewhere) else others
        return int(first), int(rng.choice(others)) if len(others) else int(first)

    def _different(self, speaker, rng):
        first = rng.choice(self._of_speaker[speaker])
        if self._others is not None and rng.random() < self.hard_fraction:
            hard = self._others(first)
            if len(hard):
                return int(first), int(hard[rng.integers(len(hard))])
        other = rng.integers(len(self._of_speaker) - 1)
        other += other >= speaker
        return int(first), int(rng.choice(self._of_speaker[other]))

    def _starts(self, first, second, rng):
        most = [max(self._lengths[row] - self.n_frames, 0) for row in (first, second)]
        start = int(rng.integers(most[0] + 1))
        if first != second:
            return start, int(rng.integers(most[1] + 1))
        # Two stretches of one recording: apart, where it is long enough.
        places = np.arange(most[1] + 1)
        apart = places[np.abs(places - start) >= self.n_frames]
        return start, int(rng.choice(apart if len(apart) else places))

    def on_epoch_end(self):
        """Go on to the next epoch's pairs; Keras calls it."""
        self._epoch += self.fresh


def _hard_negatives(hard, features, ids):
    """Of an utterance, those of other speakers that are hard to tell from it."""
    if hard is None:
        return None
    if isinstance(hard, str):
        if hard != "sex":
            raise ArgumentError(
                'hard must be None, "sex" or embeddings of all utterances; got '
                f"{hard!r}"
            )
        sexes = features.table.get("sex")
        if sexes is None or not (sexes.to_numpy(str) != "").all():
            raise ArgumentError(
                'hard="sex" needs the sex of every speaker, as a column "sex" of '
                "features.table; hand over embeddings instead"
            )
        return OfOthers(groups(sexes)[1], ids)
    embeddings = np.asarray(hard, dtype=np.float32)
    if embeddings.ndim != 2 or len(embeddings) != len(ids):
        raise ArgumentError(
            f"embeddings must have shape ({len(ids)}, dim), one for each utterance; "
            f"got {embeddings.shape}"
        )
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    nearest = []
    for i in range(len(ids)):  # a row at a time: never all pairs in memory
        others = np.flatnonzero(ids != ids[i])
        most = min(_NEAREST, len(others))
        place = np.argpartition(unit[others] @ -unit[i], most - 1)[:most]
        nearest.append(others[place])
    return nearest.__getitem__
