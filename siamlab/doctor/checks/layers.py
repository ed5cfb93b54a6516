"""Recurrent layers that cannot use cuDNN: S33, S34."""

import keras
import numpy as np

from ...training import why_not_cudnn
from ..check import check
from ..report import Skip


@check("S33", "minor", "14_gpu_training", kinds="siamese ctc")
def s33_no_cudnn(program):
    """An LSTM that cannot use cuDNN.

    Symptom: Training takes several times as long on a GPU.
    Cause: cuDNN computes one LSTM only: tanh, sigmoid, a bias, no recurrent
        dropout.
    Fix: use the defaults of Keras for activation, recurrent_activation, use_bias,
        unroll and recurrent_dropout; siamlab.training.device_report(model) lists
        the layers

    The arguments of each layer, by `siamlab.training.why_not_cudnn`.
    """
    layers = _recurrent(program)
    # The reasons on TensorFlow hold on every backend.
    reasons = {each.name: why_not_cudnn(each, "tensorflow") for each in layers}
    refused = {name: why for name, why in reasons.items() if why}
    if not refused:
        return None
    said = "; ".join(f"{name}: {', '.join(why)}" for name, why in refused.items())
    return len(refused), f"{len(refused)} of {len(layers)} recurrent layers: {said}"


@check("S34", "minor", "14_gpu_training", kinds="siamese ctc")
def s34_mask(program):
    """A mask that cuDNN refuses.

    Symptom: An error or slow training on a GPU; on the CPU all seems well.
    Cause: Frames are masked at the beginning or in the middle, or a whole row is.
    Fix: pad at the end, and leave empty rows out

    The masks that reach recurrent layers: true frames first, and at least one.

    One row is enough, because cuDNN takes the length of each row from its mask.
    """
    _recurrent(program)
    masks = [
        (call.layer.name, np.asarray(call.mask, bool))
        for call in program.calls
        if isinstance(
            getattr(call.layer, "forward_layer", call.layer),
            keras.layers.LSTM | keras.layers.GRU,
        )
        and np.ndim(call.mask) == 2
    ]
    if not masks:
        raise Skip("no mask reaches a recurrent layer")
    for name, mask in masks:
        empty = ~mask.any(axis=1)
        holes = (np.diff(mask.astype(int), axis=1) > 0).any(axis=1)
        if empty.any() or holes.any():
            return float(np.mean(empty | holes)), (
                f"at {name}, {holes.sum()} of {len(mask)} rows have true frames behind "
                f"masked ones, and {empty.sum()} are masked entirely"
            )
    return None


def _recurrent(program):
    program.recorded  # noqa: B018  builds the model
    cells = (keras.layers.LSTMCell, keras.layers.GRUCell)
    found = [
        layer
        for layer in program.network._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.LSTM | keras.layers.GRU)
        or (isinstance(layer, keras.layers.RNN) and isinstance(layer.cell, cells))
    ]
    if not found:
        raise Skip("the model has no LSTM and no GRU")
    return found
