"""Embed a corpus in pieces: on a cluster, or with results stored in a folder."""

import functools
import json
import pickle
from contextlib import closing
from pathlib import Path

import numpy as np

from .. import _files
from .._progress import progress_bar
from ..features.arrays import Arrays
from ..features.jobs import run_jobs
from .averaging import average, vector_function
from .pretrained import Encoder

# Increase it whenever the same network and frames give other embeddings.
_EDITION = 2
# Size of the spectrograms that are sent to a worker at a time.
_PIECE_BYTES = 4 * 2**20


def embed_pieces(net, dim, features, settings, client=None, folder=None):
    """Embed with an `Encoder` or a Keras model; shape (utterances, dim)."""
    arrays = getattr(features, "arrays", None)
    arrays = Arrays(features) if arrays is None else arrays
    # The workers of a cluster read shards by themselves.
    in_shards = getattr(features, "folder", None) is not None
    pieces = split_by_size(arrays.lengths * settings["bands"] * 4, _PIECE_BYTES)
    # The workers load the layers of siamlab before they unpickle a Keras model.
    network = net if isinstance(net, Encoder) else pickle.dumps(net)
    store = None if folder is None else (str(Path(folder).absolute()), _key(net))

    def jobs():
        for rows in pieces:
            piece = arrays.take(rows) if in_shards else [arrays[i] for i in rows]
            yield piece, settings, store

    embeddings = np.zeros((len(arrays), dim), dtype=np.float32)
    # One job at a time: the network uses all cores by itself.
    work = run_jobs(_embed_piece, network, jobs(), client, n_jobs=1)
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


def _embed_piece(network, arrays, settings, store):
    """Embed some utterances, unless their embeddings are stored already."""
    path = None
    if store is not None:
        folder, key = store
        arrays = [np.asarray(array) for array in arrays]
        # The size of a batch changes rounding only.
        relevant = {k: v for k, v in settings.items() if k != "batch_size"}
        content = [p for x in arrays for p in (str(x.dtype), x.shape, x.tobytes())]
        key = _files.digest(_EDITION, key, relevant, *content)
        path = Path(folder, f"{key}.npy")
        rows = _files.open_array(path)
        if rows is not None:
            return np.array(rows)
    model = network if isinstance(network, Encoder) else _load(network)
    (rows,) = average(vector_function(model), arrays, **settings)
    if path is not None:
        _files.save_array(path, rows)
    return rows


def _key(net):
    """Compute a key from the weights and the architecture of a network."""
    if isinstance(net, Encoder):
        named = dict(sorted(net.weights.items()))
        config, weights = list(named), named.values()
    else:
        config, weights = net.get_config(), net.get_weights()
        config.pop("name", None)
    description = json.dumps(config, sort_keys=True, default=str)
    return _files.digest(description, *(w.tobytes() for w in weights))


@functools.lru_cache(maxsize=1)
def _load(network):
    """Load a Keras model from its pickle, once in each worker."""
    from .. import networks  # noqa: F401  registers the layers

    return pickle.loads(network)
