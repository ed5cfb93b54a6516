"""Checks of embeddings, labels and scores, shared by several parts."""

import numpy as np

from ..errors import ArgumentError


def check_embeddings(embeddings, *, min_rows=1, name="embeddings"):
    """Convert embeddings to a float64 array; reject rows without a direction.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    min_rows : int
        Minimum number of utterances.
    name : str
        Name of the argument, for the error message.

    Returns
    -------
    numpy.ndarray
        float64, shape (utterances, dim).

    Raises
    ------
    ArgumentError
        If the array does not have two axes or has too few rows, or if a row contains
        NaN or infinity, or only zeros.
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
            f"NaN or infinity; the first is row {infinite[0]}"
        )
    zero = np.flatnonzero(~embeddings.any(axis=1))
    if len(zero):
        raise ArgumentError(
            f"{name} must not be all zeros; {len(zero)} of {len(embeddings)} rows are; "
            f"the first is row {zero[0]}. Look for a layer whose outputs are all zero."
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
        If the shape is wrong, or a label is missing (None or NaN).
    """
    import pandas as pd

    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise ArgumentError(
            f"{name} must have shape ({n},), one for each utterance; got {labels.shape}"
        )
    if len(missing := np.flatnonzero(pd.isna(labels))):
        which = f"{len(missing)} of {n} are None or NaN, the first is row {missing[0]}"
        raise ArgumentError(f"{name} must not be missing; {which}. Leave them out")
    return labels.astype(str) if labels.dtype == object else labels


def check_scores(y_true, y_score, *, both_classes=True):
    """Convert labels and scores of pairs to arrays.

    Parameters
    ----------
    y_true : array_like
        1 or True for the same speaker, 0 or False otherwise, shape (pairs,). The words
        of trial lists are accepted: "1" and "0", "target" and "nontarget".
    y_score : array_like
        Similarities, shape (pairs,).
    both_classes : bool
        Whether pairs of both kinds must be present.

    Returns
    -------
    y_true : numpy.ndarray of bool
        Shape (pairs,).
    y_score : numpy.ndarray
        float64, shape (pairs,).

    Raises
    ------
    ArgumentError
        If shapes differ, a label is neither 0 nor 1, a score is not finite, or one
        kind of pair is missing.
    """
    y_true = np.asarray(y_true)
    try:
        y_score = np.asarray(y_score, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ArgumentError(f"y_score must be numbers: {error}") from error
    if y_score.ndim != 1 or y_true.shape != y_score.shape:
        raise ArgumentError(
            "y_true and y_score must both have shape (pairs,); got "
            f"{y_true.shape} and {y_score.shape}"
        )
    if y_true.dtype.kind in "OSTU":
        from ..corpora.voxceleb import TRIAL_LABELS  # imports pandas

        y_true = np.array([TRIAL_LABELS.get(x, x) for x in y_true.tolist()], object)
    same = y_true.astype(bool)
    if not np.array_equal(same, y_true):
        raise ArgumentError(
            "y_true must contain only 0 and 1 (1: same speaker); got "
            f"{y_true[same != y_true][0]}. The labels come first, then the scores."
        )
    n_infinite = np.count_nonzero(~np.isfinite(y_score))
    if n_infinite:
        raise ArgumentError(
            f"y_score must be finite; {n_infinite} of {len(y_score)} scores are not. "
            "Look for NaN in the embeddings."
        )
    if both_classes and (same.all() or not same.any()):
        kind = "the same speaker" if same.any() else "different speakers"
        raise ArgumentError(
            "y_true must contain pairs of the same and of different speakers; all "
            f"{len(same)} pairs are of {kind}"
        )
    return same, y_score
