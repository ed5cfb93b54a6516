"""Whole utterances, filled up to one length."""

import numpy as np

from ..errors import ArgumentError
from ._ahead import DrawnAhead


class UtteranceBatches(DrawnAhead):
    """Whole utterances with their labels, padded with silence (see `pad`).

    For networks of phones: labels of CTC, one for each symbol, or of single
    frames, one for each.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        Shape (frames, bands) each.
    labels : sequence of numpy.ndarray
        Of int, shape (labels,) each.
    batch_size : int
        Utterances at a time; the last batch of an epoch may be smaller.
    shuffle : bool
        Another order in each epoch, drawn from ``(seed, epoch)`` (FAULTS C24).
    seed : int
        Of the order.
    **kwargs
        As for `keras.utils.PyDataset`; by default two workers, which are threads, and
        four batches that lie ready.

    Raises
    ------
    ArgumentError
        If there are not as many labels as utterances, or `batch_size` is below 1.

    Examples
    --------
    >>> x = [np.ones((50, 8)), np.ones((30, 8))]
    >>> inputs, labels = UtteranceBatches(x, [[1, 2], [3]], shuffle=False)[0]
    >>> inputs["spectrogram"].shape, inputs["frames"].tolist(), labels.tolist()
    ((2, 50, 8), [50, 30], [[1, 2], [3, -1]])
    """

    def __init__(self, features, labels, batch_size=16, shuffle=True, seed=0, **kwargs):
        super().__init__(**kwargs)
        if len(features) != len(labels) or not len(labels):
            raise ArgumentError(
                "there must be labels for each utterance; got "
                f"{len(features)} utterances and {len(labels)} labels"
            )
        if batch_size < 1:
            raise ArgumentError(f"batch_size must be at least 1; got {batch_size}")
        self._features = features
        self._labels = labels
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self._epoch = 0
        self._order: tuple = (None, None)

    def __len__(self):
        return -(-len(self._labels) // self.batch_size)

    def __getitem__(self, index):
        """Return a dictionary of "spectrogram" and "frames", and labels."""
        index = range(len(self))[index]
        rows = self._rows(index * self.batch_size, (index + 1) * self.batch_size)
        arrays = [self._features[int(row)] for row in rows]
        labels = [np.asarray(self._labels[row]) for row in rows]
        # Keras looks at two batches to learn which axes vary, and takes one that is
        # alike in both for fixed: even lengths and odd ones take turns.
        odd = index % 2
        padded, frames = pad(arrays, length=_parity(arrays, odd))
        labels, _ = pad(labels, value=-1, length=_parity(labels, odd), dtype=np.int32)
        return {"spectrogram": padded, "frames": frames}, labels

    def _rows(self, first, stop):
        if not self.shuffle:
            return np.arange(first, min(stop, len(self._labels)))
        # Drawn once for an epoch: a batch shall not cost more where there are more.
        epoch, order = self._order
        if epoch != self._epoch:
            rng = np.random.default_rng((self.seed, self._epoch))
            epoch, order = self._epoch, rng.permutation(len(self._labels))
            self._order = (epoch, order)
        return order[first:stop]

    def on_epoch_end(self):
        """Go on to the next epoch's order; Keras calls it."""
        self._epoch += 1


def _parity(arrays, odd):
    """Length of the longest, or one more."""
    longest = max(len(array) for array in arrays)
    return longest + (longest % 2 != odd)


def pad(arrays, value=None, length=None, dtype=np.float32):
    """Fill arrays up to one length, at their ends.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        Shape (frames, ...) each.
    value : float, optional
        What they are filled with; by default the lowest value of all, which in a
        spectrogram is silence, scaled or not. 0 is the loudest sound there is in
        decibels that are all negative, and speech of medium level after min-max
        (FAULTS C2, C3).
    length : int, optional
        To which they are filled up; that of the longest by default.
    dtype : numpy.dtype
        Of the result.

    Returns
    -------
    padded : numpy.ndarray
        Shape (arrays, length, ...).
    frames : numpy.ndarray
        int32, shape (arrays,): how long each of them was. A network that is not
        told takes padding for sound.

    Raises
    ------
    ArgumentError
        If there is no array, or one is longer than `length`.

    Examples
    --------
    >>> padded, frames = pad([np.array([[-60.0], [-80.0]]), np.array([[-70.0]])])
    >>> padded[:, :, 0].tolist(), frames.tolist()
    ([[-60.0, -80.0], [-70.0, -80.0]], [2, 1])
    """
    if not len(arrays):
        raise ArgumentError("pad needs at least one array; got none")
    frames = np.array([len(array) for array in arrays], dtype=np.int32)
    length = frames.max() if length is None else length
    if length < frames.max():
        raise ArgumentError(
            f"length must be that of the longest, {frames.max()}, at least; got "
            f"{length}"
        )
    if value is None:
        value = min(np.min(array) for array in arrays if np.size(array))
    padded = np.full((len(arrays), length, *np.shape(arrays[0])[1:]), value, dtype)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded, frames
