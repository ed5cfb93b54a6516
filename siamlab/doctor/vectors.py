"""How far embeddings spread, and in how many directions."""

import numpy as np


def spread(e):
    """Give the distance of embeddings from their mean against their size.

    Both are root mean squares.

    Parameters
    ----------
    e : array_like
        Shape (segments, dim).

    Returns
    -------
    float
        0 where all are alike, or 0; about 1 where their mean is near 0.
    """
    e = np.asarray(e, np.float64)
    size = float(np.sqrt(np.mean(e**2)))
    apart = float(np.sqrt(np.mean((e - e.mean(axis=0)) ** 2)))
    return apart / size if size > 0 else 0.0


def effective_rank(e):
    """Give the exponential of the entropy of the spectrum (Roy and Vetterli, 2007).

    Parameters
    ----------
    e : numpy.ndarray
        Embeddings, shape (segments, dim).

    Returns
    -------
    float
        1 for all on one line, dim at most.
    """
    s = _spectrum(e)
    if not s.sum() > 0:
        return 0.0
    p = s / s.sum()
    p = p[p > 0]
    return float(np.exp(-np.sum(p * np.log(p))))


def second_direction(e):
    """Give the second singular value against the first; 0 where there is none."""
    s = _spectrum(e)
    return float(s[1] / s[0]) if s[0] > 0 else 0.0


def _spectrum(e):
    return np.linalg.svd(e - e.mean(axis=0), compute_uv=False)
