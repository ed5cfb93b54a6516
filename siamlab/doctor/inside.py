"""Models whose loss is computed inside: other outputs in the place of theirs."""

import numpy as np

from . import rows, trace
from .rule import NotExamined


def run_with(model, x, calls, place, outputs, fixed):
    """Run a model with the result of one call replaced, and all others made again.

    Unlike `trace.replay` also what came before it is made again, since labels and
    lengths may have gone through it; only what is `fixed` stands as recorded.
    """
    inside, parent = set(), calls[place].parent
    while parent is not None:
        inside.add(parent)
        parent = calls[parent].parent
    at = 0

    def again(original, layer, args, kwargs):
        nonlocal at
        here = at
        if here >= len(calls) or calls[here].layer is not layer:
            raise NotExamined("the model does not call its layers in the same order")
        if here == place or (here in fixed and here not in inside):
            at = calls[here].ends
            return trace.tensors(outputs if here == place else calls[here].output)
        at += 1
        return original(layer, *args, **kwargs)

    with trace.calls_go_through(again):
        return trace.call(model, x)


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
    """Losses that layers added themselves, without those of regularisers."""
    return [
        loss for layer in _own_layers(model) for loss in getattr(layer, "_losses", ())
    ]


def clear_added(model):
    """Forget the losses that layers added."""
    for layer in _own_layers(model):
        if getattr(layer, "_losses", None):
            layer._clear_losses()
