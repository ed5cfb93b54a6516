"""Batches: arrays in nested structures, as Keras takes them."""

import functools

import keras
import numpy as np
from keras import ops, tree

from ..errors import ArgumentError
from .report import Skip


def to_arrays(value):
    """Convert tensors, lists of numbers and tables to arrays, in any structure."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: to_arrays(each) for key, each in value.items()}
    if isinstance(value, tuple) or (
        isinstance(value, list) and any(np.ndim(each) > 0 for each in value)
    ):
        return type(value)(to_arrays(each) for each in value)
    if ops.is_tensor(value):
        return ops.convert_to_numpy(value)
    return value if hasattr(value, "detach") else np.asarray(value)


def to_tensors(value):
    """Convert arrays to tensors in any structure; float64 to float32, as Keras does."""

    def convert(x):
        if not isinstance(x, np.ndarray):
            return x
        return ops.convert_to_tensor(x, "float32" if x.dtype == np.float64 else None)

    return tree.map_structure(convert, value)


def flatten(value):
    """Return the arrays of a structure, in order."""
    return [each for each in tree.flatten(value) if isinstance(each, np.ndarray)]


def n_rows(value):
    """Return the number of rows of a batch, the first dimension of its arrays."""
    sizes = [each.shape[0] for each in flatten(value) if each.ndim]
    return sizes[0] if sizes else 0


def take(value, rows):
    """Return some rows of all arrays of a structure."""
    n = n_rows(value)
    return tree.map_structure(
        lambda a: (
            a[rows] if isinstance(a, np.ndarray) and a.ndim and len(a) == n else a
        ),
        value,
    )


def first_batch(batch):
    """Return inputs and labels of a batch, or of the first of several batches.

    Parameters
    ----------
    batch : tuple, list of tuple, or anything that yields batches
        As `keras.Model.fit` takes it.

    Returns
    -------
    x, y : object
        Arrays in the structure that was given. Both are None if there is no batch; y is
        None if there are no labels.

    Raises
    ------
    ArgumentError
        If `batch` is none of these.
    """
    if batch is None:
        return None, None
    if isinstance(batch, keras.utils.PyDataset):
        batch = batch[0]
    elif isinstance(batch, list):
        if batch and all(isinstance(each, tuple) for each in batch):
            batch = batch[0]
        elif len(batch) != 2:
            batch = batch, None
    elif not _is_single(batch) and hasattr(batch, "__iter__"):
        batch = next(iter(batch), (None, None))
    if _is_single(batch) and not isinstance(batch, tuple):
        batch = batch, None
    if not isinstance(batch, tuple | list):
        raise ArgumentError(
            "batch must be (x, y), as keras.Model.fit takes it, or something that "
            f"yields such batches; got {type(batch).__name__}"
        )
    x, y = batch[0], batch[1] if len(batch) > 1 else None
    return to_arrays(x), to_arrays(y)


def _is_single(batch):
    return isinstance(batch, tuple | dict | np.ndarray) or ops.is_tensor(batch)


def is_matrix(value):
    """Return whether a value is an array of two dimensions."""
    return isinstance(value, np.ndarray) and value.ndim == 2


def is_whole(array):
    """Return whether an array holds whole numbers, whatever its type."""
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return array.dtype.kind in "bui"
    is_finite = array.size > 0 and np.isfinite(array).all()
    return bool(is_finite and (array == np.round(array)).all())


def first_line(error, limit=160):
    """Return the first line of an error's message, shortened."""
    text = str(error).strip().split("\n")[0] or type(error).__name__
    return text if len(text) < limit else text[: limit - 3] + "..."


def question(function):
    """Make a property whose value, or whose reason to skip, is computed once."""
    name = "_answer_" + function.__name__

    @functools.wraps(function)
    def get(self):
        if name not in self.__dict__:
            try:
                self.__dict__[name] = function(self)
            except Skip as reason:
                self.__dict__[name] = reason
        answer = self.__dict__[name]
        if isinstance(answer, Skip):
            raise answer.with_traceback(None)
        return answer

    return property(get)
