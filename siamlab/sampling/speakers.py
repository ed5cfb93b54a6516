"""Batches of several speakers."""

import numpy as np

from ..errors import ArgumentError
from ._ahead import DrawnAhead
from ._groups import epoch_of, groups, members
from .cutting import draw_place, stretch

# More names than this are not shuffled to take some of them.
_MANY = 10_000


class SpeakerBatches(DrawnAhead):
    """Batches of P speakers with K segments each, for `keras.Model.fit`.

    A segment is a random stretch of a random utterance of its speaker; the
    utterances of a batch differ where the speaker has as many.

    Parameters
    ----------
    features : Features
        Spectrograms and their speakers.
    n_speakers : int
        P, at most: all of them where the corpus has fewer.
    n_segments : int
        K, at least 2: with one segment each there is no pair of the same speaker.
    n_frames : int
        Length of a segment.
    steps_per_epoch : int, optional
        Batches per epoch. By default an epoch shows as many segments as there are
        in the corpus without overlap.
    seed : int
        Batch i of epoch e is drawn from ``(seed, e, i)``, whoever draws it.
    epoch : int
        Which one comes first: to go on with a training that was interrupted.
    shard : (int, int)
        Rank and number of the workers that share a batch (`siamlab.training`): each
        draws the whole of it and reads its own rows. Their shares, one below the
        other, are the batch of one worker.
    **kwargs
        As for `keras.utils.PyDataset`; by default two workers, which are threads, and
        four batches that lie ready.

    Attributes
    ----------
    names : numpy.ndarray
        Speaker of each id, sorted.

    Raises
    ------
    ArgumentError
        If there are fewer than two speakers, a number is out of range, or the rows of
        a batch cannot be shared out evenly.

    Examples
    --------
    >>> import pandas as pd
    >>> from siamlab import Features
    >>> table = pd.DataFrame({"speaker": ["anna", "anna", "ben"]})
    >>> features = Features([np.zeros((100, 128), np.float32)] * 3, table)
    >>> x, speaker_ids = SpeakerBatches(features, n_speakers=2, n_segments=3)[0]
    >>> x.shape, sorted(speaker_ids.tolist())
    ((6, 40, 128), [0, 0, 0, 1, 1, 1])
    """

    def __init__(
        self,
        features,
        n_speakers=32,
        n_segments=4,
        n_frames=40,
        steps_per_epoch=None,
        seed=0,
        epoch=0,
        shard=(0, 1),
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value, least in (
            ("epoch", epoch, 0),
            ("n_speakers", n_speakers, 2),
            ("n_segments", n_segments, 2),
            ("n_frames", n_frames, 1),
            ("steps_per_epoch", 1 if steps_per_epoch is None else steps_per_epoch, 1),
        ):
            if value < least:
                raise ArgumentError(f"{name} must be at least {least}; got {value}")
        self.names, ids = groups(features.table["speaker"])
        if len(self.names) < 2:
            raise ArgumentError(
                "batches of speakers need at least 2 speakers; got "
                f"{len(self.names)} ({', '.join(self.names)})"
            )
        self._features = features
        self._lengths = features.lengths
        self._of_speaker = members(ids, len(self.names))
        self.n_speakers = min(n_speakers, len(self.names))
        self.n_segments = n_segments
        self._rows = _share(self.n_speakers, n_segments, *shard)
        self.n_frames = n_frames
        self.seed = seed
        self.epoch = epoch
        if steps_per_epoch is None:
            there = epoch_of(self._lengths, n_frames)
            steps_per_epoch = max(1, round(there / (self.n_speakers * n_segments)))
        self.steps_per_epoch = steps_per_epoch

    def __len__(self):
        return self.steps_per_epoch

    def __getitem__(self, index):
        """Segments (P * K, frames, bands), float32, and speaker ids (P * K,).

        Of a worker's rows alone, where there is a `shard`.
        """
        index = range(len(self))[index]  # so that a for-loop ends
        rng = np.random.default_rng((self.seed, self.epoch, index))
        ids = _some(len(self.names), self.n_speakers, rng)
        places = [
            (utterance, draw_place(self._lengths[utterance], self.n_frames, rng))
            for speaker in ids
            for utterance in self._draw(self._of_speaker[speaker], rng)
        ]
        x = [self._stretch(utterance, first) for utterance, first in places[self._rows]]
        ids = np.repeat(ids, self.n_segments)[self._rows]
        return np.stack(x), ids.astype(np.int32)

    def _stretch(self, utterance, first):
        if self._lengths[utterance] < self.n_frames:
            return stretch(self._features[utterance], 0, self.n_frames)
        return self._features.cut(utterance, first, self.n_frames)

    def _draw(self, utterances, rng):
        again = len(utterances) < self.n_segments
        return rng.choice(utterances, size=self.n_segments, replace=again)

    def on_epoch_end(self):
        """Go on to the next epoch's batches; Keras calls it."""
        self.epoch += 1


def _some(n, size, rng):
    """Draw `size` different numbers below `n`, in random order."""
    if n > _MANY:  # at the cost of `size`, where a shuffle costs `n`
        return rng.choice(n, size, replace=False)
    # As fair, and what the seeds of every corpus below have always drawn.
    return rng.permutation(n)[:size]


def _share(speakers, segments, rank, workers):
    """Rows of a batch that a worker reads."""
    rows = speakers * segments
    if not 0 <= rank < workers:
        raise ArgumentError(
            f"shard must be a rank below the number of workers; got ({rank}, {workers})"
        )
    if rows % workers:
        raise ArgumentError(
            f"{workers} workers cannot share the {rows} rows of a batch of {speakers} "
            f"speakers with {segments} segments evenly; take a number of segments that "
            f"divides by {workers}, or other workers"
        )
    share = rows // workers
    return slice(rank * share, (rank + 1) * share)
