"""Which recurrent layers run on cuDNN.

On a GPU, Keras runs an LSTM or a GRU either as one call of NVIDIA's cuDNN, or as a loop
over the frames, which is several times slower. It does not report which one it uses.
The choice follows from the layer's arguments, so it can be determined without a GPU.

- `device_report`: a table of the recurrent layers of a model.
- `why_not_cudnn`: the reasons for the loop; empty if the layer runs on cuDNN.

The conditions are those of Keras 3.15; the tests compare them with Keras' own choice.

Notebook: 14_gpu_training.
"""

import keras
import pandas as pd

from ..errors import ArgumentError

_MASKS = ("none", "right-padded", "other")
_MASK_ERROR = "an error: a mask with holes or empty rows (pad on the right)"
_HALF_PRECISION = "an error: half precision on JAX (set dtype='float32')"
# Observed with JAX's own, slow LSTM in place of cuDNN.
_WRONG_ORDER = (
    "a wrong order of frames: go_backwards with return_sequences on JAX "
    "(set use_cudnn=False, or use a Bidirectional without dropout)"
)


def device_report(model):
    """Report whether the recurrent layers of a model use cuDNN.

    Nothing is trained, and no GPU is needed: the choice depends only on the arguments
    of the layer and the mask that it receives. Masks are assumed to be right-padded,
    like those of `layers.SequenceMask`.

    Parameters
    ----------
    model : keras.Model
        A built model; layers of nested models are included.

    Returns
    -------
    pandas.DataFrame
        The recurrent layers, with the columns layer, kind, mask and why_not_cudnn,
        which is empty for a layer that uses cuDNN, or would on a GPU.

    Raises
    ------
    ArgumentError
        If `model` is not a Keras model.

    Examples
    --------
    >>> import siamlab as sl
    >>> report = device_report(sl.networks.blstm_encoder(units=4, output_dim=3))
    >>> report["why_not_cudnn"].tolist()
    ['', '']
    """
    if not isinstance(model, keras.Layer):
        raise ArgumentError(f"model must be a keras.Model; got {type(model).__name__}")
    rows = []
    for layer in dict.fromkeys(_recurrent_layers(model)):
        kind = type(getattr(layer, "forward_layer", layer)).__name__
        arguments = [node.arguments.kwargs for node in layer._inbound_nodes]
        has_mask = any(each.get("mask") is not None for each in arguments)
        mask = "right-padded" if has_mask else "none"
        reasons = "; ".join(why_not_cudnn(layer, mask=mask))
        rows.append((layer.name, kind, mask, reasons))
    return pd.DataFrame(rows, columns=["layer", "kind", "mask", "why_not_cudnn"])


def why_not_cudnn(layer, backend=None, mask="none"):
    """List the reasons why a recurrent layer cannot use cuDNN on a GPU.

    Parameters
    ----------
    layer : keras.layers.RNN or keras.layers.Bidirectional
        An LSTM, a GRU, an RNN layer that wraps a cell, or a Bidirectional of these.
    backend : {"tensorflow", "jax", "torch"}, optional
        The backend; by default the current one.
    mask : {"none", "right-padded", "other"}
        The kind of mask that the layer receives. cuDNN accepts only right-padded masks:
        each row starts with at least one True, and all padding is at the end.

    Returns
    -------
    list of str
        The reasons, each with a fix. Empty if the layer runs on cuDNN.

    Raises
    ------
    ArgumentError
        If the layer is not recurrent, or the kind of mask is unknown.

    Examples
    --------
    >>> why_not_cudnn(keras.layers.LSTM(8, dropout=0.2))
    []
    >>> why_not_cudnn(keras.layers.LSTM(8, recurrent_dropout=0.1))
    ['recurrent_dropout=0.1 (use dropout)']
    """
    layers = keras.layers
    backend = keras.backend.backend() if backend is None else backend
    if mask not in _MASKS:
        raise ArgumentError(f"mask must be one of {', '.join(_MASKS)}; got {mask!r}")
    if isinstance(layer, layers.Bidirectional):
        return _both_directions(layer, backend, mask)
    if not isinstance(layer, layers.RNN):
        raise ArgumentError(
            f"layer must be an LSTM, a GRU or a Bidirectional; got {layer!r}"
        )
    if not isinstance(layer, layers.LSTM | layers.GRU):
        return [f"{type(layer).__name__} over {type(layer.cell).__name__} (use LSTM)"]
    activation = getattr(layer.activation, "__name__", None)
    recurrent = getattr(layer.recurrent_activation, "__name__", None)
    dropout = layer.recurrent_dropout
    is_reversed = layer.go_backwards and layer.return_sequences
    is_gru = isinstance(layer, layers.GRU)
    on_jax, on_tensorflow = backend == "jax", backend == "tensorflow"
    conditions = [
        (activation != "tanh", f"activation={activation} (use tanh)"),
        (recurrent != "sigmoid", f"recurrent_activation={recurrent} (use sigmoid)"),
        (layer.unroll, "unroll=True (set unroll=False)"),
        (not layer.use_bias, "use_bias=False (set use_bias=True)"),
        (dropout != 0, f"recurrent_dropout={dropout} (use dropout)"),
        (is_gru and not layer.reset_after, "reset_after=False (set reset_after=True)"),
        (layer.use_cudnn is False, "use_cudnn=False (set use_cudnn='auto')"),
        (is_gru and on_jax, "a GRU on JAX (use LSTM)"),
        (mask != "none" and not on_tensorflow, "a mask (use segments of one length)"),
        (mask == "other" and on_tensorflow, _MASK_ERROR),
        (on_jax and layer.compute_dtype != "float32", _HALF_PRECISION),
        (on_jax and not is_gru and is_reversed, _WRONG_ORDER),
    ]
    return [reason for applies, reason in conditions if applies]


def _both_directions(layer, backend, mask):
    """Return the reasons for a Bidirectional, without duplicates."""
    pair = layer.forward_layer, layer.backward_layer
    reasons = dict.fromkeys(
        r for one in pair for r in why_not_cudnn(one, backend, mask)
    )
    # JAX computes both directions in one call, in the right order of frames, unless:
    separate = pair[0].units != pair[1].units or any(
        one.stateful or getattr(one, "dropout", 0) for one in pair
    )
    return [reason for reason in reasons if separate or reason != _WRONG_ORDER]


def _recurrent_layers(layer):
    """Yield the recurrent layers of a model; a Bidirectional is one layer."""
    if isinstance(layer, keras.layers.Bidirectional | keras.layers.RNN):
        yield layer
    else:
        for each in layer._flatten_layers(include_self=False, recursive=False):
            yield from _recurrent_layers(each)
