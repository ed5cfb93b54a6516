"""Examining a model and a batch that are kept in files."""

import importlib.util
import pathlib
import zipfile

import keras
import numpy as np

from ..errors import ArgumentError
from . import saved
from .examination import examine
from .facts import FACTS


def examine_files(
    model, data, *, kind=None, loss=None, source=None, modules=(), unsafe=False
):
    """Look for faults in a saved model; what ``siamlab doctor`` does.

    Parameters
    ----------
    model : path
        As `keras.Model.save` wrote it.
    data : path
        A .npz file with the arrays of a batch: "x" and "y"; or "a", "b" and "y" for a
        model with two inputs; or each of its inputs by its name, and "y". What else is
        in it is a fact by its name; see `FACTS`.
    kind : str, optional
        "siamese" or "ctc".
    loss : str, optional
        A loss of Keras by its name, or "FILE.py:FUNCTION".
    source : path, optional
        The program's text.
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
        If a file cannot be read, or is not what is expected.
    """
    for path in modules:
        _run(path)
    network = saved.load(model, unsafe)
    arrays = _arrays(data)
    batch = _batch(network, arrays)
    unknown = set(arrays) - set(FACTS)
    if unknown:
        raise ArgumentError(
            f"{data} holds {', '.join(sorted(unknown))}, which are neither inputs of "
            "the "
            f"model nor known: inputs are {', '.join(_names(network)) or 'not named'}, "
            f"known are x, y, a, b, {', '.join(FACTS)}"
        )
    facts: dict = dict(arrays)
    if source is not None:
        facts["source"] = _text(source)
    return examine(network, batch, kind=kind, loss=_loss(loss), **facts)


def _text(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{path} cannot be read: {error}") from error


def _run(path):
    """Run a Python file as a module of its own."""
    path = pathlib.Path(path)
    _text(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ArgumentError(f"{path} is no Python file; its name has to end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ArgumentError(f"{path} fails: {type(error).__name__}: {error}") from error
    return module


def _arrays(path):
    if zipfile.is_zipfile(path):
        saved.check_zip(path)
    try:
        # NumPy would leave a damaged file open that it has opened itself.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except AttributeError:
        raise ArgumentError(
            f"{path} holds one array; numpy.savez keeps several"
        ) from None
    except Exception as error:
        raise ArgumentError(f"{path} is no .npz file of arrays: {error}") from error


def _names(network):
    return [each.name for each in getattr(network, "inputs", None) or ()]


def _batch(network, arrays):
    """Take the batch out of the arrays of a file."""
    names = _names(network)
    if names and all(name in arrays for name in names) and names != ["x"]:
        x = [arrays.pop(name) for name in names]
        x = x if len(x) > 1 else x[0]
    elif "x" in arrays:
        x = arrays.pop("x")
    elif "a" in arrays and "b" in arrays:
        x = [arrays.pop("a"), arrays.pop("b")]
    else:
        raise ArgumentError(
            "the file has to hold x, or a and b, or the inputs of the model "
            f"({', '.join(names)}); it holds {', '.join(arrays)}"
        )
    return x, arrays.pop("y", None)


def _loss(name):
    """Find a loss by the name of Keras', or in a file."""
    if name is None:
        return None
    path, colon, function = name.rpartition(":")
    if not colon:
        try:
            return keras.losses.get(name)
        except ValueError:
            raise ArgumentError(
                f"Keras has no loss {name!r}; for one of your own give FILE.py:FUNCTION"
            ) from None
    module = _run(path)
    found = getattr(module, function, None)
    if found is None:
        raise ArgumentError(f"{path} has no {function}")
    return found() if isinstance(found, type) else found
