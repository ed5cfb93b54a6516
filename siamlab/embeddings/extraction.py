"""Spectrograms -> embeddings."""

from weakref import WeakKeyDictionary

import keras
import numpy as np

from ..errors import ArgumentError
from ..progress import track
from ..sampling import segments
from .proof import check_extractor

# Keras compiles a model on its first prediction, which takes longer than to embed a
# hundred utterances: the same extractor is handed out as long as its network lives.
_EXTRACTORS: WeakKeyDictionary = WeakKeyDictionary()


def extractor(net, layer="blstm_2"):
    """Take the part of a network up to a layer.

    The layers are the same objects as in `net`, so that their weights are those
    that were trained (FAULTS S19).

    Parameters
    ----------
    net : keras.Model
        A `SpeakerNet`, or any functional model.
    layer : str or None
        Whose output is the embedding; None for the network's own output.

    Returns
    -------
    keras.Model
        (batch, frames, bands) -> (batch, dim).

    Raises
    ------
    ArgumentError
        If there is no such layer.
    """
    base = getattr(net, "base", net)
    if layer is None:
        return base
    names = [each.name for each in base.layers]
    if layer not in names:
        raise ArgumentError(
            f"the network has no layer {layer!r}; its layers are {', '.join(names)}"
        )
    known = _EXTRACTORS.setdefault(base, {})
    if layer not in known:
        known[layer] = keras.Model(base.input, base.get_layer(layer).output)
    return known[layer]


def embed(
    net,
    features,
    *,
    layer="blstm_2",
    extractor=None,
    frames=None,
    hop=None,
    batch_size=256,
):
    """Embed each utterance: segments, the network, normalise, average, normalise.

    Parameters
    ----------
    net : keras.Model
        A `SpeakerNet`, or any functional model.
    features : Features or sequence of numpy.ndarray
        Shape (frames, bands) each. An utterance shorter than a segment is
        repeated until it is one.
    layer : str or None
        Whose output is the embedding; None for the network's own output.
    extractor : keras.Model, optional
        An extraction network of your own, in place of `layer`. It is tried on the
        first segments and refused unless it gives what a layer of `net` gives, as
        one with fresh weights does not (FAULTS S19); see `check_extractor`.
    frames : int, optional
        Length of a segment; what the network takes by default.
    hop : int, optional
        From one segment to the next; they do not overlap by default.
    batch_size : int
        Segments at a time.

    Returns
    -------
    numpy.ndarray
        float32, shape (utterances, dim), rows of unit length. Each segment's
        vector is brought to unit length before the mean is taken, so that no
        segment rules it (FAULTS S21).

    Raises
    ------
    ArgumentError
        If there is no such layer or its output is no vector, if an extractor does
        not have the weights that were trained, if there is no
        utterance or one of other bands, or if the network takes any length and
        `frames` was not given.
    """
    own = extractor is not None
    model = extractor if own else _extractor(net, layer)
    if len(model.output_shape) != 2:
        raise ArgumentError(
            f"an embedding is one vector per segment; the output of {layer!r} has "
            f"shape {model.output_shape}. Take a layer that comes after it"
        )
    sums = np.zeros((len(features), model.output_shape[-1]), dtype=np.float64)
    for x, owners in batches(model, features, frames, hop, batch_size):
        if own:
            check_extractor(net, extractor, x[: len(owners)])
            own = False
        # Of one size always, so that Keras compiles once.
        y = np.asarray(model.predict_on_batch(x), dtype=np.float32)[: len(owners)]
        np.add.at(sums, owners, unit(y))
    return unit(sums).astype(np.float32)


# In `embed` the name is an argument's.
_extractor = extractor


def unit(rows):
    """Bring rows to length 1; what is 0 stays 0."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)


def batches(model, features, frames=None, hop=None, batch_size=256):
    """Segments (batch_size, frames, bands) for a model, and the utterance of each.

    The last batch is filled up with what counts for no utterance.
    """
    _, length, bands = model.input_shape
    frames = length if frames is None else frames
    if frames is None:
        raise ArgumentError(
            "the network takes segments of any length; say which with frames=40"
        )
    if length not in (None, frames):
        raise ArgumentError(
            f"the network takes segments of {length} frames; got frames={frames}. "
            "Leave it away, or build the network with frames=None"
        )
    if batch_size < 1:
        raise ArgumentError(f"batch_size must be at least 1; got {batch_size}")
    if not len(features):
        raise ArgumentError("there is nothing to embed: features is empty")
    bands = np.shape(features[0])[-1] if bands is None else bands
    return _batches(features, frames, bands, hop, batch_size)


def _batches(features, frames, bands, hop, batch_size):
    x, n = np.zeros((batch_size, frames, bands), dtype=np.float32), 0
    owners = np.empty(batch_size, dtype=int)
    utterances = track(features, description="embeddings", unit="utterance")
    for utterance, array in enumerate(utterances):
        if np.shape(array)[1:] != (bands,):
            raise ArgumentError(
                f"utterance {utterance} has shape {np.shape(array)}; the network "
                f"takes (frames, {bands})"
            )
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
