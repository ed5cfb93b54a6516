"""From segments to one row for each utterance."""

import numpy as np

from ..distances import normalize
from ..errors import ArgumentError
from ..sampling import segments


def average(function, features, n_frames, bands=None, hop_frames=None, batch_size=256):
    """Average the normalized vectors of each utterance's segments, and normalize.

    Parameters
    ----------
    function : callable
        Maps segments (batch_size, n_frames, bands) to a list of arrays (batch_size,
        dim).
    features : iterable of numpy.ndarray
        Utterances, shape (time, mel) each; must have a length.
    n_frames, bands, hop_frames, batch_size : int
        As for `batches`.

    Returns
    -------
    list of numpy.ndarray
        For each output of the function: float32, shape (utterances, dim).
    """
    sums: list = []
    for x, owners in batches(features, n_frames, bands, hop_frames, batch_size):
        outputs = [np.asarray(y, dtype=np.float32) for y in function(x)]
        sums = sums or [np.zeros((len(features), y.shape[-1])) for y in outputs]
        for total, y in zip(sums, outputs, strict=True):
            np.add.at(total, owners, normalize(y[: len(owners)]))
    return [normalize(total).astype(np.float32) for total in sums]


def vector_function(model):
    """Return what `average` calls: a Keras model's prediction, or an encoder itself."""
    predict = getattr(model, "predict_on_batch", model)
    return lambda x: [predict(x)]


def batches(features, n_frames, bands=None, hop_frames=None, batch_size=256):
    """Yield segments (batch_size, n_frames, bands), and the utterance of each.

    All batches have one size, so that Keras compiles once: the last one is padded with
    segments that belong to no utterance.
    """
    if batch_size < 1:
        raise ArgumentError(f"batch_size must be at least 1; got {batch_size}")
    if not len(features):
        raise ArgumentError("there is nothing to embed: features is empty")
    x, n = None, 0
    owners = np.empty(batch_size, dtype=int)
    for utterance, array in enumerate(features):
        if x is None:
            bands = np.shape(array)[-1] if bands is None else bands
            x = np.zeros((batch_size, n_frames, bands), dtype=np.float32)
        if np.shape(array)[1:] != (bands,):
            raise ArgumentError(
                f"each utterance must have shape (time, {bands}); got {np.shape(array)}"
            )
        rest = segments(array, n_frames, hop_frames)
        while len(rest):
            taken, rest = rest[: batch_size - n], rest[batch_size - n :]
            x[n : n + len(taken)] = taken
            owners[n : n + len(taken)] = utterance
            n += len(taken)
            if n == batch_size:
                yield x, owners
                n = 0
    if n:
        yield x, owners[:n]
