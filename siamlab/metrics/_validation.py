"""Checks of embeddings and labels, shared by metrics, clusters, plots and embeddings."""

import numpy as np

from ..errors import ArgumentError


def check_embeddings(embeddings, *, min_rows=1, name="embeddings"):
    """Convert embeddings to a float64 array, and refuse what has no direction.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    min_rows : int
        Smallest number of utterances that is accepted.
    name : str
        Name of the argument, for the error message.

    Returns
    -------
    numpy.ndarray
        float64, shape (utterances, dim).

    Raises
    ------
    ArgumentError
        If the array does not have two axes or has too few rows, or if a row is not
        finite or all zeros.
    """
    embeddings = np.asarray(embeddings, dtype=np.float64)
    if embeddings.ndim != 2 or len(embeddings) < min_rows:
        raise ArgumentError(
            f"{name} must have shape (utterances, dim) with at least {min_rows} "
            f"utterances; got {embeddings.shape}"
        )
    infinite = np.flatnonzero(~np.isfinite(embeddings).all(axis=1))
    if len(infinite):
        raise ArgumentError(
            f"{name} must be finite; {len(infinite)} of {len(embeddings)} rows contain "
            f"NaN or infinity, the first is row {infinite[0]}"
        )
    zero = np.flatnonzero(~embeddings.any(axis=1))
    if len(zero):
        raise ArgumentError(
            f"{name} must have a direction; {len(zero)} of {len(embeddings)} rows are "
            f"all zeros, the first is row {zero[0]}. Look for a layer whose outputs "
            "are all zero."
        )
    return embeddings


def check_labels(labels, n, name="labels"):
    """Convert labels to an array with one label per utterance.

    Parameters
    ----------
    labels : array_like
        Shape (n,): speakers, clusters, or labels of any other kind.
    n : int
        Number of utterances.
    name : str
        Name of the argument, for the error message.

    Returns
    -------
    numpy.ndarray
        Shape (n,).

    Raises
    ------
    ArgumentError
        If the shape differs.
    """
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise ArgumentError(
            f"{name} must have shape ({n},), one for each utterance; got {labels.shape}"
        )
    return labels
