"""Whether an extraction network has the weights that were trained."""

import keras
import numpy as np
from keras import ops

from ..errors import ArgumentError

# Of the spread of a layer's outputs; float32 over a few layers stays far below it.
_ALIKE = 1e-3


def layers_of(net):
    """Layers of a network whose output is one vector per segment, by name."""
    base = getattr(net, "base", net)
    vectors = {}
    for layer in base.layers:
        try:
            output = layer.output
        except (AttributeError, ValueError):  # called never, or more than once
            continue
        if isinstance(layer, keras.layers.InputLayer) or len(output.shape) != 2:
            continue
        vectors[layer.name] = output
    if not vectors:
        raise ArgumentError(
            f"the network {base.name!r} has no layer whose output is one vector for "
            "each segment, (batch, dim)"
        )
    return base.input, vectors


def check_extractor(net, extractor, x):
    """Find the layer of a trained network that an extraction network gives.

    What counts is what it does: both are shown the same segments. An extraction
    network that was built again, or whose weights were loaded by names that matched
    nothing, gives what no layer gives (FAULTS S19).

    Parameters
    ----------
    net : keras.Model
        The trained network: a `SpeakerNet`, a `Siamese` or any functional model.
    extractor : keras.Model
        (batch, frames, bands) -> (batch, dim).
    x : array_like
        Some segments, shape (batch, frames, bands).

    Returns
    -------
    str
        Name of the layer.

    Raises
    ------
    ArgumentError
        If no layer of the network gives that, or none is as wide; the message says
        which is nearest.

    Examples
    --------
    >>> import siamlab as sl
    >>> net = sl.networks.blstm_encoder(units=4, output_dim=3)
    >>> x = np.zeros((2, 40, 128), dtype="float32")
    >>> check_extractor(net, sl.embeddings.extractor(net, "blstm_2"), x)
    'blstm_2'
    """
    inputs, vectors = layers_of(net)
    x = np.asarray(x, dtype=np.float32)
    # Called, not predicted: nothing is compiled for one batch.
    found = np.asarray(ops.convert_to_numpy(extractor(x)))
    outputs = keras.Model(inputs, list(vectors.values()))(x)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    outputs = {
        name: np.asarray(ops.convert_to_numpy(y))
        for name, y in zip(vectors, outputs, strict=True)
        if y.shape == found.shape
    }
    if not outputs:
        widths = ", ".join(f"{name} {y.shape[-1]}" for name, y in vectors.items())
        raise ArgumentError(
            f"the extractor gives vectors of {found.shape[-1]} numbers; no layer of "
            f"the network does ({widths})"
        )
    apart = {
        name: float(np.max(np.abs(y - found)) / max(np.std(y), 1e-6))
        for name, y in outputs.items()
    }
    nearest = min(apart, key=apart.__getitem__)
    if apart[nearest] > _ALIKE:
        raise ArgumentError(
            "the extractor does not have the weights that were trained: its outputs "
            f"are nearest to those of {nearest!r}, and differ from them by "
            f"{apart[nearest]:.2g} times their spread. Take "
            f"siamlab.embeddings.extractor(net, {nearest!r}), which shares its layers"
        )
    return nearest
