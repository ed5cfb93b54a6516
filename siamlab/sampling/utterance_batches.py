"""Batches of whole utterances, padded to one length."""

import numpy as np

from ..errors import ArgumentError
from ._arguments import check_minimum
from ._seeded_batches import SeededBatches


class UtteranceBatches(SeededBatches):
    """Batches of whole utterances with labels, padded with silence (see `pad`).

    Use it to train phone recognizers, with one label per phone (CTC) or per frame.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        Shape (time, mel) each.
    labels : sequence of numpy.ndarray
        Integers, shape (labels,) each.
    batch_size : int
        Utterances per batch; the last batch of an epoch may be smaller.
    shuffle : bool
        Use a new random order in each epoch, drawn with the seed ``(seed, epoch)``
        (fault C24, `docs/doctor.md#c24`).
    seed : int
        Seed of the order.
    **kwargs
        As for `keras.utils.PyDataset`; by default, ``workers=2, max_queue_size=4``.

    Raises
    ------
    ArgumentError
        If the numbers of utterances and of labels differ, or `batch_size` is below 1.

    Examples
    --------
    >>> x = [np.ones((50, 8)), np.ones((30, 8))]
    >>> inputs, labels = UtteranceBatches(x, [[1, 2], [3]], shuffle=False)[0]
    >>> inputs["spectrogram"].shape, inputs["frames"].tolist(), labels.tolist()
    ((2, 50, 8), [50, 30], [[1, 2], [3, -1]])
    """

    _padding: float | None = None  # of spectrograms, as the value of `pad`

    def __init__(self, features, labels, batch_size=16, shuffle=True, seed=0, **kwargs):
        super().__init__(seed, **kwargs)
        if len(features) != len(labels) or not len(labels):
            raise ArgumentError(
                "features and labels must have the same number of utterances, at least "
                f"1; got {len(features)} and {len(labels)}"
            )
        check_minimum(batch_size=(batch_size, 1))
        self.features = features
        self.labels = labels
        self.batch_size = batch_size
        self.shuffle = shuffle
        self._order = self._draw_order()

    def _draw_order(self):
        n = len(self.labels)
        if not self.shuffle:
            return np.arange(n)
        return np.random.default_rng((self.seed, self.epoch)).permutation(n)

    def __len__(self):
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index):
        """Return a dictionary with "spectrogram" and "frames", and the labels."""
        index = range(len(self))[index]  # IndexError ends a for-loop
        rows = self._order[index * self.batch_size :][: self.batch_size]
        arrays = [self.features[int(row)] for row in rows]
        labels = [np.asarray(self.labels[row]) for row in rows]
        # Keras inspects two batches, and treats an axis that has the same length in
        # both as fixed. Therefore even and odd lengths alternate.
        odd = index % 2
        padded, frames = pad(arrays, self._padding, _longest(arrays, odd))
        labels, _ = pad(labels, value=-1, length=_longest(labels, odd), dtype=np.int32)
        return {"spectrogram": padded, "frames": frames}, labels

    def on_epoch_end(self):
        """Advance to the order of the next epoch; Keras calls it."""
        super().on_epoch_end()
        self._order = self._draw_order()


def _longest(arrays, odd):
    """Length of the longest array, or one more to make it even or odd."""
    longest = max(map(len, arrays))
    return longest + (longest % 2 != odd)


def pad(arrays, value=None, length=None, dtype=np.float32):
    """Pad arrays at the end to the same length.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        Shape (time, ...) each.
    value : float, optional
        Padding value; by default, the lowest value of all arrays, which is silence in a
        spectrogram, whether scaled or not. Zeros would be a very loud sound in
        decibels, and medium-level speech after min-max scaling (faults C2 and C3,
        `docs/doctor.md#c2`).
    length : int, optional
        Length after padding; that of the longest array by default.
    dtype : numpy.dtype
        Data type of the result.

    Returns
    -------
    padded : numpy.ndarray
        Shape (arrays, length, ...).
    frames : numpy.ndarray
        The original lengths, int32, shape (arrays,). Pass them to the network, which
        otherwise treats padding as sound.

    Raises
    ------
    ArgumentError
        If there are no arrays, or one is longer than `length`.

    Examples
    --------
    >>> padded, frames = pad([np.array([[-60.0], [-80.0]]), np.array([[-70.0]])])
    >>> padded[:, :, 0].tolist(), frames.tolist()
    ([[-60.0, -80.0], [-70.0, -80.0]], [2, 1])
    """
    if not len(arrays):
        raise ArgumentError("arrays must contain at least one array; got none")
    frames = np.array([len(array) for array in arrays], dtype=np.int32)
    length = frames.max() if length is None else length
    check_minimum(length=(length, frames.max()))
    if value is None:
        value = min(np.min(array) for array in arrays if np.size(array))
    padded = np.full((len(arrays), length, *np.shape(arrays[0])[1:]), value, dtype)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded, frames
