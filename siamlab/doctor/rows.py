"""Batches: what is in them, and some rows of them."""

import keras
import numpy as np
from keras import tree

from ..errors import ArgumentError


def to_arrays(value):
    """Turn tensors, lists of numbers and tables into NumPy arrays, in any structure."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: to_arrays(each) for key, each in value.items()}
    if isinstance(value, tuple) or (
        isinstance(value, list) and any(np.ndim(each) > 0 for each in value)
    ):
        return type(value)(to_arrays(each) for each in value)
    if keras.ops.is_tensor(value):
        return keras.ops.convert_to_numpy(value)
    return np.asarray(value)


def flat(x):
    """Arrays of a structure, in order."""
    return [each for each in tree.flatten(x) if isinstance(each, np.ndarray)]


def count(x):
    """Give the number of rows of a batch: the leading dimension of its arrays."""
    sizes = [each.shape[0] for each in flat(x) if each.ndim]
    return sizes[0] if sizes else 0


def take(x, rows):
    """Rows of a batch, in any structure."""
    n = count(x)
    return tree.map_structure(
        lambda a: (
            a[rows] if isinstance(a, np.ndarray) and a.ndim and a.shape[0] == n else a
        ),
        x,
    )


def batches(batch):
    """Split what was given into (x, y) batches.

    Parameters
    ----------
    batch : tuple, list of tuple, or anything that gives batches one by one
        As `keras.Model.fit` takes it.

    Returns
    -------
    list of tuple
        At most two of (x, y); y may be None.

    Raises
    ------
    ArgumentError
        If it is none of these.
    """
    if batch is None:
        return []
    if isinstance(batch, keras.utils.PyDataset):
        given = [batch[i] for i in range(min(2, len(batch)))]
    elif isinstance(batch, list) and batch and all(isinstance(b, tuple) for b in batch):
        given = batch[:2]
    elif isinstance(batch, tuple) and 1 <= len(batch) <= 3:
        given = [batch]
    elif isinstance(batch, dict | np.ndarray) or keras.ops.is_tensor(batch):
        given = [(batch, None)]
    elif isinstance(batch, list):
        given = [tuple(batch)] if len(batch) == 2 else [(batch, None)]
    elif hasattr(batch, "__iter__"):
        given = [each for each, _ in zip(batch, range(2), strict=False)]
    else:
        raise ArgumentError(
            "a batch is (x, y), as keras.Model.fit takes it, or something that gives "
            f"such; got {type(batch).__name__}"
        )
    return [_pair(each) for each in given]


def _pair(each):
    if not isinstance(each, tuple | list):
        each = (each, None)
    x, y = each[0], each[1] if len(each) > 1 else None
    return to_arrays(x), to_arrays(y)


def sides(x):
    """Find the two inputs of a pair, or None if a batch is no such thing."""
    if isinstance(x, dict):
        x = [x[key] for key in x]
    if isinstance(x, list | tuple):
        two = [e for e in x if isinstance(e, np.ndarray) and e.ndim >= 2]
        if len(two) == 2 and two[0].shape[1:] == two[1].shape[1:]:
            return two[0], two[1]
        return None
    if isinstance(x, np.ndarray) and x.ndim >= 4 and x.shape[1] == 2:
        return x[:, 0], x[:, 1]
    return None


def with_sides(x, a, b):
    """Put two inputs in the place of a batch's."""
    if isinstance(x, np.ndarray):
        return np.stack([a, b], axis=1)
    if isinstance(x, dict):
        return dict(zip(x, with_sides(list(x.values()), a, b), strict=True))
    new = iter((a, b))
    return type(x)(
        next(new) if isinstance(e, np.ndarray) and e.ndim >= 2 else e for e in x
    )
