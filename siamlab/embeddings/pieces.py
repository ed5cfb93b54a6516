"""Embeddings piece by piece: on a cluster, or kept in a folder, or both."""

import functools
import json
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

from .. import _files, parallel
from .._progress import progress_bar
from ..features.arrays import Arrays
from ..features.shards import Shards
from .averaging import average, check_bands, vector_function
from .pretrained import Encoder

# Changes whenever the same network and frames shall give other rows.
_EDITION = 1


def embed_pieces(net, dim, features, settings, client=None, folder=None):
    """Rows (utterances, dim) of an `Encoder` or a Keras model, in their order."""
    arrays = getattr(features, "arrays", None)
    arrays = Arrays(features) if arrays is None else arrays
    pieces = list(arrays.pieces())
    saved = net if isinstance(net, Encoder) else _save(net)
    kept = None if folder is None else (str(Path(folder).absolute()), _name(net))

    def jobs():
        for rows in pieces:
            sent = arrays.sent(rows)
            if isinstance(sent, list):  # shards are all of the same bands
                for row, array in zip(rows, sent, strict=True):
                    check_bands(row, array, settings["bands"])
            yield sent, settings, kept

    made = np.zeros((len(arrays), dim), dtype=np.float32)
    work = parallel.results(
        _embed_piece,
        jobs(),
        shared=(saved,),
        client=client,
        workers=1,  # the network uses the cores by itself
        name="embeddings",
        describe=lambda job: f"a piece of {len(job[0])} utterances",
    )
    bar = progress_bar(
        None, total=len(arrays), description="embeddings", unit="utterance"
    )
    with closing(work) as done, bar:
        for number, rows in done:
            made[pieces[number]] = rows
            bar.update(len(rows))
    return made


def _embed_piece(saved, arrays, settings, kept):
    """Embed some utterances, unless their rows are kept already."""
    if kept is not None:
        folder, network = kept
        kept, key = _files.Kept(folder), _key(network, arrays, settings)
        if (rows := kept.load(key)) is not None:
            return rows
    model = saved if isinstance(saved, Encoder) else _load(saved)
    (rows,) = average(vector_function(model), arrays, **settings)
    if kept is not None:
        kept.save(key, rows)
    return rows


def _key(network, arrays, settings):
    # The size of batches changes rounding alone.
    settings = {k: v for k, v in settings.items() if k != "batch_size"}
    if isinstance(arrays, Shards):
        return _files.digest(_EDITION, network, settings, arrays.content)
    content = [part for x in arrays for part in (str(x.dtype), x.shape, x.tobytes())]
    return _files.digest(_EDITION, network, settings, *content)


def _name(net):
    """Name a network by its weights and what it does with them."""
    if isinstance(net, Encoder):
        weights = net.weights
        return _files.digest(
            *(p for k in sorted(weights) for p in (k, _bytes(weights[k])))
        )
    config = {k: v for k, v in net.get_config().items() if k != "name"}
    described = json.dumps(config, sort_keys=True, default=str)
    return _files.digest(described, *map(_bytes, net.get_weights()))


def _bytes(array):
    return np.ascontiguousarray(array).tobytes()


def _save(net):
    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.keras")
        keras.saving.save_model(net, path)
        return path.read_bytes()


@functools.lru_cache(maxsize=1)
def _load(saved):
    """Load a network, once in each worker."""
    from ..training import load_model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.keras")
        path.write_bytes(saved)
        return load_model(path, compile=False)
