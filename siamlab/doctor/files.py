"""Examining a model and a batch that are kept in files.

- `examine_files`: what ``siamlab doctor`` does.
- `load`: loads a saved model without trusting the file.
"""

import importlib.util
import os
import pathlib
import warnings
import zipfile

import keras
import numpy as np

from ..errors import ArgumentError
from ..training import saving  # noqa: F401  registers the layers of siamlab
from .arrays import first_line
from .examination import examine

# Weights are compressed to a tenth at best.
_MAX_UNPACKED_BYTES, _MAX_RATIO = 2**28, 100


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
        The name of a loss of Keras, or of a function in one of the modules.
    modules : sequence of path
        Python files with the layers and losses of the model.
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
    names: dict = {}
    for path in modules:
        names |= vars(_run(path))
    network = load(model, unsafe, names)
    batch = _batch(network, _arrays(data), data)
    try:
        loss = names[loss] if loss in names else loss and keras.losses.get(loss)
    except ValueError:
        raise ArgumentError(
            f"Keras has no loss {loss!r}; import the file that defines it, --import "
            "FILE.py"
        ) from None
    loss = loss() if isinstance(loss, type) else loss
    return examine(network, batch, kind=kind, loss=loss)


def load(path, unsafe=False, custom_objects=None):
    """Load a model, with its loss if that is possible.

    Parameters
    ----------
    path : str or os.PathLike
        As `keras.Model.save` wrote it.
    unsafe : bool
        Load Lambda layers, which run code from the file.
    custom_objects : dict, optional
        Layers and losses by their names.

    Returns
    -------
    keras.Model

    Raises
    ------
    ArgumentError
        If it cannot be loaded; says why.
    """
    if not pathlib.Path(path).is_file():
        raise ArgumentError(f"there is no file {path}; save it with model.save")
    if zipfile.is_zipfile(path):  # and not the .h5 of Keras 2, which has no checksums
        check_zip(path)
    given = {"custom_objects": custom_objects, "safe_mode": False if unsafe else None}
    for compiled in (True, False):
        try:
            with warnings.catch_warnings():
                # A model that was saved before its first training step.
                warnings.filterwarnings("ignore", "Skipping variable loading")
                return keras.saving.load_model(path, compile=compiled, **given)
        except Exception as error:
            reason = str(error)
    hint = "import the file that defines its layers with --import FILE.py"
    if "ambda" in reason and not unsafe:
        hint = "its Lambda layers run code from the file; allow them with --unsafe"
    raise ArgumentError(
        f"{path} cannot be loaded: {hint}. Keras says: {first_line(reason)}"
    )


def check_zip(path):
    """Refuse a ZIP archive that is damaged, or that would fill the memory.

    Not every library that reads archives compares checksums.
    """
    try:
        size = os.path.getsize(path)
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            is_large = unpacked > max(_MAX_UNPACKED_BYTES, _MAX_RATIO * size)
            damaged = None if is_large else archive.testzip()
    except Exception as error:  # a damaged archive raises one of many
        raise ArgumentError(f"{path} is damaged ({error}); copy it again") from error
    if is_large:
        raise ArgumentError(
            f"{path} would unpack from {size:,} to {unpacked:,} bytes; it may have "
            "been made to fill the memory, and is not opened"
        )
    if damaged is not None:
        wrong = f"the checksum of {damaged} is wrong"
        raise ArgumentError(f"{path} is damaged: {wrong}; copy it again")


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
        check_zip(path)
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
    for inputs in (names, ["x"], ["a", "b"]):
        if inputs and set(inputs) == set(arrays):
            x = [arrays[name] for name in inputs]
            return (x if len(x) > 1 else x[0]), y
    raise ArgumentError(
        f"{path} must hold y, and x, or a and b, or the inputs of the model "
        f"({', '.join(names) or 'which have no names'}); it holds "
        f"{', '.join(arrays) or 'nothing else'}"
    )
