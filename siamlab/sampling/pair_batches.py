"""Batches of pairs of segments, half of them from the same speaker."""

import numpy as np
import pandas as pd

from ..errors import ArgumentError
from ._arguments import check_minimum
from ._seeded_batches import SegmentBatches
from .segmentation import random_start

_N_NEAREST = 10  # hard negatives are drawn from this many nearest utterances


class PairBatches(SegmentBatches):
    """Batches of pairs for `networks.Siamese`, with label 1 for the same speaker.

    Half of the pairs in each batch are same-speaker pairs. Their segments are from two
    sessions of the speaker if possible, otherwise from two recordings, otherwise from
    two parts of one recording. All speakers are equally likely, regardless of their
    number of utterances.

    Parameters
    ----------
    features : Features
        Spectrograms and their speakers, with sessions and sexes if known.
    batch_size : int
        Pairs per batch, an even number.
    n_frames : int
        Length of a segment in frames; segments are cut at random positions.
    steps_per_epoch : int, optional
        Batches per epoch. By default, an epoch has as many segments as fit into the
        corpus without overlap.
    hard : {None, "sex"} or array_like
        How to choose hard different-speaker pairs. "sex" pairs speakers of the same
        sex. An array with an embedding of each utterance, shape (utterances, dim),
        pairs each utterance with one of its ten nearest utterances of other speakers
        (cosine distance). With None, all pairs are random.
    hard_fraction : float
        Fraction of the different-speaker pairs that are hard. A network learns little
        from easy pairs alone, and may not learn at all from hard pairs alone (fault
        S26, `docs/doctor.md#s26`).
    resample : bool
        Draw new pairs in each epoch. Use False for validation, so that epochs are
        comparable.
    seed : int
        Batch i of epoch e is drawn with the seed ``(seed, e, i)``, regardless of the
        worker, so workers never draw the same batch (fault S25, `docs/doctor.md#s25`).
    **kwargs
        As for `keras.utils.PyDataset`; by default, ``workers=2, max_queue_size=4``.

    Raises
    ------
    ArgumentError
        If there are fewer than two speakers, a number is out of range, or `hard` needs
        information that the corpus lacks.

    See Also
    --------
    audit : Checks the pairs that will be drawn.

    Examples
    --------
    >>> from siamlab import Features
    >>> table = pd.DataFrame({"speaker": ["anna", "anna", "ben"]})
    >>> features = Features([np.zeros((100, 128), np.float32)] * 3, table)
    >>> (a, b), y_true = PairBatches(features, batch_size=4)[0]
    >>> a.shape, b.shape, y_true[:, 0].tolist()
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
        resample=True,
        seed=0,
        **kwargs,
    ):
        super().__init__(features, n_frames, seed, **kwargs)
        check_minimum(batch_size=(batch_size, 2))
        if batch_size % 2:
            raise ArgumentError(
                "batch_size must be even, because half of the pairs are from the same "
                f"speaker; got {batch_size}"
            )
        if not 0 <= hard_fraction <= 1:
            raise ArgumentError(
                f"hard_fraction must be from 0 to 1; got {hard_fraction}"
            )
        self.batch_size = batch_size
        self.hard_fraction = hard_fraction
        self.resample = resample
        sessions = features.table.get("session")
        self._sessions = None if sessions is None else sessions.to_numpy(str)
        self._sex_of_speaker = self._nearest = None
        if isinstance(hard, str):
            self._sex_of_speaker = self._find_sexes(hard)
        elif hard is not None:
            self._nearest = _nearest_of_others(hard, features.speakers)
        self._set_steps(steps_per_epoch, 2 * batch_size)

    def _find_sexes(self, hard):
        if hard != "sex":
            raise ArgumentError(
                'hard must be None, "sex" or embeddings of all utterances; got '
                f"{hard!r}"
            )
        sexes = self.features.table.get("sex")
        if sexes is None or (sexes.to_numpy(str) == "").any():
            raise ArgumentError(
                'hard="sex" needs the sex of every speaker in the column "sex" of '
                "features.table; pass embeddings instead"
            )
        first_rows = [rows[0] for rows in self._rows_of_speaker]
        return sexes.to_numpy(str)[first_rows]

    def __getitem__(self, index):
        """Return segments (pairs, time, mel) of both sides, and labels (pairs, 1)."""
        pairs = self.draw(index)
        a = np.stack([*map(self._cut, pairs["first"], pairs["first_frame"])])
        b = np.stack([*map(self._cut, pairs["second"], pairs["second_frame"])])
        return (a, b), pairs["same"].to_numpy(np.int32)[:, None]

    def draw(self, index):
        """Draw the pairs of a batch without cutting their segments.

        Parameters
        ----------
        index : int
            Index of the batch.

        Returns
        -------
        pandas.DataFrame
            One row per pair. The columns first and second are the rows of the
            utterances in `features`, first_frame and second_frame are the first frames
            of the segments, and same is whether the speakers are the same.
        """
        rng = self.generator(index)
        pairs = []
        for i in range(self.batch_size):
            speaker = rng.integers(len(self.names))
            same = i % 2 == 0
            draw_utterances = self._draw_same if same else self._draw_other
            first, second = draw_utterances(speaker, rng)
            pairs.append((first, second, *self._draw_starts(first, second, rng), same))
        columns = ["first", "second", "first_frame", "second_frame", "same"]
        return pd.DataFrame(pairs, columns=columns)

    def _draw_same(self, speaker, rng):
        rows = self._rows_of_speaker[speaker]
        first = rng.choice(rows)
        others = rows[rows != first]
        if self._sessions is not None:
            elsewhere = others[self._sessions[others] != self._sessions[first]]
            others = elsewhere if len(elsewhere) else others
        return first, rng.choice(others) if len(others) else first

    def _draw_other(self, speaker, rng):
        first = rng.choice(self._rows_of_speaker[speaker])
        if self._nearest is not None and rng.random() < self.hard_fraction:
            return first, rng.choice(self._nearest[first])
        other = rng.integers(len(self.names) - 1)
        other += other >= speaker
        if self._sex_of_speaker is not None and rng.random() < self.hard_fraction:
            same_sex = self._sex_of_speaker == self._sex_of_speaker[speaker]
            same_sex[speaker] = False
            other = rng.choice(np.flatnonzero(same_sex)) if same_sex.any() else other
        return first, rng.choice(self._rows_of_speaker[other])

    def _draw_starts(self, first, second, rng):
        start = random_start(self._lengths[first], self.n_frames, rng)
        if first != second:
            return start, random_start(self._lengths[second], self.n_frames, rng)
        # Two segments of one recording do not overlap if it is long enough.
        starts = np.arange(max(self._lengths[first] - self.n_frames, 0) + 1)
        apart = starts[np.abs(starts - start) >= self.n_frames]
        return start, rng.choice(apart if len(apart) else starts)

    def on_epoch_end(self):
        """Advance to the pairs of the next epoch; Keras calls it."""
        self.epoch += self.resample


def _nearest_of_others(embeddings, speakers):
    """For each utterance, the rows of the nearest utterances of other speakers."""
    embeddings = np.asarray(embeddings, dtype=np.float32)
    if embeddings.ndim != 2 or len(embeddings) != len(speakers):
        raise ArgumentError(
            f"embeddings must have shape ({len(speakers)}, dim), one for each "
            f"utterance; got {embeddings.shape}"
        )
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    nearest = []
    for row, speaker in zip(unit, speakers, strict=True):  # never all pairs in memory
        others = np.flatnonzero(speakers != speaker)
        n = min(_N_NEAREST, len(others))
        nearest.append(others[np.argpartition(unit[others] @ -row, n - 1)[:n]])
    return nearest
