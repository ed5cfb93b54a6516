"""Gradients on whatever Keras calculates with."""

import keras
import numpy as np


def value_and_gradients(function, *arrays):
    """Value of a function of tensors, summed, and its gradient by each of them."""

    def total(*tensors):
        return keras.ops.sum(function(*tensors))

    arrays = [keras.ops.convert_to_tensor(array) for array in arrays]
    value, gradients = _WAYS[keras.backend.backend()](total, arrays)
    value = keras.ops.convert_to_numpy(value)
    return float(value), [keras.ops.convert_to_numpy(g) for g in gradients]


def value_and_gradient(function, array):
    """The same for a function of one tensor."""
    value, (gradient,) = value_and_gradients(function, array)
    return value, np.asarray(gradient)


def _tensorflow(total, arrays):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(arrays)
        value = total(*arrays)
    none = tf.UnconnectedGradients.ZERO
    return value, tape.gradient(value, arrays, unconnected_gradients=none)


def _jax(total, arrays):
    import jax

    return jax.value_and_grad(total, argnums=tuple(range(len(arrays))))(*arrays)


def _torch(total, arrays):
    import torch

    leaves = [array.detach().clone().requires_grad_() for array in arrays]
    value = total(*leaves)
    found = torch.autograd.grad(value, leaves, allow_unused=True)
    pairs = zip(found, leaves, strict=True)
    return value, [torch.zeros_like(x) if g is None else g for g, x in pairs]


_WAYS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
