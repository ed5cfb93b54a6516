"""Losses and metrics, however they are given: one way to ask for their numbers."""

import contextlib

import keras
import numpy as np
from keras import ops, tree

from . import rows, trace
from .rule import NotExamined


class Objective:
    """What a program minimizes.

    Parameters
    ----------
    function : callable
        (y, outputs, x) -> tensor of any shape, as the program has it before anything
        is averaged.
    reduce : callable
        The same, averaged or summed as the program does it: one number.
    takes_x : bool
        Whether the loss may look at the inputs.
    differentiable : bool
        Whether slopes come back from it.
    """

    def __init__(self, function, reduce, takes_x=False, differentiable=True):
        self._function = function
        self._reduce = reduce
        self.takes_x = takes_x
        self.differentiable = differentiable

    def values(self, y, outputs, x=None):
        """Compute the loss before it is averaged; a NumPy array of any shape."""
        return np.asarray(trace.arrays(self.compute(y, outputs, x)), np.float64)

    def compute(self, y, outputs, x=None):
        """Compute the loss before it is averaged, as a tensor."""
        return _asked(self._function, y, outputs, x)

    def tensor(self, y, outputs, x=None):
        """Compute the same, where slopes are wanted."""
        if not self.differentiable:
            raise NotExamined("the loss is computed in train_step: it gives no slopes")
        return self.compute(y, outputs, x)

    def total(self, y, outputs, x=None):
        """Compute the number that is minimized."""
        return float(np.asarray(trace.arrays(_asked(self._reduce, y, outputs, x))))

    def each(self, y, outputs, x=None):
        """Compute the loss of every row by itself, shape (rows,).

        Each row is shown to the loss as a batch of itself twice, so that no other row
        has a part in it, and a mean over the batch is no obstacle.
        """
        n = rows.count(outputs)
        doubled = [
            tuple(
                None if part is None else rows.take(part, [i, i])
                for part in (y, outputs, x)
            )
            for i in range(n)
        ]
        found = _many(self._function, doubled)
        return np.asarray([v.sum() / 2 if v.ndim else float(v) for v in found])

    def totals(self, batches):
        """Compute `total` for many batches of one shape, each (y, outputs, x)."""
        return np.asarray([float(v) for v in _many(self._reduce, batches)])


def _asked(function, y, outputs, x):
    try:
        return function(trace.tensors(y), trace.tensors(outputs), trace.tensors(x))
    except NotExamined:
        raise
    except Exception as error:
        raise NotExamined(
            f"the loss cannot be computed: {trace.sentence(error)}"
        ) from error


def _many(function, batches):
    """Ask a loss many times; compiled, if it can be, from a few dozen times on."""
    fast = _compiled(function) if len(batches) >= 16 else None
    found = []
    for batch in batches:
        value = None
        if fast is not None:
            try:
                value = fast(*(trace.tensors(part) for part in batch))
            except Exception:  # it does what no graph can, such as NumPy
                fast = None
        if value is None:
            value = _asked(function, *batch)
        found.append(np.asarray(trace.arrays(value), np.float64))
    return found


def _compiled(function):
    """Make a graph of a function, so that a call costs a tenth; or None."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False, reduce_retracing=True)
    if backend == "jax":
        import jax

        return jax.jit(function)
    return None


def objective(model, loss=None):
    """Find out what a program minimizes.

    Parameters
    ----------
    model : keras.Model or None
        Compiled with a loss, or with a `compute_loss` of its own, or neither.
    loss : optional
        A `keras.losses.Loss`, a function of (y, outputs), a name; goes before the
        model's own.

    Returns
    -------
    Objective

    Raises
    ------
    NotExamined
        If there is none, or one for each of several outputs.
    """
    own = _own_compute_loss(model)
    if loss is None and own:
        return Objective(own, own, takes_x=True)
    step = _own_train_step(model)
    if loss is None and step and _single(getattr(model, "loss", None)) is None:
        return Objective(step, step, takes_x=True, differentiable=False)
    if loss is None and model is not None:
        loss, compiled = getattr(model, "loss", None), True
    else:
        compiled = _is_compiled_with(model, loss)
    loss = _single(loss)
    if loss is None:
        raise NotExamined("no loss was given, and the model is not compiled with one")
    if isinstance(loss, str):
        loss, compiled = keras.losses.get(loss), True
    if isinstance(loss, keras.losses.Loss):
        return Objective(
            lambda y, out, x: loss.call(_float(y), out),
            lambda y, out, x: loss(y, out),
        )
    if not callable(loss):
        raise NotExamined(f"the loss is no function: {type(loss).__name__}")
    if compiled:
        # Keras mends the ranks of what it hands to a function (not to a Loss).
        whole = _Function(loss)
        return Objective(
            lambda y, out, x: whole.call(_float(y), out),
            lambda y, out, x: whole(y, out),
        )
    return Objective(
        lambda y, out, x: loss(y, out), lambda y, out, x: ops.mean(loss(y, out))
    )


class _Function(keras.losses.Loss):
    """What Keras makes of a function that is handed to `compile`."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, y_true, y_pred):
        if not isinstance(y_pred, list | tuple | dict):
            y_true, y_pred = _same_rank(y_true, y_pred)
        return self.function(y_true, y_pred)


def _same_rank(y, out):
    """Add or remove a last dimension of 1, as Keras 3 does."""
    if len(y.shape) == len(out.shape) + 1 and y.shape[-1] == 1:
        if len(out.shape) == 1:
            return y, ops.expand_dims(out, -1)
        return ops.squeeze(y, -1), out
    if len(out.shape) == len(y.shape) + 1 and out.shape[-1] == 1:
        if len(y.shape) == 1:
            return ops.expand_dims(y, -1), out
        return y, ops.squeeze(out, -1)
    return y, out


def _float(y):
    """Labels as Keras hands them to a loss: float32."""
    return tree.map_structure(
        lambda v: ops.cast(v, keras.backend.floatx()) if ops.is_tensor(v) else v, y
    )


def _single(loss):
    """Take the loss out of a list or dictionary of one."""
    if isinstance(loss, dict):
        loss = [each for each in loss.values() if each is not None]
    if isinstance(loss, list | tuple):
        if len(loss) > 1:
            raise NotExamined("there is a loss for each of several outputs")
        loss = loss[0] if loss else None
    return loss


def _is_compiled_with(model, loss):
    return model is not None and getattr(model, "loss", None) is loss


def _own_compute_loss(model):
    if not isinstance(model, keras.Model):
        return None
    if type(model).compute_loss is keras.Model.compute_loss:
        return None

    def compute(y, out, x):
        return model.compute_loss(x=x, y=y, y_pred=out)

    return compute


def _own_train_step(model):
    """Make a function of a model's own `train_step`, of which only the loss is wanted.

    Outputs are put in the place of the model's, and the optimizer stands still.
    """
    if not isinstance(model, keras.Model) or keras.backend.backend() != "tensorflow":
        return None
    if type(model).train_step is keras.Model.train_step:
        return None

    def compute(y, out, x):
        asked = []

        def answer(original, layer, args, kwargs):
            if layer is not model:
                return original(layer, *args, **kwargs)
            asked.append(layer)
            return trace.tensors(out)

        for metric in model.metrics:
            metric.reset_state()
        with _standing_still(model.optimizer), trace.calls_go_through(answer):
            logs = model.train_step((x, y))
        if not asked:
            raise NotExamined("its train_step does not call the model")
        if not isinstance(logs, dict):
            return logs
        named = [name for name in logs if "loss" in name.lower()] or list(logs)
        if "loss" not in logs and len(named) != 1:
            raise NotExamined("its train_step returns no loss")
        return logs["loss"] if "loss" in logs else logs[named[0]]

    return compute


@contextlib.contextmanager
def _standing_still(optimizer):
    """Let an optimizer do nothing."""
    names = [n for n in ("apply", "apply_gradients") if hasattr(optimizer, n)]
    for name in names:
        # Past Keras, which would track what is set on it.
        optimizer.__dict__[name] = lambda *_, **__: None
    try:
        yield
    finally:
        for name in names:
            optimizer.__dict__.pop(name, None)


class Measure:
    """A metric by its name and a function from labels and outputs to a number."""

    def __init__(self, name, function, kind=""):
        self.name = name
        self._function = function
        self._kind = kind

    def __call__(self, y, outputs):
        """Compute it for a batch; a float."""
        try:
            value = self._function(trace.tensors(y), trace.tensors(outputs))
            return float(np.mean(np.asarray(trace.arrays(value), np.float64)))
        except Exception as error:
            raise NotExamined(
                f"the metric {self.name} cannot be computed: {trace.sentence(error)}"
            ) from error

    @property
    def wants(self):
        """Say whether more is better (1), less is (-1), or nobody can tell (0)."""
        name = f"{self.name} {self._kind}".lower()
        more = ("acc", "auc", "precision", "recall", "f1", "purity", "hit", "top_k")
        less = ("eer", "error", "loss", "mse", "mae", "rate", "dcf", "miss")
        if any(part in name for part in less):
            return -1
        return 1 if any(part in name for part in more) else 0


# Trackers of the loss, and the container of compiled metrics.
_KEPT_BY_KERAS = (keras.metrics.Mean, keras.metrics.Sum)


def measures(model, metrics, y, outputs):
    """Find the metrics of a program.

    Parameters
    ----------
    model : keras.Model or None
        Compiled or not.
    metrics : metric, list, dict or None
        Go before the model's own.
    y, outputs : array_like
        A batch, from whose shapes Keras chooses among accuracies.

    Returns
    -------
    list of Measure
    """
    if metrics is None and isinstance(model, keras.Model):
        config = getattr(model, "_compile_metrics", None)
        metrics = getattr(config, "_user_metrics", None)
        if not metrics:  # those that its own train_step keeps
            metrics = [m for m in model.metrics if type(m) not in _KEPT_BY_KERAS]
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    if metrics is not None and not isinstance(metrics, list | tuple):
        metrics = [metrics]
    flat = [m for m in tree.flatten(metrics or []) if m is not None]
    return [_measure(metric, y, outputs) for metric in flat]


def _measure(metric, y, outputs):
    name = metric if isinstance(metric, str) else None
    if name and name.lower() in ("acc", "accuracy"):
        metric = _accuracy(y, outputs)
    elif name:
        metric = keras.metrics.get(name)
    if isinstance(metric, type):
        metric = metric()
    if isinstance(metric, keras.metrics.Metric):
        return Measure(
            name or metric.name,
            lambda a, b: _of_metric(metric, a, b),
            type(metric).__name__,
        )
    name = name or getattr(metric, "__name__", type(metric).__name__)
    # Keras hands labels to a metric as they are, and casts nothing.
    return Measure(name, metric)


def _accuracy(y, outputs):
    """Choose as Keras does for "accuracy"."""
    if np.ndim(outputs) and np.shape(outputs)[-1] == 1:
        return keras.metrics.BinaryAccuracy()
    if np.ndim(y) < np.ndim(outputs) or (np.ndim(y) and np.shape(y)[-1] == 1):
        return keras.metrics.SparseCategoricalAccuracy()
    return keras.metrics.CategoricalAccuracy()


def _of_metric(metric, y, outputs):
    """Ask a metric that counts, and leave its counts as they were."""
    kept = [ops.convert_to_numpy(v.value).copy() for v in metric.variables]
    other = {
        key: list(value) if isinstance(value, list) else value
        for key, value in vars(metric).items()
        if isinstance(value, list | int | float | np.ndarray)
    }
    try:
        metric.reset_state()
        metric.update_state(y, outputs)
        return metric.result()
    finally:
        for variable, value in zip(metric.variables, kept, strict=False):
            if tuple(variable.shape) == value.shape:
                variable.assign(value)
        for key, value in other.items():
            if isinstance(value, list) and isinstance(getattr(metric, key, 0), list):
                getattr(metric, key)[:] = value
