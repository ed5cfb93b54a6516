"""Embeddings from every layer that gives a vector."""

import keras
import numpy as np

from .averaging import batches, unit
from .extraction import segment_shape
from .proof import layers_of


def layer_sweep(net, features, *, n_frames=None, hop_frames=None, batch_size=256):
    """Embed each utterance by each layer in turn, in one pass (FAULTS S20).

    Which layer is best is a question to speakers who are neither trained on nor
    tested on.

    Parameters
    ----------
    net : keras.Model
        A `SpeakerNet`, a `Siamese` or any functional model.
    features, frames, hop, batch_size
        As for `embed`.

    Returns
    -------
    dict of str to numpy.ndarray
        For each layer whose output is a vector, in the network's order: what `embed`
        would give, float32, shape (utterances, dim).

    Raises
    ------
    ArgumentError
        As for `embed`.

    Examples
    --------
    >>> import siamlab as sl
    >>> net = sl.networks.blstm_encoder(units=4, output_dim=3)
    >>> swept = layer_sweep(net, [np.zeros((80, 128), dtype="float32")])
    >>> {name: embeddings.shape for name, embeddings in swept.items()}
    {'blstm_2': (1, 8), 'dense_1': (1, 6), 'head': (1, 3)}
    """
    inputs, vectors = layers_of(net)
    model = keras.Model(inputs, list(vectors.values()))
    sums = [np.zeros((len(features), y.shape[-1])) for y in vectors.values()]
    n_frames, bands = segment_shape(model, n_frames)
    for x, owners in batches(features, n_frames, bands, hop_frames, batch_size):
        for total, y in zip(sums, model.predict_on_batch(x), strict=True):
            y = np.asarray(y, dtype=np.float32)[: len(owners)]
            np.add.at(total, owners, unit(y))
    return {
        name: unit(total).astype(np.float32)
        for name, total in zip(vectors, sums, strict=True)
    }
