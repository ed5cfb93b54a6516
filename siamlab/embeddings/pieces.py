"""Embed a corpus in pieces on a Dask cluster."""

import functools
import pickle
from contextlib import closing

import numpy as np

from .._progress import progress_bar
from ..features.arrays import Arrays
from ..features.jobs import run_jobs
from .averaging import average, vector_function
from .pretrained import Encoder

# Size of the spectrograms that are sent to a worker at a time.
_PIECE_BYTES = 4 * 2**20


def embed_pieces(net, dim, features, settings, client):
    """Embed with an `Encoder` or a Keras model; shape (utterances, dim)."""
    arrays = getattr(features, "arrays", None)
    arrays = Arrays(features) if arrays is None else arrays
    # The workers of a cluster read shards by themselves.
    in_shards = getattr(features, "folder", None) is not None
    pieces = split_by_size(arrays.lengths * settings["bands"] * 4, _PIECE_BYTES)
    # The workers load the layers of siamlab before they unpickle a Keras model.
    network = net if isinstance(net, Encoder) else pickle.dumps(net)

    def jobs():
        for rows in pieces:
            piece = arrays.take(rows) if in_shards else [arrays[i] for i in rows]
            yield piece, settings

    embeddings = np.zeros((len(arrays), dim), dtype=np.float32)
    work = run_jobs(_embed_piece, network, jobs(), client)
    bar = progress_bar(total=len(arrays), description="embeddings", unit="utterance")
    with closing(work), bar:
        for index, rows in work:
            embeddings[pieces[index]] = rows
            bar.update(len(rows))
    return embeddings


def split_by_size(sizes, limit):
    """Split positions into runs of about `limit` bytes each."""
    ends = np.cumsum(sizes)
    run = (ends - sizes) // limit
    return np.split(np.arange(len(sizes)), np.flatnonzero(np.diff(run)) + 1)


def _embed_piece(network, arrays, settings):
    model = network if isinstance(network, Encoder) else _load(network)
    (rows,) = average(vector_function(model), arrays, **settings)
    return rows


@functools.lru_cache(maxsize=1)
def _load(network):
    """Load a Keras model from its pickle, once in each worker."""
    from .. import networks  # noqa: F401  registers the layers

    return pickle.loads(network)
