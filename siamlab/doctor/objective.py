"""Losses, metrics and gradients, in whatever way a program defines them."""

import contextlib

import keras
import numpy as np
from keras import ops, tree

from . import recorder
from .arrays import first_line, flatten, to_arrays, to_tensors
from .report import Skip


class LossError(Skip):
    """Raised if the loss of the program raises an exception."""


class Loss:
    """What a program minimizes: one number for a batch.

    Parameters
    ----------
    function : callable
        (x, y, outputs) -> scalar tensor.
    differentiable : bool
        Whether gradients flow through it.
    eager_calls : int
        Number of calls before it is compiled to a graph.
    values : callable, optional
        The same as `function` before anything is averaged.
    """

    def __init__(self, function, differentiable=True, eager_calls=12, values=None):
        self._function = function
        self._values = values or function
        self.differentiable = differentiable
        self._evaluate = Evaluation(function, eager_calls)

    def __call__(self, x, y, outputs):
        """Return the loss of a batch, a float."""
        return float(self._evaluate(x, y, outputs))

    def tensor(self, x, y, outputs):
        """Return the loss of a batch as a tensor, for gradients."""
        if not self.differentiable:
            raise Skip("the loss is computed in train_step, which hides its gradient")
        return self._function(to_tensors(x), to_tensors(y), to_tensors(outputs))

    def values(self, x, y, outputs):
        """Return the loss as a tensor, before it is averaged if that is known."""
        return self._values(to_tensors(x), to_tensors(y), to_tensors(outputs))


class Evaluation:
    """A function of arrays that is evaluated many times, compiled if possible.

    Parameters
    ----------
    function : callable
        Structures of tensors -> one tensor.
    eager_calls : int
        Number of calls before it is compiled.
    """

    def __init__(self, function, eager_calls=0):
        self._function = function
        self._graphs: dict = {}
        self._eager_calls = eager_calls
        self._use_graph = keras.backend.backend() == "tensorflow"

    def __call__(self, *structures):
        """Return the value, a float64 array."""
        structures = tuple(_float32(s) for s in structures)
        self._eager_calls -= 1
        if self._use_graph and self._eager_calls < 0:
            try:
                return self._in_graph(structures)
            except Exception:
                self._use_graph = False
        try:
            value = self._function(*(to_tensors(s) for s in structures))
            return np.asarray(to_arrays(value), np.float64)
        except Skip:
            raise
        except Exception as error:
            raise LossError(
                f"{type(error).__name__} in the loss: {first_line(error)}"
            ) from error

    def _in_graph(self, structures):
        import tensorflow as tf

        leaves = tree.flatten(structures)
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray)]
        key = tuple((leaves[i].shape, leaves[i].dtype.str) for i in places)
        if key not in self._graphs:

            def run(*tensors):
                new = list(leaves)
                for i, tensor in zip(places, tensors, strict=True):
                    new[i] = tensor
                return self._function(*tree.pack_sequence_as(structures, new))

            self._graphs[key] = tf.function(run, autograph=False)
        values = [tf.constant(leaves[i]) for i in places]
        with _without_graph_rewriting():
            return np.asarray(self._graphs[key](*values), np.float64)


@contextlib.contextmanager
def _without_graph_rewriting():
    """Leave graphs as they are, so that they round as the loss does without a graph."""
    import tensorflow as tf

    name = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(name, False)
    tf.config.optimizer.set_experimental_options({name: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({name: before})


def _float32(structure):
    return tree.map_structure(
        lambda a: (
            a.astype(np.float32)
            if isinstance(a, np.ndarray) and a.dtype == np.float64
            else a
        ),
        structure,
    )


def find_loss(model, loss=None):
    """Find what a program minimizes.

    Parameters
    ----------
    model : keras.Model or other
        Compiled with a loss, or with its own `compute_loss` or `train_step`, or
        neither.
    loss : optional
        A `keras.losses.Loss`, a function of (y, outputs), or a name. It takes
        precedence over the loss of the model.

    Returns
    -------
    Loss

    Raises
    ------
    Skip
        If there is none.
    """
    is_model = isinstance(model, keras.Model)
    compiled = getattr(model, "_compile_loss", None) if is_model else None
    if loss is not None and (compiled is None or loss is not compiled._user_loss):
        if isinstance(loss, str):
            loss = keras.losses.get(loss)
        if not callable(loss):
            raise Skip(f"the loss must be a function; it is a {type(loss).__name__}")
        # As in a training loop of one's own: the labels are not converted.
        return Loss(
            lambda x, y, out: _mean(loss(y, out)), values=_unreduced(loss, cast=False)
        )
    if is_model and type(model).compute_loss is not keras.Model.compute_loss:
        return Loss(lambda x, y, out: _compute_loss(model, x, y, out))
    own_step = is_model and type(model).train_step is not keras.Model.train_step
    if own_step and compiled is None and keras.backend.backend() == "tensorflow":
        return Loss(lambda x, y, out: _loss_of_train_step(model, x, y, out), False)
    if compiled is not None:
        fresh = type(compiled)(
            compiled._user_loss,
            compiled._user_loss_weights,
            output_names=compiled.output_names,
        )
        values = _unreduced(compiled._user_loss)
        return Loss(lambda x, y, out: fresh(y, out), values=values)
    raise Skip("no loss was given, and the model is not compiled with one", "loss")


def _unreduced(loss, cast=True):
    """Return a loss as a function of (x, y, outputs), before it is averaged."""
    if isinstance(loss, dict) and len(loss) == 1:
        loss = next(iter(loss.values()))
    if isinstance(loss, list | tuple) and len(loss) == 1:
        loss = loss[0]
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if not callable(loss):
        return None
    if isinstance(loss, keras.losses.Loss):
        function, cast = loss.call, True
    else:
        function = loss
    return lambda x, y, out: function(_floats(y) if cast else y, out)


def _mean(value):
    return ops.mean(ops.cast(ops.convert_to_tensor(value), "float32"))


def _floats(y):
    """Convert labels to float32, as Keras does before it calls a loss."""
    return tree.map_structure(
        lambda v: ops.cast(v, keras.backend.floatx()) if ops.is_tensor(v) else v, y
    )


def _compute_loss(model, x, y, outputs):
    try:
        return _mean(model.compute_loss(x=x, y=y, y_pred=outputs))
    except TypeError as error:
        if "sample_weight" not in str(error):
            raise
    return _mean(model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=None))


def _loss_of_train_step(model, x, y, outputs):
    """Return the loss that `train_step` reports, without changing the weights."""
    for metric in model.metrics:
        metric.reset_state()
    with (
        _idle(model.optimizer),
        recorder.answer_calls(model, outputs) as asked,
    ):
        logs = model.train_step((x, y) if y is not None else (x,))
    if not asked:
        raise Skip("its train_step does not call the model", "loss")
    if not isinstance(logs, dict):
        return logs
    names = [name for name in logs if "loss" in name.lower()] or list(logs)
    if "loss" not in logs and len(names) != 1:
        raise Skip("its train_step returns no loss", "loss")
    return logs["loss"] if "loss" in logs else logs[names[0]]


@contextlib.contextmanager
def _idle(optimizer):
    """Let an optimizer do nothing."""
    names = [n for n in ("apply", "apply_gradients") if hasattr(optimizer, n)]
    for name in names:
        # Not through setattr, because Keras would track the value.
        optimizer.__dict__[name] = lambda *_, **__: None
    try:
        yield
    finally:
        for name in names:
            optimizer.__dict__.pop(name, None)


def added_losses(model):
    """Return the losses that layers added themselves, without regularization."""
    layers = model._flatten_layers(include_self=True)
    return [loss for layer in layers for loss in getattr(layer, "_losses", ())]


def clear_added_losses(model):
    """Forget the losses that layers added."""
    for layer in model._flatten_layers(include_self=True):
        if getattr(layer, "_losses", None):
            layer._clear_losses()


# ------------------------------------------------------------------------------ metrics


class Metric:
    """A metric of a program: a name, and a function from a batch to a number."""

    def __init__(self, name, function, kind=""):
        self.name = name
        self._function = function
        self._kind = kind

    def __call__(self, y, outputs):
        """Return its value for a batch, a float."""
        try:
            value = self._function(to_tensors(y), to_tensors(outputs))
            return float(np.mean(np.asarray(to_arrays(value), np.float64)))
        except Exception as error:
            raise Skip(
                f"the metric {self.name} raises {type(error).__name__}: "
                f"{first_line(error)}"
            ) from error

    @property
    def direction(self):
        """1 if a greater value is better, -1 if a smaller one is, 0 if unknown."""
        name = f"{self.name} {self._kind}".lower()
        smaller = ("eer", "error", "loss", "mse", "mae", "rate", "dcf", "miss")
        greater = ("acc", "auc", "precision", "recall", "f1", "purity", "hit", "top_k")
        if any(part in name for part in smaller):
            return -1
        return 1 if any(part in name for part in greater) else 0


def find_metrics(model, metrics, y, outputs):
    """Find the metrics of a program.

    Parameters
    ----------
    model : keras.Model or other
        Compiled or not.
    metrics : metric, list, dict or None
        They take precedence over those of the model.
    y, outputs : array
        A batch. Keras chooses the kind of accuracy by its shapes.

    Returns
    -------
    list of Metric
    """
    if metrics is None and isinstance(model, keras.Model):
        compiled = getattr(model, "_compile_metrics", None)
        metrics = getattr(compiled, "_user_metrics", None)
        if not metrics:  # those of its own train_step, without trackers of the loss
            trackers = (keras.metrics.Mean, keras.metrics.Sum)
            metrics = [m for m in model.metrics if type(m) not in trackers]
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    found = [m for m in tree.flatten(metrics or []) if m is not None]
    return [_metric(metric, y, outputs) for metric in found]


def _metric(metric, y, outputs):
    name = metric if isinstance(metric, str) else None
    if name and name.lower() in ("acc", "accuracy"):
        metric = _accuracy(y, outputs)
    elif name:
        metric = keras.metrics.get(name)
    if isinstance(metric, type):
        metric = metric()
    if isinstance(metric, keras.metrics.Metric):
        return Metric(
            name or metric.name,
            lambda a, b: _result(metric, a, b),
            type(metric).__name__,
        )
    name = name or getattr(metric, "__name__", type(metric).__name__)
    return Metric(name, metric)


def _accuracy(y, outputs):
    """Choose the kind of accuracy as Keras does."""
    if np.ndim(outputs) and np.shape(outputs)[-1] == 1:
        return keras.metrics.BinaryAccuracy()
    if np.ndim(y) < np.ndim(outputs) or (np.ndim(y) and np.shape(y)[-1] == 1):
        return keras.metrics.SparseCategoricalAccuracy()
    return keras.metrics.CategoricalAccuracy()


def _result(metric, y, outputs):
    """Return the result of a metric that counts, and restore its counts."""
    saved = [ops.convert_to_numpy(v.value).copy() for v in metric.variables]
    lists = {k: list(v) for k, v in vars(metric).items() if isinstance(v, list)}
    try:
        metric.reset_state()
        metric.update_state(y, outputs)
        return metric.result()
    finally:
        for variable, value in zip(metric.variables, saved, strict=False):
            if tuple(variable.shape) == value.shape:
                variable.assign(value)
        for key, value in lists.items():
            if isinstance(getattr(metric, key, None), list):
                getattr(metric, key)[:] = value


# ---------------------------------------------------------------------------- gradients


def gradient(function, *arrays):
    """Differentiate the sum of a function, on any backend of Keras.

    Parameters
    ----------
    function : callable
        Tensors -> one tensor.
    *arrays : array
        Where.

    Returns
    -------
    list of numpy.ndarray
        In the shapes of the arrays; 0 where nothing depends on them.
    """
    places = [np.asarray(array, np.float32) for array in arrays]

    def total(*tensors):
        return ops.sum(ops.cast(function(*tensors), "float32"))

    backend = keras.backend.backend()
    try:
        if backend == "tensorflow":
            found = _tensorflow_gradient(total, places)
        elif backend == "jax":
            import jax

            found = jax.grad(total, argnums=tuple(range(len(places))))(*places)
        else:
            found = _torch_gradient(total, places)
    except Skip:
        raise
    except Exception as error:
        raise Skip(f"no gradient can be computed: {first_line(error)}") from error
    return [
        np.zeros_like(array) if slope is None else np.asarray(slope)
        for array, slope in zip(places, found, strict=True)
    ]


def _tensorflow_gradient(total, arrays):
    import tensorflow as tf

    tensors = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = total(*tensors)
    return tape.gradient(value, tensors)


def _torch_gradient(total, arrays):
    import torch

    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    value = total(*tensors)
    if not value.requires_grad:
        return [None] * len(tensors)
    found = torch.autograd.grad(value, tensors, allow_unused=True)
    return [None if slope is None else slope.numpy() for slope in found]


def weight_gradient_norms(model, loss, x, y):
    """Return the norm of the gradient of the loss for each trainable weight.

    Parameters
    ----------
    model : keras.Model
        It runs as in inference, and does not change.
    loss : Loss
        Its loss.
    x, y : object
        A batch.

    Returns
    -------
    list of float
        One for each of `model.trainable_variables`.
    """
    variables = model.trainable_variables
    if not variables:
        raise Skip("the model has no trainable weights")
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss.tensor(x, y, recorder.call_model(model, x))
        slopes = tape.gradient(value, [v.value for v in variables])
        slopes = [None if s is None else tf.convert_to_tensor(s) for s in slopes]
    elif backend == "jax":
        import jax

        fixed = [v.value for v in model.non_trainable_variables]

        def total(trainable):
            outputs, _ = model.stateless_call(trainable, fixed, to_tensors(x))
            return loss.tensor(x, y, outputs)

        slopes = jax.grad(total)([v.value for v in variables])
    else:
        import torch

        value = loss.tensor(x, y, recorder.call_model(model, x))
        weights = [v.value for v in variables]
        slopes = torch.autograd.grad(value, weights, allow_unused=True)
    return [
        0.0 if slope is None else float(np.linalg.norm(ops.convert_to_numpy(slope)))
        for slope in slopes
    ]


def is_finite(value):
    """Return whether all numbers of a structure are finite."""
    return all(np.isfinite(a).all() for a in flatten(value) if a.dtype.kind == "f")
