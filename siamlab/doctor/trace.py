"""What a network computes on the way, and what it would make of other values.

However a model is built, in the end its layers are called. `record` notes each call and
what came of it; `replay` runs the model again with some of those results replaced. So
embeddings can be put into any two-input model, and outputs under any loss layer,
without knowing how the model was written.
"""

import contextlib
import contextvars
import dataclasses
import logging

import keras
import numpy as np
from keras import ops, tree

from .rule import NotExamined


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of one layer, or of one operation of a functional model.

    Parameters
    ----------
    layer : keras.Operation
        Which.
    place : int
        Of the call, in the order in which they began.
    depth : int
        How many other calls it happened in; 0 for the model's own.
    parent : int or None
        Place of the call that it happened in.
    inputs, output : object
        NumPy arrays, or structures of some.
    mask : numpy.ndarray or None
        Of the first input.
    ends : int
        The place after everything that was called in it.
    """

    layer: object
    place: int
    depth: int
    parent: int | None
    inputs: object
    output: object
    mask: object
    ends: int

    @property
    def is_model(self):
        """Whether it stands for others: a model or a layer made of layers."""
        return self.ends > self.place + 1 or isinstance(self.layer, keras.Model)


def arrays(value):
    """Turn tensors into NumPy arrays, within any structure."""
    return tree.map_structure(
        lambda x: ops.convert_to_numpy(x) if ops.is_tensor(x) else x, value
    )


def tensors(value):
    """Turn NumPy arrays into tensors, within any structure."""
    return tree.map_structure(
        lambda x: ops.convert_to_tensor(x) if isinstance(x, np.ndarray) else x, value
    )


def _symbolic(value):
    return any(isinstance(x, keras.KerasTensor) for x in tree.flatten(value))


def _is_leaf(layer):
    """Whether it is one of Keras' own layers, whose insides are nobody's business."""
    own = type(layer).__module__.split(".")[0] == "keras"
    return own and not isinstance(layer, keras.Model)


@contextlib.contextmanager
def calls_go_through(function):
    """Let every call of a layer or operation be made by `function`."""
    of_layer, of_operation = keras.layers.Layer.__call__, keras.Operation.__call__
    inside: list = []  # leaves that are being called

    def through(call, layer, args, kwargs):
        if inside or _symbolic((args, kwargs)):
            return call(layer, *args, **kwargs)
        if not _is_leaf(layer):
            return function(call, layer, args, kwargs)
        inside.append(layer)
        try:
            return function(_quick(call, layer), layer, args, kwargs)
        finally:
            inside.pop()

    def layer_call(layer, *args, **kwargs):
        return through(of_layer, layer, args, kwargs)

    def operation_call(operation, *args, **kwargs):
        if isinstance(operation, keras.layers.Layer):  # on its way through Layer's
            return of_operation(operation, *args, **kwargs)
        return through(of_operation, operation, args, kwargs)

    keras.layers.Layer.__call__ = layer_call
    keras.Operation.__call__ = operation_call
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = of_layer
        keras.Operation.__call__ = of_operation


_GRAPHS: contextvars.ContextVar = contextvars.ContextVar("graphs", default=None)


@contextlib.contextmanager
def quickly():
    """Let recurrent layers run as graphs, made once for each, while this lasts.

    A loop over frames in Python takes tens of times as long as in a graph. TensorFlow
    warns of functions that are traced often; here each is another layer, or loss.
    """
    log = logging.getLogger("tensorflow")
    token, level = _GRAPHS.set({}), log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
        _GRAPHS.reset(token)


def _quick(call, layer):
    """Give the call of a recurrent layer as a graph; of any other as it is."""
    graphs = _GRAPHS.get()
    if (
        graphs is None
        or keras.backend.backend() != "tensorflow"
        or not isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
    ):
        return call

    def quick(layer, *args, **kwargs):
        training = kwargs.get("training")
        if len(args) != 1 or set(kwargs) - {"mask", "training"}:
            return call(layer, *args, **kwargs)
        mask = kwargs.get("mask")
        mask = getattr(args[0], "_keras_mask", None) if mask is None else mask
        key = id(layer), training, mask is None
        if key not in graphs:
            graphs[key] = _graph(call, layer, training)
        try:
            output = graphs[key](args[0], mask)
        except Exception:  # something in it is no graph
            graphs[key] = lambda x, m: call(layer, x, mask=m, training=training)
            return graphs[key](args[0], mask)
        if mask is not None and tuple(output.shape[:2]) == tuple(mask.shape):
            output._keras_mask = mask  # as Keras does; a graph loses it
        return output

    return quick


def _graph(call, layer, training):
    import tensorflow as tf

    @tf.function(reduce_retracing=True, autograph=False)
    def run(x, mask):
        return call(layer, x, mask=mask, training=training)

    return run


def _mask(args, kwargs):
    mask = kwargs.get("mask")
    if mask is None and args:
        first = tree.flatten(args[0])
        mask = getattr(first[0], "_keras_mask", None) if first else None
    return None if mask is None or isinstance(mask, list | tuple) else arrays(mask)


def call(model, x, training=False):
    """Call a model, eagerly; a model that cannot be called is not examined."""
    try:
        if _takes(model, "training"):
            return model(tensors(x), training=training)
        return model(tensors(x))
    except NotExamined:
        raise
    except Exception as error:
        raise NotExamined(
            f"the model cannot be called on this batch: {sentence(error)}"
        ) from error


def _takes(model, name):
    return isinstance(model, keras.layers.Layer) and name in getattr(
        model, "_call_context_args", {"training"}
    )


def sentence(error):
    """First line of what an error says, not too long."""
    text = str(error).strip().split("\n")[0] or type(error).__name__
    return text if len(text) < 160 else text[:157] + "..."


def record(model, x, training=False):
    """Run a model on a batch, eagerly; note every layer's call.

    Parameters
    ----------
    model : keras.Model or callable
        One that is not built yet is built first.
    x : object
        Its input: arrays in any structure.
    training : bool
        Whether to run it as in training.

    Returns
    -------
    output : object
        As arrays.
    calls : list of Call
        In the order in which they began.

    Raises
    ------
    NotExamined
        If the model cannot be called.
    """
    if not getattr(model, "built", True):
        call(model, x)
    calls: list = []
    open_calls: list = []

    def noted(original, layer, args, kwargs):
        place, parent = len(calls), open_calls[-1] if open_calls else None
        depth = len(open_calls)
        calls.append(None)
        open_calls.append(place)
        mask = _mask(args, kwargs)
        try:
            output = original(layer, *args, **kwargs)
        finally:
            open_calls.pop()
        inputs = args[0] if len(args) == 1 else args
        calls[place] = Call(
            layer,
            place,
            depth,
            parent,
            arrays(inputs),
            arrays(output),
            mask,
            len(calls),
        )
        return output

    with calls_go_through(noted):
        output = call(model, x, training)
    return arrays(output), calls


def replay(model, x, calls, replaced, watch=(), kept=None):
    """Run a model again with some results replaced.

    What was computed before the first replaced one is taken from the recording, or what
    is named.

    Parameters
    ----------
    model : keras.Model
        Which.
    x : object
        The input that was recorded, or for another number of rows anything of that
        shape: what is replaced decides.
    calls : list of Call
        Of `record`.
    replaced : dict of int to array, tensor or callable
        Place of a call, and what comes of it this time; of a callable, what it makes
        of the call, a function of the layer's first argument.
    watch : sequence of int
        Calls whose results are wanted, too.
    kept : set of int, optional
        Calls whose recorded results stand; those before the first replaced one by
        default.

    Returns
    -------
    object
        The model's output, as tensors; with `watch`, and a dict of place to result.
    """
    kept = range(min(replaced)) if kept is None else kept
    inside = set()  # calls in which something is replaced have to be made
    for place in replaced:
        parent = calls[place].parent
        while parent is not None:
            inside.add(parent)
            parent = calls[parent].parent
    place, seen = 0, {}

    def again(original, layer, args, kwargs):
        nonlocal place
        here = place
        if here >= len(calls) or calls[here].layer is not layer:
            raise NotExamined("the model does not call its layers in the same order")
        if here in replaced or (here in kept and here not in inside):
            place = calls[here].ends
            output = replaced.get(here, calls[here].output)
            if callable(output):
                output = output(lambda value: original(layer, tensors(value)))
            output = tensors(output)
        else:
            place += 1
            output = original(layer, *args, **kwargs)
        if here in watch:
            seen[here] = output
        return output

    with calls_go_through(again):
        output = call(model, x)
    return (output, seen) if watch else output
