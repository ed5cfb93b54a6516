"""Restoring the state of a model.

- `preserve_state`: a context that restores weights, metrics and random states.
"""

import contextlib
import random
import sys

import keras
import numpy as np


@contextlib.contextmanager
def preserve_state(*owners):
    """Restore weights, optimizer, metrics and random states at the end of a context.

    The random states include those of the layers and the global ones of Keras, NumPy,
    Python and, if it is the backend, PyTorch.

    Parameters
    ----------
    *owners : keras.Model, keras.Optimizer or keras.Metric
        The optimizer and the metrics of a model are included.

    Yields
    ------
    None

    Examples
    --------
    >>> net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> before = net.get_weights()[0]
    >>> with preserve_state(net):
    ...     net.set_weights([0 * weight for weight in net.get_weights()])
    >>> bool((net.get_weights()[0] == before).all())
    True
    """
    # Before the variables, because Keras seeds its own generator from Python's.
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    torch = sys.modules["torch"] if keras.backend.backend() == "torch" else None
    torch_state = torch and torch.get_rng_state()
    saved = [
        (v, keras.ops.convert_to_numpy(v.value).copy()) for v in _variables(owners)
    ]
    try:
        yield
    finally:
        for variable, value in saved:
            variable.assign(value)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        if torch:
            torch.set_rng_state(torch_state)


def _variables(owners):
    """All variables of models, optimizers and metrics, and Keras' global seed."""
    from keras.src.random import seed_generator

    found = [seed_generator.global_seed_generator().state]
    for owner in owners:
        if isinstance(owner, keras.layers.Layer):
            # Keras does not count the states of stateful layers as variables.
            for layer in owner._flatten_layers():
                found += keras.tree.flatten(getattr(layer, "states", None))
        for each in (owner, getattr(owner, "optimizer", None)):
            for name in ("variables", "metrics_variables"):
                found += getattr(each, name, ())
    variables = (v for v in found if isinstance(v, keras.Variable))
    return {id(v): v for v in variables}.values()
