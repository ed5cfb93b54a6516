"""Which recurrent layers run on cuDNN, and what keeps the others from it.

Keras decides for each call of an LSTM or GRU whether it becomes one call of cuDNN,
which runs over all frames at once, or a loop over frames. It says nothing about it.
`decide` comes to the same verdict without a GPU, from the layer, the mask that reaches
it, and what Keras calculates with.

- `refusals`: arguments that no backend lets through.
- `decide`: the verdict for one backend and one kind of mask; a `Verdict`.
- `mask_kind`: which kind a mask is; `directions`: of a Bidirectional.

The conditions are those of Keras 3.15; the tests compare them with its own.

Notebook: 07_gpu_training.
"""

import dataclasses
import sys

import keras
import numpy as np

from ..errors import ArgumentError

__all__ = [
    "BACKENDS",
    "MASKS",
    "PATHS",
    "Refusal",
    "Verdict",
    "decide",
    "directions",
    "mask_kind",
    "refusals",
]

BACKENDS = ("tensorflow", "jax", "torch")
PATHS = ("cuDNN", "loop", "wrong", "error")  # from good to bad
MASKS = ("none", "right-padded", "with holes", "with empty rows")

# Where a backend has functions of its own that Keras takes for tanh and sigmoid.
_NATIVE = {"tensorflow": "tensorflow", "jax": "jax.numpy", "torch": "torch"}
_HALF = ("float16", "bfloat16")


@dataclasses.dataclass(frozen=True)
class Refusal:
    """One thing that keeps a layer from cuDNN, or makes it fail there.

    Parameters
    ----------
    what : str
        The argument, the mask or the type.
    instead : str
        What to write in its place; "" where there is nothing.
    """

    what: str
    instead: str = ""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What becomes of a layer's call on a GPU.

    Parameters
    ----------
    path : str
        Of `PATHS`: one call of cuDNN; a loop over frames; cuDNN, with other numbers
        than the processor gives; or an error when training begins.
    refusals : tuple of Refusal
        Why; none for "cuDNN".

    Attributes
    ----------
    fast : bool
        Whether it is cuDNN, with the right numbers.
    """

    path: str
    refusals: tuple = ()

    @property
    def fast(self):
        """Whether it is cuDNN, with the right numbers."""
        return self.path == "cuDNN"


def refusals(layer, backend=None):
    """Find the arguments that keep a recurrent layer from cuDNN on every backend.

    Ordinary ``dropout`` is not among them: it acts on the input of the whole sequence.

    Parameters
    ----------
    layer : keras.layers.RNN or keras.layers.Bidirectional
        An LSTM, a GRU, a layer over cells, or two of them.
    backend : {"tensorflow", "jax", "torch"}, optional
        The one that Keras runs on by default. It matters only to an activation that is
        the backend's own function.

    Returns
    -------
    list of Refusal
        Empty if none does.

    Raises
    ------
    ArgumentError
        If it is no recurrent layer, or there is no such backend.

    Examples
    --------
    >>> layer = keras.layers.LSTM(8, dropout=0.2, recurrent_dropout=0.1)
    >>> refusals(layer)
    [Refusal(what='recurrent_dropout=0.1', instead='dropout')]
    """
    backend = _backend(backend)
    found = [r for each in directions(layer) for r in _of_one(each, backend)]
    return list(dict.fromkeys(found))


def directions(layer):
    """Give the layers that Keras asks one by one.

    Parameters
    ----------
    layer : keras.layers.RNN or keras.layers.Bidirectional
        One, or two.

    Returns
    -------
    tuple of keras.layers.RNN
        The layer itself; of a Bidirectional the forward and the backward one.

    Raises
    ------
    ArgumentError
        If it is no recurrent layer.
    """
    if isinstance(layer, keras.layers.Bidirectional):
        return layer.forward_layer, layer.backward_layer
    if isinstance(layer, keras.layers.RNN):
        return (layer,)
    raise ArgumentError(
        "layer must be a keras.layers.LSTM, a GRU, another RNN or a Bidirectional; got "
        f"{type(layer).__name__}"
    )


def _of_one(layer, backend):
    if not isinstance(layer, keras.layers.LSTM | keras.layers.GRU):
        return [_of_cells(layer)]
    found = []
    for name, wanted in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        if not _is(getattr(layer, name), wanted, backend):
            found.append(Refusal(f"{name} is not {wanted}", f'{name}="{wanted}"'))
    if layer.unroll:
        found.append(Refusal("unroll=True", "unroll=False"))
    if not layer.use_bias:
        found.append(Refusal("use_bias=False", "use_bias=True"))
    if layer.recurrent_dropout:
        what = f"recurrent_dropout={layer.recurrent_dropout}"
        found.append(Refusal(what, "dropout"))
    if isinstance(layer, keras.layers.GRU) and not layer.reset_after:
        found.append(Refusal("reset_after=False", "reset_after=True"))
    if layer.use_cudnn is False:
        found.append(Refusal("use_cudnn=False", 'use_cudnn="auto"'))
    return found


def decide(layer, backend=None, mask="none"):
    """Say what becomes of a recurrent layer's call on a GPU with cuDNN.

    Parameters
    ----------
    layer : keras.layers.RNN or keras.layers.Bidirectional
        An LSTM, a GRU, a layer over cells, or two of them: then the verdict is that of
        the worse one.
    backend : {"tensorflow", "jax", "torch"}, optional
        The one that Keras runs on by default.
    mask : str or numpy.ndarray or None
        Which kind of `MASKS` reaches the layer, or the mask itself, shape
        (batch, frames), true where a frame counts.

    Returns
    -------
    Verdict
        And why.

    Raises
    ------
    ArgumentError
        If an argument is none of these.

    Examples
    --------
    >>> layer = keras.layers.LSTM(8)
    >>> [decide(layer, name, "right-padded").path for name in BACKENDS]
    ['cuDNN', 'loop', 'loop']
    """
    backend = _backend(backend)
    if not isinstance(mask, str):
        mask = mask_kind(mask)
    if mask not in MASKS:
        raise ArgumentError(f"mask must be one of {', '.join(MASKS)}; got {mask!r}")
    one_piece = _in_one_piece(layer, mask)
    verdicts = [_judge(each, backend, mask, one_piece) for each in directions(layer)]
    reasons = dict.fromkeys(r for verdict in verdicts for r in verdict.refusals)
    return Verdict(max((v.path for v in verdicts), key=PATHS.index), tuple(reasons))


def _judge(layer, backend, mask, one_piece):
    """Verdict on one direction."""
    found = _of_one(layer, backend)
    if backend == "jax" and isinstance(layer, keras.layers.GRU):
        found.append(Refusal("JAX has no GRU of cuDNN", "an LSTM"))
    if backend != "tensorflow" and mask != "none":
        found.append(Refusal(f"a mask, on {backend}", "one length, or pooling"))
    if found:
        path = "error" if _complains(layer, backend, mask) else "loop"
        return Verdict(path, tuple(found))
    if mask in ("with holes", "with empty rows"):
        # Keras compiles cuDNN in, with an assertion about the mask.
        return Verdict("error", (Refusal(f"a mask {mask}", "padding on the right"),))
    if backend == "jax":
        return _on_jax(layer, one_piece)
    return Verdict("cuDNN")


def mask_kind(mask):
    """Say which kind a mask is.

    Parameters
    ----------
    mask : numpy.ndarray or None
        Shape (batch, frames), true where a frame counts.

    Returns
    -------
    str
        Of `MASKS`. What has both holes and empty rows has holes.

    Raises
    ------
    ArgumentError
        If it has another number of axes.

    Examples
    --------
    >>> mask_kind(np.array([[True, True, False], [True, False, False]]))
    'right-padded'
    >>> mask_kind(np.array([[False, True, True]]))
    'with holes'
    """
    if mask is None:
        return "none"
    mask = np.asarray(mask, bool)
    if mask.ndim != 2:
        raise ArgumentError(
            f"a mask must have shape (batch, frames); got shape {mask.shape}"
        )
    if (np.diff(mask.astype(int), axis=1) > 0).any():
        return "with holes"
    return "right-padded" if mask.any(axis=1).all() else "with empty rows"


def _backend(backend):
    if backend is None:
        backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise ArgumentError(
            f"backend must be one of {', '.join(BACKENDS)}; got {backend!r}"
        )
    return backend


def _is(function, name, backend):
    """Whether Keras takes a function for tanh or sigmoid."""
    native = getattr(sys.modules.get(_NATIVE[backend]), name, None)
    own = (getattr(keras.activations, name), getattr(keras.ops, name), native)
    return function is not None and any(function is each for each in own)


def _complains(layer, backend, mask):
    """Whether Keras says that ``use_cudnn=True`` cannot be; not all backends do."""
    if getattr(layer, "use_cudnn", "auto") is not True:
        return False
    is_gru = isinstance(layer, keras.layers.GRU)
    if backend == "tensorflow" or (backend == "jax" and not is_gru):
        return True
    loops = (layer.unroll and backend == "jax") or (is_gru and not layer.reset_after)
    return bool(layer.recurrent_dropout or mask != "none" or loops)


def _of_cells(layer):
    cells = getattr(layer.cell, "cells", [layer.cell])
    cells = cells if isinstance(cells, list | tuple) else [cells]
    kinds = {type(cell) for cell in cells}
    instead = ""
    if kinds <= {keras.layers.LSTMCell}:
        instead = "LSTM"
    elif kinds <= {keras.layers.GRUCell}:
        instead = "GRU"
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    return Refusal(f"{type(layer).__name__} over {names}", instead)


def _in_one_piece(layer, mask):
    """Whether JAX and PyTorch run both directions of a Bidirectional in one call."""
    pair = directions(layer)
    return (
        len(pair) == 2
        and mask == "none"
        and not layer.stateful
        and all(isinstance(each, keras.layers.LSTM) for each in pair)
        and not any(each.dropout for each in pair)
        and pair[0].units == pair[1].units
    )


def _on_jax(layer, one_piece):
    """JAX's LSTM is float32 only, and Keras turns one of its outputs round."""
    if layer.compute_dtype in _HALF:
        what = f"{layer.compute_dtype}, for which JAX has no LSTM of cuDNN"
        return Verdict("error", (Refusal(what, 'dtype="float32"'),))
    if layer.go_backwards and layer.return_sequences and not one_piece:
        what = "go_backwards with return_sequences: frames come out in another order"
        instead = "a Dropout layer" if layer.dropout else "use_cudnn=False"
        return Verdict("wrong", (Refusal(what, instead),))
    return Verdict("cuDNN")
