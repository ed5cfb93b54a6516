"""Embeddings of utterances."""

import dataclasses
import os

from .. import corpora
from .._progress import progress_bar
from ..errors import ArgumentError
from ..features import Features, extract
from .averaging import average, batches, vector_function
from .pieces import embed_pieces
from .pretrained import Encoder, encoder
from .table import Embeddings

_RECORDINGS = (str, os.PathLike, corpora.Corpus)


def embed(
    model,
    features=None,
    *,
    layer=None,
    n_frames=None,
    hop_frames=None,
    batch_size=256,
    client=None,
):
    """Compute one embedding per utterance.

    There are two ways to call it:

    - ``embed(model, features)`` uses your own network, or an `Encoder`.
    - ``embed(recordings)`` uses the pretrained encoder of siamlab. `recordings` is a
      path, a `Corpus` or `Features`.

    Each utterance is cut into segments. The embedding of each segment is scaled to unit
    length, so that no segment dominates (docs/doctor.md#s21). The mean over the
    segments is scaled to unit length again.

    Parameters
    ----------
    model : keras.Model or Encoder
        A `SpeakerNet`, a `Siamese`, any functional or sequential model, or an
        `Encoder`.
    features : Features or sequence of numpy.ndarray
        Shape (time, mel) each. An utterance that is shorter than a segment is repeated
        to fill it. An `Encoder` computes its own spectrograms and therefore also
        accepts a `Corpus`, or the path of a recording or of a folder of recordings
        (`corpora.recordings`). It removes their offset and brings them to one level.
        In features, both stay as they were extracted: use its ``spectrogram``.
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
    client : distributed.Client, optional
        Client of a Dask cluster (``pip install "siamlab[cluster]"``). The network is
        sent to each worker once.

    Returns
    -------
    Embeddings
        float32, shape (utterances, dim), rows of unit length. If `features` has a
        table of the utterances, the result has it as its attribute ``table``.

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
    if isinstance(model, Encoder):
        if layer is not None:
            raise ArgumentError(
                f"layer= is not supported for an Encoder; got layer={layer!r}. Use "
                "embed(encoder.network(), features, layer=...)"
            )
        features = _encoder_features(features, model.spectrogram, client)
        dim, bands = model.dim, model.spectrogram.n_bins
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
        dim = model.output_shape[-1]
        n_frames, bands = segment_shape(model, n_frames)
    # The first batch is computed here: invalid arguments fail before workers start.
    x, _ = next(batches(features, n_frames, bands, hop_frames, batch_size))
    settings = {
        "n_frames": n_frames,
        "bands": x.shape[-1],
        "hop_frames": hop_frames,
        "batch_size": batch_size,
    }
    # An encoder's matrix products are small: threads would wait for each other.
    n_threads = 1 if isinstance(model, Encoder) else None
    with threadpool_limits(n_threads, user_api="blas"):
        if client is None:
            tracked = progress_bar(features, description="embeddings", unit="utterance")
            (rows,) = average(vector_function(model), tracked, **settings)
        else:
            rows = embed_pieces(model, dim, features, settings, client)
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
