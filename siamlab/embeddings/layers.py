"""Choice of the layer that gives the embedding.

- `extractor`: the part of a network up to a layer.
- `embed_layers`: embeddings from every layer that outputs a vector.
- `find_layer`: the layer that `embed` uses by default.

Notebook: 10_embeddings.
"""

from weakref import WeakKeyDictionary

import keras

from ..errors import ArgumentError
from ..layers import CosineClassifier
from .extraction import embed

# Keras compiles a model on its first prediction, which takes longer than to embed a
# hundred utterances. So each network keeps its extractors for as long as it lives.
_EXTRACTORS: WeakKeyDictionary = WeakKeyDictionary()


def extractor(model, layer=None):
    """Return the part of a network up to a layer.

    The layers are the same objects as in `model`, so they have the trained weights
    (docs/doctor.md#s19).

    Parameters
    ----------
    model : keras.Model
        A `SpeakerNet`, a `Siamese`, or any functional or sequential model.
    layer : str, optional
        Name of the layer whose output is the embedding. The default is described under
        `embed`.

    Returns
    -------
    keras.Model
        (batch, time, mel) -> (batch, dim).

    Raises
    ------
    ArgumentError
        If the network has no such layer, or the layer does not output one vector per
        segment.
    """
    encoder, vectors = vector_layers(model)
    layer = find_layer(encoder, vectors) if layer is None else layer
    if layer not in vectors:
        raise ArgumentError(
            f"the network has no layer {layer!r} that outputs one vector per segment; "
            f"the layers that do are {list(vectors)}"
        )
    if vectors[layer] is encoder.outputs[0]:
        return encoder
    known = _EXTRACTORS.setdefault(encoder, {})
    if layer not in known:
        known[layer] = keras.Model(encoder.inputs[0], vectors[layer])
    return known[layer]


def find_layer(encoder, vectors):
    """Name the layer whose output is the embedding; see `embed` for the rule."""
    output = encoder.outputs[0]
    last = next((name for name, y in vectors.items() if y is output), None)
    if last is None:
        raise ArgumentError(
            f"an embedding is one vector per segment, but the output of the network "
            f"has shape {output.shape}; name a layer, one of {list(vectors)}"
        )
    layers = {layer.name: layer for layer in encoder.layers}
    if not _is_classifier(layers.get(last)):
        return last
    candidates = [name for name in vectors if _is_embedding(layers.get(name))]
    return candidates[-1] if candidates else last


def _is_embedding(layer):
    kinds = keras.layers.UnitNormalization, keras.layers.Bidirectional, keras.layers.RNN
    return isinstance(layer, kinds) or "Pooling" in type(layer).__name__


def _is_classifier(layer):
    is_softmax = getattr(layer, "activation", None) is keras.activations.softmax
    return is_softmax or isinstance(layer, keras.layers.Softmax | CosineClassifier)


def vector_layers(model):
    """Return the encoder, and by name the layers that output one vector per segment."""
    encoder = getattr(model, "encoder", model)
    inputs = getattr(encoder, "inputs", None) or ()
    is_model = isinstance(encoder, keras.Model)
    if not is_model or [len(x.shape) for x in inputs] != [3]:
        raise ArgumentError(
            "model must be an Encoder, or a functional or sequential keras.Model with "
            "one input of shape (batch, time, mel); got "
            f"{getattr(encoder, 'name', encoder)!r}. For a model with two inputs, pass "
            "the shared encoder"
        )
    vectors = {}
    for layer in encoder.layers:
        try:
            output = layer.output
        except (AttributeError, ValueError):  # called never, or more than once
            continue
        # The output of a nested model is a tensor of its own graph.
        nested = isinstance(layer, keras.Model)
        if not nested and len(getattr(output, "shape", ())) == 2:
            vectors[layer.name] = output
    output = encoder.outputs[0]
    if len(output.shape) == 2 and all(y is not output for y in vectors.values()):
        vectors[encoder.name] = output
    return encoder, vectors


def segment_shape(model, n_frames=None):
    """Frames and bands of a model's input segments; bands is None if it accepts any."""
    _, length, bands = model.input_shape
    n_frames = length if n_frames is None else n_frames
    if n_frames is None:
        raise ArgumentError(
            "the network accepts any segment length; choose one, such as n_frames=40"
        )
    if length not in (None, n_frames):
        raise ArgumentError(
            f"the network needs segments of {length} frames; got n_frames={n_frames}. "
            "Omit n_frames, or build the network with n_frames=None"
        )
    return n_frames, bands


def embed_layers(model, features, **kwargs):
    """Embed each utterance with every layer that outputs one vector per segment.

    Choose the layer on speakers who are in neither the training set nor the test set
    (docs/doctor.md#s20).

    Parameters
    ----------
    model : keras.Model
        A `SpeakerNet`, a `Siamese`, or any functional or sequential model.
    features : Features or sequence of numpy.ndarray
        As for `embed`.
    **kwargs
        Passed to `embed`.

    Returns
    -------
    dict of str to Embeddings
        For each layer, in the network's order, ``embed(model, features, layer=name)``.

    Raises
    ------
    ArgumentError
        As for `embed`.

    Examples
    --------
    >>> import numpy as np
    >>> import siamlab as sl
    >>> net = sl.networks.blstm_encoder(units=4, output_dim=3)
    >>> found = embed_layers(net, [np.zeros((80, 128), dtype="float32")])
    >>> {name: embeddings.shape for name, embeddings in found.items()}
    {'blstm_2': (1, 8), 'dense_1': (1, 6), 'head': (1, 3)}
    """
    _, vectors = vector_layers(model)
    return {name: embed(model, features, layer=name, **kwargs) for name in vectors}
