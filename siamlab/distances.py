"""Distances between the outputs of a network, for NumPy arrays and Keras tensors.

For one pair, or for arrays whose rows are paired one by one:

- `kl`, `symmetric_kl`: Kullback-Leibler divergence of distributions, in nats.
- `generalized_kl`: the same for positive outputs that do not sum to 1.
- `euclidean`, `cosine`: distances of vectors.

For all pairs of the rows of a batch, computed as matrix products:

- `pairwise_kl`, `pairwise_euclidean`, `pairwise_cosine`.

Building blocks:

- `log_probabilities`, `normalize`.

For NumPy arrays, the functions use NumPy, without importing Keras. For tensors, they
use `keras.ops` and have gradients. Half precision is converted to float32.

Notebook: 07_kl_hinge_loss.
"""

import numpy as np
from scipy import special

__all__ = [
    "cosine",
    "euclidean",
    "generalized_kl",
    "kl",
    "log_probabilities",
    "normalize",
    "pairwise_cosine",
    "pairwise_euclidean",
    "pairwise_kl",
    "symmetric_kl",
]

# In float32 a softmax underflows to exactly 0, whose logarithm is infinite
# (docs/doctor.md#s15). This is far below any probability that matters here.
_SMALLEST_PROBABILITY = 1e-30


def log_probabilities(outputs, from_logits=False):
    """Compute the logarithm of probabilities; finite for a probability of 0.

    Parameters
    ----------
    outputs : array or tensor
        Probabilities or logits, shape (..., units).
    from_logits : bool
        Whether the outputs are logits. Their log-softmax is more precise than the
        logarithm of a softmax.

    Returns
    -------
    array or tensor
        Natural logarithms, shape (..., units).

    Examples
    --------
    >>> import numpy as np
    >>> log_probabilities(np.array([1.0, 0.0])).round(1).tolist()
    [0.0, -69.1]
    """
    ops, (outputs,) = _as_floats(outputs)
    if from_logits:
        return (special if ops is np else ops).log_softmax(outputs, axis=-1)
    return ops.log(ops.maximum(outputs, _SMALLEST_PROBABILITY))


def kl(p, q):
    """Kullback-Leibler divergence ``sum(p log(p / q))`` (Kullback and Leibler, 1951).

    Parameters
    ----------
    p, q : array or tensor
        Probabilities, shape (..., units), rows summing to 1.

    Returns
    -------
    array or tensor
        Shape (...), in nats: 0 where p equals q, else positive; not symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(kl(np.array([0.5, 0.5]), np.array([0.9, 0.1]))), 4)
    0.5108
    """
    ops, (p, q) = _as_floats(p, q)
    return ops.sum(p * (log_probabilities(p) - log_probabilities(q)), axis=-1)


def symmetric_kl(p, q):
    """Sum of the divergences in both directions (Jeffreys, 1946).

    Parameters
    ----------
    p, q : array or tensor
        Probabilities, shape (..., units), rows summing to 1.

    Returns
    -------
    array or tensor
        ``kl(p, q) + kl(q, p)``, shape (...), in nats.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(symmetric_kl(np.array([0.5, 0.5]), np.array([0.9, 0.1]))), 4)
    0.8789
    """
    return kl(p, q) + kl(q, p)


def generalized_kl(a, b):
    """KL divergence of positive outputs that need not sum to 1 (Csiszar, 1991).

    It is ``sum(a log(a / b) - a + b)``, which is never negative, 0 if both are equal,
    and the Kullback-Leibler divergence if both sum to 1.

    Parameters
    ----------
    a, b : array or tensor
        Non-negative outputs, shape (..., units).

    Returns
    -------
    array or tensor
        Shape (...), in nats; not symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(generalized_kl(np.array([2.0, 1.0]), np.array([1.0, 1.0]))), 4)
    0.3863
    """
    ops, (a, b) = _as_floats(a, b)
    return kl(a, b) + ops.sum(b - a, axis=-1)


def euclidean(a, b):
    """Euclidean distance; its gradient at distance 0 is 0 (docs/doctor.md#s15).

    Parameters
    ----------
    a, b : array or tensor
        Shape (..., units).

    Returns
    -------
    array or tensor
        Shape (...).

    Examples
    --------
    >>> import numpy as np
    >>> float(euclidean(np.array([0.0, 3.0]), np.array([4.0, 0.0])))
    5.0
    """
    ops, (a, b) = _as_floats(a, b)
    return _safe_sqrt(ops, ops.sum(ops.square(a - b), axis=-1))


def cosine(a, b):
    """Cosine distance: 1 minus the cosine of the angle, from 0 to 2.

    Parameters
    ----------
    a, b : array or tensor
        Shape (..., units).

    Returns
    -------
    array or tensor
        Shape (...).

    Examples
    --------
    >>> import numpy as np
    >>> float(cosine(np.array([2.0, 0.0]), np.array([0.0, 1.0])))
    1.0
    """
    ops, (a, b) = _as_floats(a, b)
    return 1.0 - ops.sum(normalize(a) * normalize(b), axis=-1)


def normalize(x):
    """Scale rows to unit length; a row of zeros stays zero and has a gradient.

    Parameters
    ----------
    x : array or tensor
        Shape (..., units).

    Returns
    -------
    array or tensor
        Same shape, float32 or wider.

    Examples
    --------
    >>> import numpy as np
    >>> normalize(np.array([[0.0, 2.0], [0.0, 0.0]])).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    ops, (x,) = _as_floats(x)
    # Not keras.ops.normalize: under JAX its square root has no gradient at 0.
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x / ops.sqrt(ops.where(squares > 0.0, squares, ops.ones_like(squares)))


def pairwise_kl(outputs, from_logits=False):
    """Kullback-Leibler divergence of every row from every other row.

    Parameters
    ----------
    outputs : array or tensor
        Probabilities or logits, shape (..., batch, units).
    from_logits : bool
        Whether the outputs are logits.

    Returns
    -------
    array or tensor
        Shape (..., batch, batch): entry (i, j) is ``kl(row i, row j)``, in nats.

    Examples
    --------
    >>> import numpy as np
    >>> pairwise_kl(np.array([[0.5, 0.5], [0.9, 0.1]])).round(3).tolist()
    [[0.0, 0.511], [0.368, 0.0]]
    """
    ops, (outputs,) = _as_floats(outputs)
    log_p = log_probabilities(outputs, from_logits)
    p = ops.exp(log_p) if from_logits else outputs
    # sum(p log p) depends on the row alone: one matrix product does the rest.
    entropies = ops.sum(p * log_p, axis=-1, keepdims=True)
    return entropies - p @ ops.swapaxes(log_p, -1, -2)


def pairwise_euclidean(outputs):
    """Euclidean distance of every row from every other row.

    Parameters
    ----------
    outputs : array or tensor
        Shape (..., batch, units).

    Returns
    -------
    array or tensor
        Shape (..., batch, batch).

    Examples
    --------
    >>> import numpy as np
    >>> pairwise_euclidean(np.array([[0.0, 3.0], [4.0, 0.0]])).tolist()
    [[0.0, 5.0], [5.0, 0.0]]
    """
    ops, (outputs,) = _as_floats(outputs)
    squares = ops.sum(ops.square(outputs), axis=-1, keepdims=True)
    products = outputs @ ops.swapaxes(outputs, -1, -2)
    squared = squares + ops.swapaxes(squares, -1, -2) - 2.0 * products
    return _safe_sqrt(ops, squared)


def pairwise_cosine(outputs):
    """Cosine distance of every row from every other row.

    Parameters
    ----------
    outputs : array or tensor
        Shape (..., batch, units).

    Returns
    -------
    array or tensor
        Shape (..., batch, batch).

    Examples
    --------
    >>> import numpy as np
    >>> pairwise_cosine(np.array([[0.0, 3.0], [4.0, 0.0]])).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    rows = normalize(outputs)
    ops, _ = _as_floats(rows)
    return 1.0 - rows @ ops.swapaxes(rows, -1, -2)


def _as_floats(*inputs):
    """Return numpy or keras.ops, and the inputs in one type, float32 or wider."""
    if all(isinstance(x, np.ndarray | np.generic | list | tuple) for x in inputs):
        arrays = [np.asarray(x) for x in inputs]
        dtype = np.result_type(np.float32, *arrays)
        return np, [x.astype(dtype, copy=False) for x in arrays]
    import keras

    tensors = [keras.ops.convert_to_tensor(x) for x in inputs]
    dtype = keras.backend.result_type(*(x.dtype for x in tensors), "float32")
    return keras.ops, [keras.ops.cast(x, dtype) for x in tensors]


def _safe_sqrt(ops, squares):
    """Square root that is 0 below 0, and whose gradient at 0 is 0, not infinite."""
    positive = squares > 0.0
    one = ops.ones_like(squares)
    return ops.where(positive, ops.sqrt(ops.where(positive, squares, one)), 0.0 * one)
