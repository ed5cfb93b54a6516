"""What is wrong with layers: S31 linear on linear, S33 and S34 what cuDNN refuses."""

import keras
import numpy as np

from ...training import why_not_cudnn
from ..rule import NotExamined, rule

_LINEAR = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
)


@rule(
    "S31",
    "siamese ctc",
    "minor",
    title="Linear layers in a row, with nothing between",
    symptom="More parameters, the same functions.",
    cause="Dense layers without an activation: their product is one matrix.",
    fix="an activation between them, or one layer",
    notebook="04_pairs_and_twins",
)
def s31_linear_on_linear(case):
    """A layer without activation whose output another is given unchanged.

    Dense layers and convolutions are linear.

    What lies between, such as a dropout, counts if it changes anything. A layer that is
    narrower than both its neighbors is a factorisation, and chosen; so is an embedding
    before the classifier that trains it: both are let pass.
    """
    calls = [c for c in case.calls if not c.is_model]
    linear = [c for c in calls if _is_dense(c.layer)]
    if not linear:
        raise NotExamined("the model has no dense layer and no convolution")
    pairs = []
    for first in linear:
        if not _is_linear(first.layer):
            continue
        for second in linear:
            if second.place >= first.ends and _unchanged(first, second):
                if not _chosen(case, first, second):
                    pairs.append((first.layer.name, second.layer.name))
                break
    pairs = list(dict.fromkeys(pairs))
    if not pairs:
        return None
    names = "; ".join(f"{a}, then {b}" for a, b in pairs)
    return len(pairs), f"{len(pairs)} with nothing between: {names}"


def _unchanged(first, second):
    """Whether what one layer gives is what another is given."""
    return (
        isinstance(second.inputs, np.ndarray)
        and second.inputs.shape == first.output.shape
        and np.array_equal(second.inputs, first.output)
    )


def _inner(layer):
    return layer.layer if isinstance(layer, keras.layers.TimeDistributed) else layer


def _is_dense(layer):
    return isinstance(_inner(layer), _LINEAR)


def _is_linear(layer):
    inner = _inner(layer)
    return (
        _is_dense(layer)
        and getattr(inner, "groups", 1) == 1
        and (inner.activation is None or inner.activation is keras.activations.linear)
    )


def _chosen(case, first, second):
    """Whether the two are a factorisation, or an embedding under its classifier."""
    width = first.output.shape[-1]
    wide_in = np.shape(first.inputs)[-1] if np.ndim(first.inputs) else 0
    wide_out = second.output.shape[-1]
    if width < min(wide_in, wide_out):
        return True
    extractor = case.given_extractor
    if extractor is not None and getattr(extractor, "layers", None):
        if extractor.layers[-1] is first.layer:
            return True
    last = case.calls[0] if case.calls else None
    classifier = (
        case.kind == "siamese"
        and len([a for a in [case.output] if isinstance(a, np.ndarray)])
        and last is not None
        and isinstance(case.output, np.ndarray)
        and second.output.shape == case.output.shape
        and np.array_equal(second.output, case.output)
        and case.pair.style == "batch"
        and case.output.shape[-1] > 2
    )
    return bool(classifier)


def _recurrent(case):
    """Recurrent layers of the model, those inside wrappers included."""
    found = [
        layer
        for layer in case.layers
        if isinstance(layer, keras.layers.RNN) and _has_a_fast_form(layer)
    ]
    if not found:
        raise NotExamined("the model has no LSTM and no GRU")
    return found


def _has_a_fast_form(layer):
    """Whether cuDNN knows it, or would with other arguments: not cells of one's own."""
    cells = (keras.layers.LSTMCell, keras.layers.GRUCell)
    return isinstance(layer, keras.layers.LSTM | keras.layers.GRU) or isinstance(
        layer.cell, cells
    )


@rule(
    "S33",
    "siamese ctc",
    "minor",
    title="An LSTM that cannot use the GPU's fast path",
    symptom="Training takes several times as long on a GPU.",
    cause="cuDNN knows one LSTM: tanh, sigmoid, a bias, no recurrent dropout.",
    fix="leave activation, recurrent_activation, use_bias, unroll and "
    "recurrent_dropout at Keras' defaults; siamlab.training.device_report says it "
    "for each layer",
    notebook="07_gpu_training",
)
def s33_no_cudnn(case):
    """The arguments that Keras itself asks for before it calls cuDNN.

    They are listed in Keras' documentation of LSTM and GRU. Ordinary dropout is not
    among them. An RNN over an LSTMCell is no LSTM, and never becomes one.
    """
    refused = {}
    for layer in _recurrent(case):
        # The reasons that hold on every backend.
        if why := why_not_cudnn(layer, backend="tensorflow"):
            refused[layer.name] = why
    if not refused:
        return None
    said = "; ".join(f"{name}: {', '.join(why)}" for name, why in refused.items())
    return len(refused), f"of {len(_recurrent(case))} recurrent layers {said}"


@rule(
    "S34",
    "siamese ctc",
    "minor",
    title="A mask that cuDNN refuses",
    symptom="An error on a GPU, or the slow path; on the CPU all seems well.",
    cause="Frames are masked at the beginning or in the middle, or all of a row is.",
    fix="pad on the right, and leave empty rows out",
    notebook="07_gpu_training",
)
def s34_mask(case):
    """Masks as they reach the recurrent layers: true frames first, at least one.

    One row that is otherwise is a fault: cuDNN takes the length of a row for its mask.
    """
    _recurrent(case)
    masked = False
    for call in case.calls:
        inner = call.layer
        if isinstance(inner, keras.layers.Bidirectional):
            inner = inner.forward_layer
        if not isinstance(inner, keras.layers.LSTM | keras.layers.GRU):
            continue
        mask = call.mask
        if mask is None or np.ndim(mask) != 2:
            continue
        masked = True
        mask = np.asarray(mask, bool)
        empty = ~mask.any(axis=1)
        holes = (np.diff(mask.astype(int), axis=1) > 0).any(axis=1)
        if empty.any() or holes.any():
            return float(np.mean(empty | holes)), (
                f"at {call.layer.name} {int(holes.sum())} of {len(mask)} rows are not "
                f"masked on the right only, {int(empty.sum())} are masked altogether"
            )
    if not masked:
        raise NotExamined("no mask reaches a recurrent layer")
    return None
