"""Leaving a model as it was."""

import contextlib
import random

import keras
import numpy as np


def _variables(owners):
    """All that models, optimizers and metrics keep, each once."""
    found: dict[int, keras.Variable] = {}
    for owner in owners:
        if isinstance(owner, keras.layers.Layer):
            for layer in owner._flatten_layers():
                # Of a stateful layer; Keras does not count them among its variables.
                states = keras.tree.flatten(getattr(layer, "states", None))
                found |= {id(s): s for s in states if isinstance(s, keras.Variable)}
        for each in (owner, getattr(owner, "optimizer", None)):
            for name in ("variables", "metrics_variables"):
                for variable in getattr(each, name, None) or ():
                    if isinstance(variable, keras.Variable):
                        found[id(variable)] = variable
    return list(found.values())


def _global_seeds():
    """Keras' own generator of seeds, as one of the variables."""
    from keras.src.random import seed_generator

    return seed_generator.global_seed_generator().state


@contextlib.contextmanager
def untouched(*owners):
    """Put weights, moments, metrics and random states back afterwards.

    Parameters
    ----------
    *owners : keras.Model, keras.Optimizer or keras.Metric
        Of models their optimizers as well.
    """
    # Before Keras draws the first of its own seeds from them.
    numpys, python = np.random.get_state(), random.getstate()  # noqa: NPY002
    torch = _torch_state()
    variables = [*_variables(owners), _global_seeds()]
    values = [keras.ops.convert_to_numpy(v.value).copy() for v in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        np.random.set_state(numpys)  # noqa: NPY002
        random.setstate(python)
        if torch is not None:
            _set_torch_state(torch)


def _torch_state():
    if keras.backend.backend() != "torch":
        return None
    import torch

    return torch.get_rng_state()


def _set_torch_state(state):
    import torch

    torch.set_rng_state(state)
