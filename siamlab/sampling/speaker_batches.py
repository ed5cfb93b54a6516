"""Batches of P speakers with K segments each."""

import numpy as np

from ..errors import ArgumentError
from ._arguments import check_minimum
from ._seeded_batches import SegmentBatches
from .segmentation import random_start


class SpeakerBatches(SegmentBatches):
    """Batches of P speakers with K segments each, for losses over all pairs.

    Each segment is cut at a random position of a random utterance of its speaker. The K
    segments are from different utterances if the speaker has at least K utterances.

    Parameters
    ----------
    features : Features
        Spectrograms and their speakers.
    n_speakers : int
        Speakers per batch (P).
    n_segments : int
        Segments per speaker (K); at least 2, because a single segment forms no
        same-speaker pair.
    n_frames : int
        Length of a segment in frames.
    steps_per_epoch : int, optional
        Batches per epoch. By default, an epoch has as many segments as fit into the
        corpus without overlap.
    seed : int
        Batch i of epoch e is drawn with the seed ``(seed, e, i)``, regardless of the
        worker.
    epoch : int
        Index of the first epoch, to resume training.
    shard : (int, int)
        Rank of this process, and number of processes that train one network. Each
        process reads only its own rows of the batch; concatenated, the rows of all
        processes equal the batch of a single process.
    **kwargs
        As for `keras.utils.PyDataset`; by default, ``workers=2, max_queue_size=4``.

    Attributes
    ----------
    names : numpy.ndarray
        Sorted names of the speakers; speaker ids are indices into it.

    Raises
    ------
    ArgumentError
        If there are fewer speakers than `n_speakers`, a number is out of range, or
        the rows of a batch cannot be divided evenly among the processes.

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
        super().__init__(features, n_frames, seed, epoch, **kwargs)
        check_minimum(n_speakers=(n_speakers, 2), n_segments=(n_segments, 2))
        if n_speakers > len(self.names):
            raise ArgumentError(
                f"n_speakers must be at most {len(self.names)}, the number of speakers "
                f"in features; got {n_speakers}"
            )
        self.n_speakers = n_speakers
        self.n_segments = n_segments
        self._shard = _shard_rows(n_speakers * n_segments, *shard)
        self._set_steps(steps_per_epoch, n_speakers * n_segments)

    def __getitem__(self, index):
        """Return segments (P * K, time, mel), float32, and speaker ids (P * K,).

        With `shard`, return only the rows of this process.
        """
        rng = self.generator(index)
        ids = rng.permutation(len(self.names))[: self.n_speakers]
        positions = [
            (row, random_start(self._lengths[row], self.n_frames, rng))
            for speaker in ids
            for row in self._draw_utterances(speaker, rng)
        ]
        x = np.stack([self._cut(*position) for position in positions[self._shard]])
        return x, np.repeat(ids, self.n_segments)[self._shard].astype(np.int32)

    def _draw_utterances(self, speaker, rng):
        rows = self._rows_of_speaker[speaker]
        return rng.choice(rows, self.n_segments, replace=len(rows) < self.n_segments)


def _shard_rows(n_rows, rank, n_processes):
    """Rows of a batch that belong to a process."""
    if not 0 <= rank < n_processes:
        raise ArgumentError(
            "shard must be (rank, n_processes) with 0 <= rank < n_processes; got "
            f"({rank}, {n_processes})"
        )
    if n_rows % n_processes:
        raise ArgumentError(
            f"n_speakers * n_segments must be divisible by the {n_processes} "
            f"processes; got {n_rows}"
        )
    n_own = n_rows // n_processes
    return slice(rank * n_own, (rank + 1) * n_own)
