"""Gradients, whichever backend Keras has."""

import keras
import numpy as np
from keras import ops


def gradient(function, *arrays):
    """Differentiate a function of arrays.

    Parameters
    ----------
    function : callable
        Tensors -> one tensor of any shape; its sum is differentiated.
    *arrays : array_like
        Where; float32.

    Returns
    -------
    list of numpy.ndarray
        Of the shapes of the arrays; 0 where nothing depends on them.
    """
    places = [np.asarray(array, np.float32) for array in arrays]

    def total(*tensors):
        return ops.sum(ops.cast(function(*tensors), "float32"))

    backend = keras.backend.backend()
    if backend == "tensorflow":
        found = _tensorflow(total, places)
    elif backend == "jax":
        found = _jax(total, places)
    elif backend == "torch":
        found = _torch(total, places)
    else:
        raise NotImplementedError(f"gradients on the backend {backend!r}")
    return [
        np.zeros_like(array) if slope is None else np.asarray(slope)
        for array, slope in zip(places, found, strict=True)
    ]


def _tensorflow(total, arrays):
    import tensorflow as tf

    tensors = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = total(*tensors)
    return tape.gradient(value, tensors)


def _jax(total, arrays):
    import jax

    return jax.grad(total, argnums=tuple(range(len(arrays))))(*arrays)


def _torch(total, arrays):
    import torch

    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    value = total(*tensors)
    if not value.requires_grad:
        return [None] * len(tensors)
    found = torch.autograd.grad(value, tensors, allow_unused=True)
    return [None if slope is None else slope.numpy() for slope in found]
