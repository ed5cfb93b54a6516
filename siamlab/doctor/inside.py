"""Models whose loss is computed inside, or added by their layers."""

import numpy as np

from . import rows


def equal(a, b):
    """Whether two structures of arrays are the same."""
    a, b = rows.flat((a,)), rows.flat((b,))
    return len(a) == len(b) and all(
        p.shape == q.shape and np.array_equal(p, q, equal_nan=p.dtype.kind == "f")
        for p, q in zip(a, b, strict=True)
    )


def is_sequence(array, n):
    """Whether an array may be outputs of n utterances."""
    return (
        array.ndim == 3
        and len(array) == n
        and array.shape[2] > 1
        and np.issubdtype(array.dtype, np.floating)
    )


def _own_layers(model):
    return model._flatten_layers(include_self=True)


def added_losses(model):
    """Losses that layers added themselves, without those of regularizers."""
    return [
        loss for layer in _own_layers(model) for loss in getattr(layer, "_losses", ())
    ]


def clear_added(model):
    """Forget the losses that layers added."""
    for layer in _own_layers(model):
        if getattr(layer, "_losses", None):
            layer._clear_losses()
