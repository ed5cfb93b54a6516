"""Embeddings of utterances.

- `embed`: one embedding per utterance, on this machine or on a cluster.
"""

import dataclasses
import functools
import itertools
import os
import pickle

import numpy as np

from .. import corpora, distances
from .._progress import progress_bar
from ..errors import ArgumentError
from ..features import Features, extract
from ..features.cluster import run_jobs, split_by_size
from ..sampling import segments
from .pretrained import encoder
from .segment_encoder import SegmentEncoder
from .table import Embeddings

_RECORDINGS = (str, os.PathLike, corpora.Corpus)
# Frames that are sent to a worker at a time: 4 MB with 128 bands.
_PIECE_FRAMES = 8192


def embed(
    model,
    features=None,
    *,
    layer=None,
    n_frames=None,
    hop_frames=None,
    batch_size=256,
    normalize=True,
    client=None,
):
    """Compute one embedding per utterance.

    There are two ways to call it:

    - ``embed(model, features)`` uses your own network, or an `encoder`.
    - ``embed(recordings)`` uses the pretrained encoder of siamlab. `recordings` is a
      path, a `Corpus` or `Features`.

    Each utterance is cut into segments. The embedding of each segment is scaled to unit
    length, so that no segment dominates (docs/doctor.md#s21). The mean over the
    segments is scaled to unit length again.

    Parameters
    ----------
    model : keras.Model, Encoder or OnnxEncoder
        A `SpeakerNet`, a `Siamese`, any functional or sequential model, or an encoder
        that computes its own spectrograms.
    features : Features or sequence of numpy.ndarray
        Shape (time, mel) each. An utterance that is shorter than a segment is repeated
        to fill it. An encoder also accepts a `Corpus`, or the path of a recording or of
        a folder of recordings (`corpora.recordings`). An `Encoder` removes their offset
        and brings them to one level. In features, both stay as they were extracted: use
        its ``spectrogram``.
    layer : str, optional
        Name of the layer whose output is the embedding. By default, the embedding is
        the output of the network (of ``model.encoder`` if there is one). For a
        classifier, which ends in a softmax or a `layers.CosineClassifier`, it is the
        output of the last layer that is recurrent, pools over time or scales to unit
        length.
    n_frames : int, optional
        Length of a segment in frames. The default is the input length of the network.
    hop_frames : int, optional
        Distance between the starts of adjacent segments, in frames. By default, the
        segments of a `keras.Model` do not overlap, and those of an `Encoder` overlap by
        half.
    batch_size : int
        Segments per batch.
    normalize : bool
        Whether segments and means are scaled to unit length. If False, the result is
        the plain mean, which leaves the probabilities of a softmax probabilities.
    client : distributed.Client, optional
        Client of a Dask cluster (``pip install "siamlab[cluster]"``). The network is
        sent to each worker once.

    Returns
    -------
    Embeddings
        float32, shape (utterances, dim), rows of unit length unless `normalize` is
        False. If `features` has a table of the utterances, the result has it as its
        attribute ``table``.

    Raises
    ------
    ArgumentError
        If there is no such layer, or its output is not one vector per segment; if there
        are no utterances, or one has the wrong number of bands; or if the network
        accepts segments of any length and `n_frames` is not given.
    CorpusError
        If a folder contains no recordings.
    WorkerError
        If the workers of a cluster fail; see `features.extract`.

    Examples
    --------
    >>> import siamlab as sl
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=2)
    >>> embed(corpus).shape
    (4, 128)
    >>> net = sl.networks.blstm_encoder(units=4, output_dim=3, head="unit")
    >>> embed(net, sl.extract(corpus)).shape
    (4, 3)
    """
    from threadpoolctl import threadpool_limits

    if features is None:
        if not isinstance(model, (*_RECORDINGS, Features)):
            raise ArgumentError(
                "call embed(model, features), or embed(recordings) with a path, a "
                f"Corpus or Features; got embed({type(model).__name__})"
            )
        model, features = encoder(), model
    if isinstance(model, SegmentEncoder):
        if layer is not None:
            raise ArgumentError(
                f"layer= needs a keras.Model; got layer={layer!r} for an encoder. Use "
                "embed(encoder.network(), features, layer=...) if it is an Encoder"
            )
        features = _encoder_features(features, model.spectrogram, client)
        bands = model.spectrogram.n_bins
        n_frames = model.n_frames if n_frames is None else n_frames
        hop_frames = model.hop_frames if hop_frames is None else hop_frames
    else:
        from .layers import extractor, segment_shape  # imports Keras

        model = extractor(model, layer)
        if isinstance(features, _RECORDINGS):
            raise ArgumentError(
                "a keras.Model needs features; compute them with "
                "siamlab.extract(corpus, spectrogram), with the spectrogram of the "
                "training set"
            )
        n_frames, bands = segment_shape(model, n_frames)
    # The first batch is computed here: invalid arguments fail before workers start.
    x, _ = next(batches(features, n_frames, bands, hop_frames, batch_size))
    settings = n_frames, x.shape[-1], hop_frames, batch_size, normalize
    # An encoder's matrix products are small: threads would wait for each other.
    n_threads = 1 if isinstance(model, SegmentEncoder) else None
    with threadpool_limits(n_threads, user_api="blas"):
        if client is None:
            tracked = progress_bar(features, description="embeddings", unit="utterance")
            rows = _embed(model, tracked, *settings)
        else:
            rows = _embed_on_cluster(model, features, settings, client)
    return Embeddings(
        rows, getattr(features, "table", None), getattr(features, "rejected", None)
    )


def _encoder_features(recordings, spectrogram, client):
    """Return the spectrograms of recordings for an encoder."""
    if isinstance(recordings, str | os.PathLike):
        recordings = corpora.recordings(recordings)
    if isinstance(recordings, corpora.Corpus):
        return extract(recordings, spectrogram, client=client)
    made = getattr(recordings, "spectrogram", None)
    level_db = spectrogram.level_db
    if made and dataclasses.replace(made, level_db=level_db) != spectrogram:
        raise ArgumentError(
            "the encoder needs features with its own spectrogram settings, "
            f"{spectrogram}; got {made}. Pass the corpus, or use siamlab.extract("
            "corpus, encoder.spectrogram), where encoder = siamlab.encoder()"
        )
    return recordings


def _embed(model, arrays, n_frames, bands, hop_frames, batch_size, normalize):
    """Embed with an `Encoder` or a Keras model; shape (utterances, dim)."""
    predict = getattr(model, "predict_on_batch", model)
    sums: np.ndarray = np.zeros(0)  # the size of an embedding is not known yet
    n_segments = np.zeros((len(arrays), 1))
    for x, owners in batches(arrays, n_frames, bands, hop_frames, batch_size):
        y = np.asarray(predict(x), dtype=np.float32)[: len(owners)]
        if not sums.size:
            sums = np.zeros((len(arrays), y.shape[-1]))
        np.add.at(sums, owners, distances.normalize(y) if normalize else y)
        np.add.at(n_segments, owners, 1)
    means = sums / n_segments
    return (distances.normalize(means) if normalize else means).astype(np.float32)


def _embed_on_cluster(model, features, settings, client):
    """Embed pieces of the features on a Dask cluster."""
    arrays = getattr(features, "arrays", features)
    # The workers of a cluster read shards by themselves.
    in_shards = getattr(features, "folder", None) is not None
    pieces = split_by_size([len(array) for array in arrays], _PIECE_FRAMES)
    # The workers load the layers of siamlab before they unpickle a Keras model.
    network = model if isinstance(model, SegmentEncoder) else pickle.dumps(model)

    def jobs():
        for rows in pieces:
            yield [arrays[i] if in_shards else arrays[i][:] for i in rows], settings

    sizes = [len(rows) for rows in pieces]
    return np.concatenate(
        run_jobs(_embed_piece, network, jobs(), sizes, "embeddings", client)
    )


def _embed_piece(network, job):
    arrays, settings = job
    model = network if isinstance(network, SegmentEncoder) else _load(network)
    return _embed(model, [array[:] for array in arrays], *settings)


@functools.lru_cache(maxsize=1)
def _load(network):
    """Load a Keras model from its pickle, once in each worker."""
    from .. import networks  # noqa: F401  registers the layers

    return pickle.loads(network)


def batches(features, n_frames, bands, hop_frames, batch_size):
    """Yield segments (batch_size, n_frames, bands), and the utterance of each.

    All batches have one size, so that Keras compiles once: the last one is padded with
    segments that belong to no utterance.
    """
    if batch_size < 1:
        raise ArgumentError(f"batch_size must be at least 1; got {batch_size}")
    if not len(features):
        raise ArgumentError("there is nothing to embed: features is empty")
    rest = _owned_segments(features, n_frames, bands, hop_frames)
    while chunk := list(itertools.islice(rest, batch_size)):
        found, owners = zip(*chunk, strict=True)
        x = np.zeros((batch_size, *found[0].shape), dtype=np.float32)
        np.stack(found, out=x[: len(found)])
        yield x, np.array(owners)


def _owned_segments(features, n_frames, bands, hop_frames):
    """Yield each segment, and the number of its utterance."""
    for utterance, array in enumerate(features):
        bands = np.shape(array)[-1] if bands is None else bands
        if np.shape(array)[1:] != (bands,):
            raise ArgumentError(
                f"each utterance must have shape (time, {bands}); got {np.shape(array)}"
            )
        for segment in segments(array, n_frames, hop_frames):
            yield segment, utterance
