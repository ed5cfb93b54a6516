"""Spectrograms -> embeddings."""

import os
from contextlib import nullcontext
from weakref import WeakKeyDictionary

from .. import corpora
from .._progress import progress_bar
from ..errors import ArgumentError
from ..features import extract
from .averaging import average, batches
from .pieces import embed_pieces
from .pretrained import Encoder, encoder
from .table import Embeddings

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
        import keras

        known[layer] = keras.Model(base.input, base.get_layer(layer).output)
    return known[layer]


def embed(
    net,
    features=None,
    *,
    layer="blstm_2",
    extractor=None,
    n_frames=None,
    hop_frames=None,
    batch_size=256,
    client=None,
    folder=None,
):
    """Embed each utterance: segments, the network, normalize, average, normalize.

    ``embed(recordings)`` takes the encoder that comes with siamlab.

    Parameters
    ----------
    net : keras.Model or Encoder
        A `SpeakerNet`, or any functional model. May be left away.
    features : Features or sequence of numpy.ndarray
        Shape (frames, bands) each. An utterance shorter than a segment is
        repeated until it is one. For an encoder, which knows its spectrogram, also a
        `Corpus`, or the folder or the file of recordings (`corpora.folder`).
    layer : str or None
        Whose output is the embedding; None for the network's own output. An encoder
        has one only.
    extractor : keras.Model, optional
        An extraction network of your own, in place of `layer`. It is tried on the
        first segments and refused unless it gives what a layer of `net` gives, as
        one with fresh weights does not (FAULTS S19); see `check_extractor`.
    n_frames : int, optional
        Length of a segment; what the network takes by default.
    hop_frames : int, optional
        From one segment to the next; they do not overlap by default, those of an
        encoder by half.
    batch_size : int
        Segments at a time.
    client : distributed.Client, optional
        Of a Dask cluster (``pip install "siamlab[cluster]"``), whose workers get the
        network once, and the utterances piece by piece; of shards (see
        `features.extract`) only where they lie.
    folder : str or os.PathLike, optional
        Where rows are kept as they are made: what was interrupted or killed goes on
        when it is called again.

    Returns
    -------
    Embeddings
        float32, shape (utterances, dim), rows of unit length; an array that knows the
        table of its utterances where there is one. Each segment's vector is brought to
        unit length before the mean is taken, so that no segment rules it (FAULTS S21).

    Raises
    ------
    ArgumentError
        If there is no such layer or its output is no vector, if an extractor does
        not have the weights that were trained, if there is no
        utterance or one of other bands, or if the network takes any length and
        `n_frames` was not given.
    CorpusError
        If a folder holds no recording.
    WorkerError
        If the workers of a cluster cannot do it; see `features.extract`.

    Examples
    --------
    >>> import siamlab as sl
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=2)
    >>> embed(corpus).shape
    (4, 128)
    """
    from threadpoolctl import threadpool_limits

    if features is None:
        net, features = encoder(), net
    if isinstance(net, Encoder):
        if extractor is not None:
            raise ArgumentError("an encoder needs no extractor; leave it away")
        features = _features(features, net.spectrogram, client)
        model, dim, bands = net, net.dim, net.spectrogram.n_bins
        n_frames = net.n_frames if n_frames is None else n_frames
        hop_frames = net.hop_frames if hop_frames is None else hop_frames
    else:
        model, n_frames, bands = _model(net, layer, extractor, n_frames)
        dim = model.output_shape[-1]
    # Says what cannot be embedded, before any worker is asked.
    x, owners = next(batches(features, n_frames, bands, hop_frames, batch_size))
    settings = {
        "frames": n_frames,
        "hop": hop_frames,
        "bands": x.shape[-1],
        "batch_size": batch_size,
    }
    if extractor is not None:
        from .proof import check_extractor

        check_extractor(net, extractor, x[: len(owners)])
    encoding = isinstance(net, Encoder)
    # Products of an encoder are small: threads would wait for each other.
    with threadpool_limits(1, user_api="blas") if encoding else nullcontext():
        if client is None and folder is None:
            function = getattr(model, "predict_on_batch", model)
            tracked = progress_bar(features, description="embeddings", unit="utterance")
            rows = average(function, tracked, **settings)
        else:
            rows = embed_pieces(model, dim, features, settings, client, folder)
    return Embeddings(
        rows, getattr(features, "table", None), getattr(features, "rejected", None)
    )


def _features(recordings, spectrogram, client):
    """Spectrograms of whatever an encoder was given."""
    if isinstance(recordings, str | os.PathLike):
        recordings = corpora.recordings(recordings)
    if isinstance(recordings, corpora.Corpus):
        return extract(recordings, spectrogram, client=client)
    made = getattr(recordings, "spectrogram", None)
    if made is not None and made != spectrogram:
        raise ArgumentError(
            f"the encoder hears {spectrogram}; these features are {made}. Hand it the "
            "corpus, or make them with siamlab.extract(corpus, encoder.spectrogram)"
        )
    return recordings


def _model(net, layer, extractor, frames):
    """Part of a Keras network that gives the rows; frames and bands of its segments."""
    model = extractor if extractor is not None else _extractor(net, layer)
    if len(model.output_shape) != 2:
        raise ArgumentError(
            f"an embedding is one vector per segment; the output of {layer!r} has "
            f"shape {model.output_shape}. Take a layer that comes after it"
        )
    # Batches are of one size always, so that Keras compiles once.
    return model, *segment_shape(model, frames)


# In `embed` the name is an argument's.
_extractor = extractor


def segment_shape(model, frames=None):
    """Frames and bands of the segments that a model takes; bands None for any."""
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
    return frames, bands
