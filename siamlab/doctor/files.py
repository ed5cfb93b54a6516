"""Examining a model and a batch that are kept in files."""

import importlib.util
import pathlib
import zipfile

import keras
import numpy as np

from ..errors import ArgumentError
from . import saved
from .examination import examine


def examine_files(model, data, *, kind=None, loss=None, modules=(), unsafe=False):
    """Find the faults of a saved model; this is what ``siamlab doctor`` does.

    Parameters
    ----------
    model : path
        As `keras.Model.save` wrote it.
    data : path
        A .npz file with the arrays of a batch: "x" and "y"; or "a", "b" and "y" for a
        model with two inputs; or "y" and each input under its name.
    kind : {"siamese", "ctc"}, optional
        As for `examine`.
    loss : str, optional
        The name of a loss of Keras, or "FILE.py:FUNCTION".
    modules : sequence of path
        Python files that are run before the model is loaded, to register layers.
    unsafe : bool
        Load Lambda layers, which run code from the file.

    Returns
    -------
    Report

    Raises
    ------
    ArgumentError
        If a file cannot be read, or does not hold what is expected.
    """
    for path in modules:
        _run(path)
    network = saved.load(model, unsafe)
    batch = _batch(network, _arrays(data), data)
    return examine(network, batch, kind=kind, loss=_loss(loss))


def _run(path):
    """Run a Python file as a module of its own."""
    path = pathlib.Path(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ArgumentError(f"{path} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ArgumentError(f"{path} raises {type(error).__name__}: {error}") from error
    return module


def _arrays(path):
    if zipfile.is_zipfile(path):
        saved.check_zip(path)
    try:
        # NumPy would leave a damaged file open that it has opened itself.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except Exception as error:
        raise ArgumentError(f"{path} is not an .npz file of arrays: {error}") from error


def _batch(network, arrays, path):
    """Return the batch that the arrays of a file make."""
    names = [each.name for each in getattr(network, "inputs", None) or ()]
    y = arrays.pop("y", None)
    if names and set(names) == set(arrays):
        x = [arrays[name] for name in names]
        return (x if len(x) > 1 else x[0]), y
    if set(arrays) == {"x"}:
        return arrays["x"], y
    if set(arrays) == {"a", "b"}:
        return [arrays["a"], arrays["b"]], y
    raise ArgumentError(
        f"{path} must hold y, and x, or a and b, or the inputs of the model "
        f"({', '.join(names) or 'which have no names'}); it holds "
        f"{', '.join(arrays) or 'nothing else'}"
    )


def _loss(name):
    """Find a loss by its name in Keras, or in a file."""
    if name is None:
        return None
    path, colon, function = name.rpartition(":")
    if not colon:
        try:
            return keras.losses.get(name)
        except ValueError:
            raise ArgumentError(
                f"Keras has no loss {name!r}; for another loss give FILE.py:FUNCTION"
            ) from None
    found = getattr(_run(path), function, None)
    if found is None:
        raise ArgumentError(f"{path} does not define {function}")
    return found() if isinstance(found, type) else found
