"""Spectrograms -> embeddings."""

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
    folder=None,
):
    """Embed utterances with a network, or recordings with the shipped encoder.

    There are two forms, told apart by type:

    - ``embed(model, features)`` embeds with a network of your own or an `Encoder`.
    - ``embed(recordings)`` embeds with the encoder that comes with siamlab. Recordings
      are a path, a `Corpus` or `Features`.

    An utterance is cut into segments. Each segment's vector is scaled to unit length,
    so that no segment dominates (docs/doctor.md#s21); the vectors are averaged, and the
    mean is scaled to unit length.

    Parameters
    ----------
    model : keras.Model or Encoder
        A `SpeakerNet`, a `Siamese`, or any functional or sequential model.
    features : Features or sequence of numpy.ndarray
        Shape (time, mel) each. An utterance shorter than a segment is repeated. For an
        `Encoder`, which makes its own spectrograms, also a `Corpus`, or the path of a
        recording or of a folder of recordings (`corpora.folder`).
    layer : str, optional
        Name of the layer whose output is the embedding. The default is the output of
        the network (of ``model.encoder`` if there is one). The exception is a
        classifier, which ends in a softmax or a `layers.CosineClassifier`: there it is
        the last layer before the output that scales to unit length, pools over time or
        is recurrent.
    n_frames : int, optional
        Length of a segment. The default is what the network takes.
    hop_frames : int, optional
        Frames from one segment to the next. By default the segments of a
        `keras.Model` do not overlap, and those of an `Encoder` overlap by half.
    batch_size : int
        Segments per batch.
    client : distributed.Client, optional
        Client of a Dask cluster (``pip install "siamlab[cluster]"``). Each worker gets
        the network once.
    folder : str or os.PathLike, optional
        Folder that keeps finished rows. The same call, repeated after an interruption,
        computes only what is missing.

    Returns
    -------
    Embeddings
        float32, shape (utterances, dim), rows of unit length. An array that also has
        the table of the utterances, if `features` has one.

    Raises
    ------
    ArgumentError
        If there is no such layer or its output is not one vector per segment, if there
        is no utterance or one with another number of bands, or if the network takes
        segments of any length and `n_frames` is missing.
    CorpusError
        If a folder has no recordings.
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
                "embed takes embed(model, features), or embed(recordings) with a path, "
                f"a Corpus or Features; got embed({type(model).__name__})"
            )
        model, features = encoder(), model
    if isinstance(model, Encoder):
        if layer is not None:
            raise ArgumentError(
                f"an Encoder has no choice of layers; got layer={layer!r}. Use "
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
                "a keras.Model takes features; make them with siamlab.extract(corpus, "
                "spectrogram), with the spectrogram of its training set"
            )
        dim = model.output_shape[-1]
        n_frames, bands = segment_shape(model, n_frames)
    # The first batch is made here so that wrong arguments fail before workers start.
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
        if client is None and folder is None:
            tracked = progress_bar(features, description="embeddings", unit="utterance")
            (rows,) = average(vector_function(model), tracked, **settings)
        else:
            rows = embed_pieces(model, dim, features, settings, client, folder)
    return Embeddings(
        rows, getattr(features, "table", None), getattr(features, "rejected", None)
    )


def _encoder_features(recordings, spectrogram, client):
    """Return the spectrograms of whatever an encoder was given."""
    if isinstance(recordings, str | os.PathLike):
        recordings = corpora.recordings(recordings)
    if isinstance(recordings, corpora.Corpus):
        return extract(recordings, spectrogram, client=client)
    made = getattr(recordings, "spectrogram", None)
    if made is not None and made != spectrogram:
        raise ArgumentError(
            f"the encoder needs features of its own spectrogram, {spectrogram}; got "
            f"{made}. Hand over the corpus, or use siamlab.extract(corpus, "
            "encoder.spectrogram)"
        )
    return recordings
