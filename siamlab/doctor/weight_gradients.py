"""How large the gradient of each weight is, whichever backend Keras has."""

import keras
import numpy as np
from keras import ops

from . import trace
from .rule import NotExamined


def norms(model, objective, x, y):
    """Give the norm of the loss's gradient by each trainable weight.

    Parameters
    ----------
    model : keras.Model
        Run as in inference; nothing in it changes.
    objective : Objective
        Its loss, averaged over the batch.
    x, y : object
        A batch, as arrays.

    Returns
    -------
    list of float
        One for each of `model.trainable_variables`.
    """
    variables = model.trainable_variables
    if not variables:
        raise NotExamined("the model has no trainable weights")

    def loss(out):
        values = objective.tensor(y, out, x)
        return ops.mean(ops.cast(values, "float32"))

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss(trace.call(model, x))
        slopes = tape.gradient(value, [v.value for v in variables])
        slopes = [None if s is None else tf.convert_to_tensor(s) for s in slopes]
    elif backend == "torch":
        import torch

        value = loss(trace.call(model, x))
        slopes = torch.autograd.grad(
            value, [v.value for v in variables], allow_unused=True
        )
    elif backend == "jax":
        import jax

        fixed = [v.value for v in model.non_trainable_variables]

        def of(trainable):
            out, _ = model.stateless_call(trainable, fixed, trace.tensors(x))
            return loss(out)

        slopes = jax.grad(of)([v.value for v in variables])
    else:
        raise NotExamined(f"no gradients on the backend {backend!r}")
    return [
        0.0 if s is None else float(np.linalg.norm(ops.convert_to_numpy(s)))
        for s in slopes
    ]
