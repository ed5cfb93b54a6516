"""How far two outputs of a network are from each other, on `keras.ops`.

For one pair, or for rows that are paired one by one:

- `kl`, `symmetric_kl`: divergences of distributions, in nats.
- `generalized_kl`: of positive outputs that need not sum to 1.
- `euclidean`, `cosine`: distances of vectors; `unit`, vectors of unit length.

For all pairs of the rows of a batch, each as matrix products:

- `pairwise_kl`, `pairwise_euclidean`, `pairwise_cosine`.

Notebook: 05_kl_hinge_loss.
"""

import keras
from keras import ops

__all__ = [
    "cosine",
    "euclidean",
    "generalized_kl",
    "kl",
    "log_probabilities",
    "pairwise_cosine",
    "pairwise_euclidean",
    "pairwise_kl",
    "symmetric_kl",
    "unit",
]

# Softmax outputs in float32 can underflow to exactly 0, which has no logarithm
# (FAULTS S15). This is far below what a divergence of ours can tell apart.
_TINY = 1e-30


def log_probabilities(outputs, from_logits=False):
    """Logarithm of distributions, without taking that of 0.

    Parameters
    ----------
    outputs : tensor
        Shape (..., units): probabilities, or logits.
    from_logits : bool
        Whether they are logits: then a log-softmax, which loses no digits.

    Returns
    -------
    tensor
        Shape (..., units), natural logarithm.
    """
    outputs = _float(outputs)
    if from_logits:
        return ops.log_softmax(outputs, axis=-1)
    return ops.log(ops.maximum(outputs, _TINY))


def kl(p, q):
    """Kullback-Leibler divergence of q from p (Kullback and Leibler, 1951).

    Parameters
    ----------
    p, q : tensor
        Probabilities, shape (..., units), rows summing to 1.

    Returns
    -------
    tensor
        Shape (...), in nats; 0 where p equals q, and not symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(kl(np.array([0.5, 0.5]), np.array([0.9, 0.1]))), 4)
    0.5108
    """
    p, q = _floats(p, q)
    return ops.sum(p * (log_probabilities(p) - log_probabilities(q)), axis=-1)


def symmetric_kl(p, q):
    """Both directions added: ``kl(p, q) + kl(q, p)`` (Jeffreys, 1946).

    Parameters
    ----------
    p, q : tensor
        Probabilities, shape (..., units), rows summing to 1.

    Returns
    -------
    tensor
        Shape (...), in nats.
    """
    return kl(p, q) + kl(q, p)


def generalized_kl(a, b):
    """Divergence of positive outputs that are no distributions (Csiszar, 1991).

    ``sum(a log(a / b) - a + b)``: never negative, 0 where both are equal, and the
    Kullback-Leibler divergence where both sum to 1.

    Parameters
    ----------
    a, b : tensor
        Not negative, shape (..., units).

    Returns
    -------
    tensor
        Shape (...), in nats; not symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(generalized_kl(np.array([2.0, 1.0]), np.array([1.0, 1.0]))), 4)
    0.3863
    """
    a, b = _floats(a, b)
    ratio = log_probabilities(a) - log_probabilities(b)
    return ops.sum(a * ratio - a + b, axis=-1)


def euclidean(a, b):
    """Euclidean distance, with a gradient at 0 (FAULTS S15).

    Parameters
    ----------
    a, b : tensor
        Shape (..., units).

    Returns
    -------
    tensor
        Shape (...).

    Examples
    --------
    >>> import numpy as np
    >>> float(euclidean(np.array([0.0, 3.0]), np.array([4.0, 0.0])))
    5.0
    """
    a, b = _floats(a, b)
    return _safe_root(ops.sum(ops.square(a - b), axis=-1))


def cosine(a, b):
    """Cosine distance: 1 minus the cosine of the angle, from 0 to 2.

    Parameters
    ----------
    a, b : tensor
        Shape (..., units).

    Returns
    -------
    tensor
        Shape (...).

    Examples
    --------
    >>> import numpy as np
    >>> float(cosine(np.array([2.0, 0.0]), np.array([0.0, 1.0])))
    1.0
    """
    a, b = _floats(a, b)
    return 1.0 - ops.sum(unit(a) * unit(b), axis=-1)


def unit(x):
    """Bring rows to unit length; a row of zeros stays, and has a gradient (FAULTS S15).

    Parameters
    ----------
    x : tensor
        Shape (..., units).

    Returns
    -------
    tensor
        Same shape, float32 at least.

    Examples
    --------
    >>> import numpy as np
    >>> np.asarray(unit(np.array([[0.0, 2.0], [0.0, 0.0]]))).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    x = _float(x)
    # keras.ops.normalize takes a root, which under JAX has no gradient at 0.
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x / ops.sqrt(ops.where(squares > 0.0, squares, 1.0))


def pairwise_kl(outputs, from_logits=False):
    """Divergence of each row from each other row.

    Parameters
    ----------
    outputs : tensor
        Probabilities or logits, shape (batch, units).
    from_logits : bool
        Which of the two.

    Returns
    -------
    tensor
        Shape (batch, batch); entry (i, j) is ``kl(row i, row j)``, in nats.
    """
    outputs = _float(outputs)
    log_p = log_probabilities(outputs, from_logits)
    p = ops.exp(log_p) if from_logits else outputs
    # sum p_i log p_i is the same in a whole row: one product serves all pairs.
    return ops.sum(p * log_p, axis=-1, keepdims=True) - p @ ops.transpose(log_p)


def pairwise_euclidean(outputs):
    """Euclidean distance of each row from each other row.

    Parameters
    ----------
    outputs : tensor
        Shape (batch, units).

    Returns
    -------
    tensor
        Shape (batch, batch).
    """
    outputs = _float(outputs)
    squares = ops.sum(ops.square(outputs), axis=-1, keepdims=True)
    product = outputs @ ops.transpose(outputs)
    return _safe_root(ops.relu(squares + ops.transpose(squares) - 2.0 * product))


def pairwise_cosine(outputs):
    """Cosine distance of each row from each other row.

    Parameters
    ----------
    outputs : tensor
        Shape (batch, units).

    Returns
    -------
    tensor
        Shape (batch, batch).
    """
    rows = unit(outputs)
    return 1.0 - rows @ ops.transpose(rows)


def _floats(*tensors):
    """Tensors of one type, float32 at least: `_TINY` is 0 in half precision."""
    found = [ops.convert_to_tensor(x) for x in tensors]
    dtype = keras.backend.result_type(*(x.dtype for x in found), "float32")
    return [ops.cast(x, dtype) for x in found]


def _float(x):
    return _floats(x)[0]


def _safe_root(squares):
    """Square root whose gradient at 0 is 0 rather than infinite."""
    positive = squares > 0.0
    return ops.where(positive, ops.sqrt(ops.where(positive, squares, 1.0)), 0.0)
