"""Losses, metrics and gradients, in whatever way a program defines them."""

import contextlib
from unittest import mock

import keras
import numpy as np
from keras import ops, tree

from ..training import preserve_state
from . import recorder
from .arrays import first_line, to_arrays, to_tensors
from .report import Skip


class LossError(Skip):
    """Raised if the loss of the program raises an exception."""

    @classmethod
    def by(cls, error):
        """Return the error that says which exception it was."""
        name = type(error.__cause__ or error).__name__
        return cls(f"{name} in the loss: {first_line(error)}")


class Loss:
    """What a program minimizes: one number for a batch.

    It is evaluated many times, so after some calls it is compiled if possible.

    Parameters
    ----------
    function : callable
        Structures of tensors, such as (x, y, outputs) -> scalar tensor.
    differentiable : bool
        Whether gradients flow through it.
    """

    _eager_calls = 12

    def __init__(self, function, differentiable=True):
        self.function, self.differentiable = function, differentiable
        self._graph = None
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            self._graph = tf.function(function, autograph=False)

    def tensor(self, *structures):
        """Return the loss of a batch as a tensor, for gradients."""
        if not self.differentiable:
            raise Skip("the loss is computed in train_step, which hides its gradient")
        return self.function(*to_tensors(structures))

    def __call__(self, *structures):
        """Return the loss of a batch, a float."""
        structures = to_tensors(structures)
        self._eager_calls -= 1
        if self._graph is not None and self._eager_calls < 0:
            try:
                return float(self._graph(*structures))
            except Exception:
                self._graph = None
        try:
            return float(to_arrays(self.function(*structures)))
        except Skip:
            raise
        except Exception as error:
            raise LossError.by(error) from error


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
        return Loss(lambda x, y, out: _mean(loss(y, out)))
    if is_model and type(model).compute_loss is not keras.Model.compute_loss:
        # As fit calls it.
        return Loss(lambda x, y, out: _mean(model.compute_loss(x, y, out, None)))
    own_step = is_model and type(model).train_step is not keras.Model.train_step
    if own_step and compiled is None and keras.backend.backend() == "tensorflow":
        return Loss(lambda x, y, out: _loss_of_train_step(model, x, y, out), False)
    if compiled is None:
        raise Skip("no loss was given, and the model is not compiled with one", "loss")
    fresh = type(compiled)(
        compiled._user_loss,
        compiled._user_loss_weights,
        output_names=compiled.output_names,
    )
    return Loss(lambda x, y, out: fresh(y, out))


def _mean(value):
    return ops.mean(ops.cast(ops.convert_to_tensor(value), "float32"))


def _loss_of_train_step(model, x, y, outputs):
    """Return the loss that `train_step` reports, without changing the weights."""
    for metric in model.metrics:
        metric.reset_state()
    # Not by setattr, because Keras would track the values.
    idle = dict.fromkeys(("apply", "apply_gradients"), lambda *_, **__: None)
    with (
        mock.patch.dict(getattr(model.optimizer, "__dict__", {}), idle),
        recorder.answer_calls(model, outputs) as asked,
    ):
        logs = model.train_step((x, y) if y is not None else (x,))
    if not asked:
        raise Skip("its train_step does not call the model", "loss")
    if not isinstance(logs, dict):
        return logs
    names = [name for name in logs if "loss" in name.lower()] or list(logs)
    if "loss" in logs or len(names) == 1:
        return logs.get("loss", logs[names[0]])
    raise Skip("its train_step returns no loss", "loss")


def pop_added_losses(model):
    """Return the losses that layers added, without regularization, and forget them."""
    layers = model._flatten_layers(include_self=True)
    found = [loss for layer in layers for loss in getattr(layer, "_losses", ())]
    model._clear_losses()
    return found


# ------------------------------------------------------------------------------ metrics


class Metric:
    """A metric of a program, resolved by Keras: a function from a batch to a number.

    Parameters
    ----------
    metric : str, type, keras.metrics.Metric or callable
        As `keras.Model.compile` takes it.
    """

    def __init__(self, metric):
        self._metric = metric() if isinstance(metric, type) else metric
        names = (metric, getattr(metric, "name", ""), getattr(metric, "__name__", ""))
        self.name = next((n for n in names if n and isinstance(n, str)), str(metric))

    def __call__(self, y, outputs):
        """Return its value for a batch, a float; its own counts are restored."""
        with _from_zero(self._metric):
            try:
                # Keras chooses the kind of accuracy by the shapes.
                judge = keras.Model()
                judge.compile(metrics=[self._metric])
                *_, value = judge.compute_metrics(
                    None, *to_tensors((y, outputs))
                ).values()
                return float(np.mean(to_arrays(value)))
            except Exception as error:
                raise Skip(
                    f"the metric {self.name} raises {type(error).__name__}: "
                    f"{first_line(error)}"
                ) from error

    @property
    def direction(self):
        """1 if a greater value is better, -1 if a smaller one is, 0 if unknown."""
        return direction(f"{self.name} {type(self._metric).__name__}")


def direction(name):
    """Tell by the name of a metric whether more is better: 1, -1, or 0 if unknown."""
    smaller = "eer error loss mse mae false dcf mis".split()
    greater = "acc auc precision recall f1 purity hit top_k correct match".split()
    if any(part in name.lower() for part in smaller):
        return -1
    return int(any(part in name.lower() for part in greater))


@contextlib.contextmanager
def _from_zero(metric):
    """Let a metric begin to count, and restore afterwards what it had counted."""
    if not isinstance(metric, keras.metrics.Metric):
        yield
        return
    lists = {k: list(v) for k, v in vars(metric).items() if isinstance(v, list)}
    try:
        with preserve_state(metric):
            metric.reset_state()
            yield
    finally:
        for key, value in lists.items():
            getattr(metric, key)[:] = value


def find_metrics(model, metrics):
    """Find the metrics of a program.

    Parameters
    ----------
    model : keras.Model or other
        Compiled or not.
    metrics : metric, list, dict or None
        They take precedence over those of the model.

    Returns
    -------
    list of Metric

    Raises
    ------
    Skip
        If there is none.
    """
    if metrics is None and isinstance(model, keras.Model):
        compiled = getattr(model, "_compile_metrics", None)
        metrics = getattr(compiled, "_user_metrics", None)
        if not metrics:  # those of its own train_step, without trackers of the loss
            trackers = (keras.metrics.Mean, keras.metrics.Sum)
            metrics = [m for m in model.metrics if type(m) not in trackers]
    found = [Metric(m) for m in tree.flatten(metrics or []) if m is not None]
    if not found:
        raise Skip("no metric was given", "metrics")
    return found


# ---------------------------------------------------------------------------- gradients


def gradient(function, *arrays):
    """Differentiate the sum of a function, with TensorFlow or JAX.

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

    Raises
    ------
    Skip
        If no gradient can be computed.
    """
    places = [ops.convert_to_tensor(array, "float32") for array in arrays]

    def total(*tensors):
        return ops.sum(ops.cast(function(*tensors), "float32"))

    try:
        if keras.backend.backend() == "jax":
            import jax

            found = jax.grad(total, argnums=tuple(range(len(places))))(*places)
        else:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                tape.watch(places)
                value = total(*places)
            found = tape.gradient(value, places)
    except Skip:
        raise
    except Exception as error:
        raise Skip(f"no gradient can be computed: {first_line(error)}") from error
    return [
        np.zeros(place.shape, np.float32) if slope is None else to_arrays(slope)
        for place, slope in zip(places, found, strict=True)
    ]


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
    fixed = [v.value for v in model.non_trainable_variables]

    def cost(*weights):
        return loss.tensor(x, y, model.stateless_call(weights, fixed, to_tensors(x))[0])

    slopes = gradient(cost, *(v.value for v in model.trainable_variables))
    return [float(np.linalg.norm(slope)) for slope in slopes]
