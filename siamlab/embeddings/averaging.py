"""From segments to one row for each utterance."""

import numpy as np

from ..errors import ArgumentError
from ..sampling import segments


def average(function, features, frames, hop, bands=None, batch_size=256):
    """Mean over the segments of each utterance, rows of unit length, float32."""
    sums = np.zeros(())
    for x, owners in batches(features, frames, bands, hop, batch_size):
        y = np.asarray(function(x), dtype=np.float32)[: len(owners)]
        if not sums.ndim:
            sums = np.zeros((len(features), y.shape[-1]), dtype=np.float64)
        np.add.at(sums, owners, unit(y))
    return unit(sums).astype(np.float32)


def unit(rows):
    """Bring rows to length 1; what is 0 stays 0."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)


def check_bands(utterance, array, bands):
    """Refuse an utterance that the network does not take."""
    if np.shape(array)[1:] != (bands,):
        raise ArgumentError(
            f"utterance {utterance} has shape {np.shape(array)}; the network "
            f"takes (frames, {bands})"
        )


def batches(features, frames, bands=None, hop=None, batch_size=256):
    """Segments (batch_size, frames, bands) for a model, and the utterance of each.

    The last batch is filled up with what counts for no utterance.
    """
    if batch_size < 1:
        raise ArgumentError(f"batch_size must be at least 1; got {batch_size}")
    if not len(features):
        raise ArgumentError("there is nothing to embed: features is empty")
    bands = np.shape(features[0])[-1] if bands is None else bands
    return _batches(features, frames, bands, hop, batch_size)


def _batches(features, frames, bands, hop, batch_size):
    x, n = np.zeros((batch_size, frames, bands), dtype=np.float32), 0
    owners = np.empty(batch_size, dtype=int)
    for utterance, array in enumerate(features):
        check_bands(utterance, array, bands)
        pieces = segments(array, frames, hop)
        while len(pieces):
            taken = pieces[: batch_size - n]
            x[n : n + len(taken)] = taken
            owners[n : n + len(taken)] = utterance
            n += len(taken)
            pieces = pieces[len(taken) :]
            if n == batch_size:
                yield x, owners
                n = 0
    if n:
        yield x, owners[:n]
