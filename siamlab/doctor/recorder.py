"""Records what the layers of a model compute, and runs a model with other values.

However a model is built, in the end its layers are called. `record` notes each call and
its result; `replay` runs the model again with some of the results replaced. So any
embeddings can be put into a siamese model, and any outputs under a layer that computes
a loss, without knowing how the model was written. `ctc_calls` notes with which
arguments a CTC loss is called.

This is the only file of siamlab that replaces attributes of Keras and TensorFlow. Each
is put back at the end of its context, also after an error. Tested with Keras 3.10 to
3.15 and TensorFlow 2.18 to 2.21.
"""

import contextlib
import contextvars
import dataclasses
import functools
import inspect
import logging
import sys
import traceback
from unittest import mock

import keras
import numpy as np
from keras import ops, tree

from .arrays import first_line, to_tensors
from .report import Skip


@dataclasses.dataclass(eq=False)
class Call:
    """One call of a layer, or of an operation of a functional model.

    Parameters
    ----------
    layer : keras.Operation
        The layer.
    place : int
        Number of the call, in the order in which the calls began.
    parent : int or None
        Place of the call in which this one was made.
    inputs, output : object
        Arrays, or structures of arrays.
    mask : numpy.ndarray or None
        Mask of the first input.
    ends : int
        The place after all calls that were made in this one.
    reads, writes : tuple of int
        Numbers of the tensors that it receives and returns.
    """

    layer: object
    place: int
    parent: int | None
    inputs: object
    mask: object
    reads: tuple
    output: object = None
    ends: int = 0
    writes: tuple = ()

    @property
    def is_model(self):
        """Whether the layer consists of other layers."""
        return self.ends > self.place + 1 or isinstance(self.layer, keras.Model)


def record(model, x, training=False):
    """Run a model on a batch and note the calls of its layers.

    Parameters
    ----------
    model : keras.Model
        It is built, if it was not.
    x : object
        Its input, arrays in any structure.
    training : bool
        Whether to run it as in training.

    Returns
    -------
    output : object
        Arrays.
    calls : list of Call
        In the order in which they began.

    Raises
    ------
    Skip
        If the model cannot be called.
    """
    if not getattr(model, "built", True):
        call_model(model, x)
    calls: list = []
    open_calls: list = []
    tensors: dict = {}  # kept, so that no two have one identity

    def numbers(value):
        found = [t for t in tree.flatten(value) if ops.is_tensor(t)]
        return tuple(tensors.setdefault(id(t), (len(tensors), t))[0] for t in found)

    def note(original, layer, args, kwargs):
        parent = open_calls[-1] if open_calls else None
        inputs = _arrays(args[0] if len(args) == 1 else args)
        reads = numbers((args, kwargs))
        call = Call(layer, len(calls), parent, inputs, _mask(args, kwargs), reads)
        calls.append(call)
        open_calls.append(call.place)
        try:
            output = original(layer, *args, **kwargs)
        finally:
            open_calls.pop()
        call.output, call.ends = _arrays(output), len(calls)
        call.writes = numbers(output)
        return output

    with _calls_go_through(note):
        output = call_model(model, x, training)
    return _arrays(output), calls


def replay(model, x, calls, replaced, kept=None):
    """Run a model again with some results replaced.

    Parameters
    ----------
    model : keras.Model
        The model.
    x : object
        Its input; for another number of rows anything of that shape, because only what
        is replaced counts.
    calls : list of Call
        The result of `record`.
    replaced : dict of int to array, tensor or callable
        Place of a call, and its new result. A callable receives the layer, as a
        function of its input.
    kept : set of int, optional
        Calls whose recorded results are used; by default those before the first one
        that is replaced.

    Returns
    -------
    object
        The output of the model, tensors.
    """
    kept = range(min(replaced)) if kept is None else kept
    inside = set()  # calls in which something is replaced must be made
    for place in replaced:
        parent = calls[place].parent
        while parent is not None:
            inside.add(parent)
            parent = calls[parent].parent
    place = 0

    def repeat(original, layer, args, kwargs):
        nonlocal place
        here = place
        if here >= len(calls) or calls[here].layer is not layer:
            raise Skip("the model does not call its layers in the same order each time")
        if here in replaced or (here in kept and here not in inside):
            place = calls[here].ends
            output = replaced.get(here, calls[here].output)
            if callable(output):
                output = output(lambda value: original(layer, to_tensors(value)))
            return to_tensors(output)
        place += 1
        return original(layer, *args, **kwargs)

    with _calls_go_through(repeat):
        return call_model(model, x)


def call_model(model, x, training=False):
    """Call a model, or raise `Skip` with the reason why that fails."""
    if model is None:
        raise Skip("no model was given")
    takes_training = isinstance(model, keras.layers.Layer) and "training" in getattr(
        model, "_call_context_args", {"training"}
    )
    kwargs = {"training": training} if takes_training else {}
    try:
        return model(to_tensors(x), **kwargs)
    except Skip:
        raise
    except Exception as error:
        raise Skip(
            f"the model cannot be called on this batch: {first_line(error)}"
        ) from error


@contextlib.contextmanager
def answer_calls(model, output):
    """Let each call of a model return `output` instead of what it computes."""
    asked: list = []

    def answer(original, layer, args, kwargs):
        if layer is not model:
            return original(layer, *args, **kwargs)
        asked.append(layer)
        return output

    with _calls_go_through(answer):
        yield asked


def _arrays(value):
    return tree.map_structure(
        lambda x: ops.convert_to_numpy(x) if ops.is_tensor(x) else x, value
    )


@contextlib.contextmanager
def _calls_go_through(function):
    """Let `function` make each call of a layer or an operation."""
    of_layer, of_operation = keras.layers.Layer.__call__, keras.Operation.__call__
    inside: list = []  # leaves that are being called

    def through(call, layer, args, kwargs):
        values = tree.flatten((args, kwargs))
        if inside or any(isinstance(value, keras.KerasTensor) for value in values):
            return call(layer, *args, **kwargs)
        # The parts of Keras' own layers do not matter.
        is_own = type(layer).__module__.split(".")[0] == "keras"
        if not is_own or isinstance(layer, keras.Model):
            return function(call, layer, args, kwargs)
        inside.append(layer)
        try:
            return function(_faster(call, layer), layer, args, kwargs)
        finally:
            inside.pop()

    def layer_call(layer, *args, **kwargs):
        return through(of_layer, layer, args, kwargs)

    def operation_call(operation, *args, **kwargs):
        if isinstance(operation, keras.layers.Layer):  # from Layer.__call__
            return of_operation(operation, *args, **kwargs)
        return through(of_operation, operation, args, kwargs)

    with (
        mock.patch.object(keras.layers.Layer, "__call__", layer_call),
        mock.patch.object(keras.Operation, "__call__", operation_call),
    ):
        yield


_GRAPHS: contextvars.ContextVar = contextvars.ContextVar("graphs", default=None)


@contextlib.contextmanager
def compiled_layers():
    """Run recurrent layers as graphs, which takes a tenth of the time.

    Each layer is compiled once, as long as the context lasts. Graphs are not rewritten,
    so that they round as the program does without a graph. TensorFlow's warnings about
    repeated compilation are suppressed.
    """
    with contextlib.ExitStack() as stack:
        stack.callback(_GRAPHS.reset, _GRAPHS.set({}))
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            log, optimizer = logging.getLogger("tensorflow"), tf.config.optimizer
            stack.callback(log.setLevel, log.level)
            log.setLevel(logging.ERROR)
            name, change = "disable_meta_optimizer", optimizer.set_experimental_options
            before = optimizer.get_experimental_options().get(name, False)
            stack.callback(change, {name: before})
            change({name: True})
        yield


def _faster(call, layer):
    """Return the call of a recurrent layer as a graph, any other call as it is."""
    graphs = _GRAPHS.get()
    recurrent = isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
    if graphs is None or not recurrent or keras.backend.backend() != "tensorflow":
        return call
    import tensorflow as tf

    compiled = tf.function(call, reduce_retracing=True, autograph=False)
    graph = graphs.setdefault(id(layer), compiled)

    def fast(layer, x, *args, mask=None, **kwargs):
        mask = getattr(x, "_keras_mask", None) if mask is None else mask
        try:
            output = graph(layer, x, *args, mask=mask, **kwargs)
        except Exception:  # something in it does not work in a graph
            graphs[id(layer)] = call
            return call(layer, x, *args, mask=mask, **kwargs)
        for each in tree.flatten(output):
            if mask is not None and tuple(each.shape[:2]) == tuple(mask.shape):
                each._keras_mask = mask  # as Keras does; a graph loses it
        return output

    return fast


def _mask(args, kwargs):
    mask = kwargs.get("mask")
    if mask is None and args:
        first = tree.flatten(args[0])
        mask = getattr(first[0], "_keras_mask", None) if first else None
    return None if mask is None or isinstance(mask, list | tuple) else _arrays(mask)


# ------------------------------------------------------------------ calls of CTC losses


@dataclasses.dataclass(frozen=True)
class CTCCall:
    """The arguments with which a CTC loss was called, as arrays.

    Parameters
    ----------
    labels : numpy.ndarray or list of numpy.ndarray
        With their padding, shape (batch, labels); a list if they were sparse.
    outputs : numpy.ndarray
        Shape (batch, time, classes).
    label_length, output_length : numpy.ndarray or None
        In the shape in which they were given.
    blank : int
        Class of the blank, from 0.
    kind : {"logits", "probabilities"}
        The kind of outputs that the loss expects.
    length_ndim : int
        Number of dimensions of the lengths that it expects.
    """

    labels: np.ndarray | list
    outputs: np.ndarray
    label_length: np.ndarray | None
    output_length: np.ndarray | None
    blank: int
    kind: str = "logits"
    length_ndim: int = 1

    @property
    def told(self):
        """The labels that the loss uses, a list of arrays."""
        if self.label_length is None:
            return list(self.labels)
        lengths = np.maximum(self.label_length.reshape(-1).astype(int), 0)
        return [row[:n] for row, n in zip(self.labels, lengths, strict=False)]


def _array(value):
    if value is None:
        return None
    if hasattr(value, "indices"):  # sparse labels, without padding
        rows = np.asarray(value.indices)[:, 0]
        n = int(np.asarray(value.dense_shape)[0])
        return [np.asarray(value.values)[rows == i] for i in range(n)]
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(ops.convert_to_numpy(value))


# What the arguments are called in Keras, TensorFlow and PyTorch.
_ARGUMENTS = {
    "labels": "target y_true labels targets",
    "outputs": "output y_pred logits inputs log_probs",
    "label_length": "target_length label_length target_lengths",
    "output_length": "output_length input_length logit_length input_lengths "
    "sequence_length",
    "blank": "mask_index blank_index blank",
    "time_major": "logits_time_major time_major",
}


def _ctc_functions():
    """Yield the functions that compute a CTC loss: module, name, fixed properties."""
    yield keras.src.backend.nn, "ctc_loss", {}
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        batch_cost = {"blank": -1, "kind": "probabilities", "length_ndim": 2}
        yield tf.nn, "ctc_loss", {}
        # This is called by ctc_batch_cost, in case that was kept before.
        yield tf.compat.v1.nn, "ctc_loss", {"blank": -1}
        yield tf.keras.backend, "ctc_batch_cost", batch_cost
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        yield torch.nn.functional, "ctc_loss", {"time_major": True}


def _read_call(function, args, kwargs, fixed):
    """Return the arguments of a call as a `CTCCall`."""
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    given = bound.arguments
    found = {
        role: next((given[n] for n in names.split() if given.get(n) is not None), None)
        for role, names in _ARGUMENTS.items()
    } | fixed
    time_major, blank = found.pop("time_major"), int(found.pop("blank") or 0)
    arrays = {k: _array(v) if k in _ARGUMENTS else v for k, v in found.items()}
    if time_major and arrays["outputs"].ndim == 3:
        arrays["outputs"] = arrays["outputs"].swapaxes(0, 1)
    n_classes = arrays["outputs"].shape[-1]
    return CTCCall(**arrays, blank=blank + n_classes if blank < 0 else blank)


def raised_by(error):
    """Return the call of a CTC loss that raised an error, from its traceback, or None.

    So the call is known of a loss that a program has taken before it was replaced.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for module, name, fixed in _ctc_functions():
        function = inspect.unwrap(getattr(module, name))
        for frame in frames:
            if frame.f_code is getattr(function, "__code__", None):
                names = inspect.signature(function).parameters
                given = {each: frame.f_locals[each] for each in names}
                return _read_call(function, (), given, fixed)
    return None


@contextlib.contextmanager
def ctc_calls():
    """Note the calls of CTC losses.

    Yields
    ------
    list of CTCCall
        Grows with each call; a call inside another one is not counted.
    """
    seen: list[CTCCall] = []
    inside: list[bool] = []

    def noting(original, fixed):
        @functools.wraps(original)
        def through(*args, **kwargs):
            if not inside:
                # Arguments that cannot be read, such as symbols, are ignored.
                with contextlib.suppress(Exception):
                    seen.append(_read_call(original, args, kwargs, fixed))
            inside.append(True)
            try:
                return original(*args, **kwargs)
            finally:
                inside.pop()

        return through

    with contextlib.ExitStack() as stack:
        for module, name, fixed in _ctc_functions():
            through = noting(getattr(module, name), fixed)
            stack.enter_context(mock.patch.object(module, name, through))
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            # Step by step, so that calls within a tf.function are seen.
            run_eagerly = tf.config.run_functions_eagerly
            stack.callback(run_eagerly, tf.config.functions_run_eagerly())
            run_eagerly(True)
        yield seen
