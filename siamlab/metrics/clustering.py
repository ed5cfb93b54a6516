"""How well clusters agree with speakers."""

import numpy as np

from ..errors import ArgumentError


def misclassification_rate(speakers, clusters):
    """Share of utterances in the wrong cluster (Kotti, Moschou and Kotropoulos, 2008).

    Each cluster is given one speaker and each speaker one cluster, so that as many
    utterances as possible are right; the others are wrong.

    Parameters
    ----------
    speakers, clusters : array_like
        Labels of any kind, shape (utterances,).

    Returns
    -------
    float
        0 is perfect.

    Raises
    ------
    ArgumentError
        If shapes differ or are empty.

    Examples
    --------
    >>> misclassification_rate(["anna", "anna", "ben", "ben"], [1, 1, 0, 1])
    0.25
    """
    from scipy.optimize import linear_sum_assignment

    speakers, clusters = np.asarray(speakers), np.asarray(clusters)
    if speakers.ndim != 1 or speakers.shape != clusters.shape or not len(speakers):
        raise ArgumentError(
            "speakers and clusters must both have shape (utterances,); got "
            f"{speakers.shape} and {clusters.shape}"
        )
    _, row = np.unique(speakers, return_inverse=True)
    _, column = np.unique(clusters, return_inverse=True)
    together = np.zeros((row.max() + 1, column.max() + 1), dtype=int)
    np.add.at(together, (row, column), 1)
    best = together[linear_sum_assignment(together, maximize=True)].sum()
    return float(1.0 - best / len(speakers))
