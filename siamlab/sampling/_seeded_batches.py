"""Base classes of all batches of the library."""

import keras
import numpy as np

from ..errors import ArgumentError
from ..features.features import check_features
from ._arguments import check_minimum
from .segmentation import repeat


class SeededBatches(keras.utils.PyDataset):
    """Batches that depend only on the seed, the epoch and their index.

    By default, two threads prepare up to four batches ahead. With one worker, Keras
    prepares a batch only when it is needed (on JAX and PyTorch), or uses tf.data (on
    TensorFlow), whose tuning thread can delay the end of an epoch by as much time as
    the epoch took (benchmarks/README.md).
    """

    def __init__(self, seed, epoch=0, *, workers=2, max_queue_size=4, **kwargs):
        super().__init__(workers=workers, max_queue_size=max_queue_size, **kwargs)
        check_minimum(epoch=(epoch, 0))
        self.seed = seed
        self.epoch = epoch

    def generator(self, index):
        """Return the random generator of a batch; IndexError if there is none."""
        index = range(len(self))[index]
        return np.random.default_rng((self.seed, self.epoch, index))

    def on_epoch_end(self):
        """Advance to the next epoch; Keras calls it."""
        self.epoch += 1


class SegmentBatches(SeededBatches):
    """Batches of segments of `n_frames` frames, from utterances of many speakers.

    Attributes
    ----------
    names : numpy.ndarray
        Sorted names of the speakers.
    """

    def __init__(self, features, n_frames, seed, epoch=0, **kwargs):
        super().__init__(seed, epoch, **kwargs)
        check_minimum(n_frames=(n_frames, 1))
        check_features(features)
        self.features = features
        self.n_frames = n_frames
        self._lengths = features.lengths
        rows = features.table.groupby(features.speakers).indices
        self.names = np.array(list(rows))
        self._rows_of_speaker = list(rows.values())
        if len(rows) < 2:
            raise ArgumentError(
                "features must have at least 2 speakers; got "
                f"{len(rows)} ({', '.join(rows)})"
            )

    def _set_steps(self, steps_per_epoch, segments_per_batch):
        """Set the steps; by default, an epoch has as many segments as the corpus."""
        if steps_per_epoch is None:
            n_segments = np.maximum(self._lengths // self.n_frames, 1).sum()
            steps_per_epoch = max(1, round(n_segments / segments_per_batch))
        check_minimum(steps_per_epoch=(steps_per_epoch, 1))
        self.steps_per_epoch = steps_per_epoch

    def __len__(self):
        return self.steps_per_epoch

    def _cut(self, row, start):
        if self._lengths[row] < self.n_frames:
            return repeat(self.features[row], self.n_frames)
        return self.features.cut(row, start, self.n_frames)
