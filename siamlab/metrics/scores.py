"""Error rates of scores: same speaker or not."""

import numpy as np

from ..errors import ArgumentError


def _checked(scores, same):
    scores = np.asarray(scores, dtype=np.float64)
    same = np.asarray(same).astype(bool)
    if scores.ndim != 1 or scores.shape != same.shape:
        raise ArgumentError(
            "scores and same must both have shape (pairs,); got "
            f"{scores.shape} and {same.shape}"
        )
    bad = np.count_nonzero(~np.isfinite(scores))
    if bad:
        raise ArgumentError(
            f"scores must be finite; {bad} of {len(scores)} are not. "
            "Look for NaN in the embeddings."
        )
    if same.all() or not same.any():
        kind = "the same speaker" if same.any() else "different speakers"
        raise ArgumentError(
            "error rates need pairs of the same and of different speakers; all "
            f"{len(same)} pairs are of {kind}"
        )
    return scores, same


class _Curve:
    """Error rates at each threshold, from one sort of the scores.

    With weights on the pairs, in the order of the sort, it is computed again without
    sorting again.
    """

    def __init__(self, scores, same):
        order = np.argsort(-scores, kind="stable")
        self.order = order
        self.same = same[order]
        scores = scores[order]
        # Scores that are tied are accepted together: a threshold lies between
        # different ones only.
        self.last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
        self.thresholds = np.concatenate(([np.inf], scores[self.last]))

    def rates(self, weights=None):
        """Return false accepts and rejects, from "accept none" to "accept all"."""
        if weights is None:
            weights = np.ones(len(self.order))
        hits = np.cumsum(np.where(self.same, weights, 0.0))[self.last]
        false = np.cumsum(np.where(self.same, 0.0, weights))[self.last]
        return (
            np.concatenate(([0.0], false / false[-1])),
            np.concatenate(([1.0], 1.0 - hits / hits[-1])),
        )


def _crossing(accepts, rejects):
    """Where false accepts equal false rejects: index before it, share, and rate."""
    # The difference rises from -1 to 1; on its way it passes 0.
    difference = accepts - rejects
    i = int(np.searchsorted(difference, 0.0, side="left"))
    before, after = difference[i - 1], difference[i]
    share = -before / (after - before)
    rate = accepts[i - 1] + share * (accepts[i] - accepts[i - 1])
    return i, share, float(np.clip(rate, 0.0, 1.0))


def _threshold(thresholds, i, share):
    """Interpolate as the rates were; the first threshold is infinite."""
    low = thresholds[i]
    return float(
        low if i < 2 else thresholds[i - 1] + share * (low - thresholds[i - 1])
    )


def _area(accepts, rejects):
    return float(np.trapezoid(1.0 - rejects, accepts))


def _least_cost(accepts, rejects, p_target=0.01, c_miss=1.0, c_fa=1.0):
    cost = c_miss * p_target * rejects + c_fa * (1.0 - p_target) * accepts
    # Normalized by the cost of a system that always says the same.
    return float(cost.min() / min(c_miss * p_target, c_fa * (1.0 - p_target)))


def det_curve(scores, same):
    """Error rates at each threshold (Martin et al., 1997).

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).

    Returns
    -------
    false_accepts, false_rejects, thresholds : numpy.ndarray
        Shape (thresholds,); pairs with a score of at least the threshold are
        accepted. The first threshold is infinite and accepts none.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.
    """
    curve = _Curve(*_checked(scores, same))
    return *curve.rates(), curve.thresholds


def eer(scores, same):
    """Equal error rate, interpolated on the ROC.

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).

    Returns
    -------
    float
        Share of wrong answers where false accepts are as frequent as false
        rejects: 0 is perfect, 0.5 is guessing, 1 is perfectly wrong.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.

    Examples
    --------
    >>> eer([0.9, 0.8, 0.3, 0.1], [True, True, False, False])
    0.0
    >>> eer([0.9, 0.2, 0.3, 0.1], [True, True, False, False])
    0.5
    """
    curve = _Curve(*_checked(scores, same))
    return _crossing(*curve.rates())[2]


def auc(scores, same):
    """Area under the ROC: how often a same pair scores above a different one.

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).

    Returns
    -------
    float
        1 is perfect, 0.5 is guessing; ties count half.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.

    Examples
    --------
    >>> auc([0.9, 0.2, 0.3, 0.1], [True, True, False, False])
    0.75
    """
    return _area(*_Curve(*_checked(scores, same)).rates())


def min_dcf(scores, same, p_target=0.01, c_miss=1.0, c_fa=1.0):
    """Least normalized detection cost (NIST speaker recognition evaluations).

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).
    p_target : float
        How often both are the same speaker where the system is used.
    c_miss, c_fa : float
        Cost of a false reject, and of a false accept.

    Returns
    -------
    float
        0 is perfect; 1 is what saying "different" always costs.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.
    """
    accepts, rejects = _Curve(*_checked(scores, same)).rates()
    return _least_cost(accepts, rejects, p_target, c_miss, c_fa)


def best_threshold(scores, same, criterion="eer"):
    """Choose a threshold, on data other than those it is then used on.

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).
    criterion : {"eer", "accuracy"}
        Equal errors, or the fewest.

    Returns
    -------
    float
        Pairs with at least this score are taken for the same speaker.

    Raises
    ------
    ArgumentError
        If the criterion is unknown, or as for `eer`.
    """
    scores, same = _checked(scores, same)
    curve = _Curve(scores, same)
    accepts, rejects = curve.rates()
    if criterion == "eer":
        i, share, _ = _crossing(accepts, rejects)
        return _threshold(curve.thresholds, i, share)
    if criterion == "accuracy":
        n_same = np.count_nonzero(same)
        wrong = accepts * (len(same) - n_same) + rejects * n_same
        return float(curve.thresholds[np.argmin(wrong)])
    raise ArgumentError(f'criterion must be "eer" or "accuracy"; got {criterion!r}')


def accuracy_at(scores, same, threshold):
    """Share of pairs that a threshold decides rightly.

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).
    threshold : float
        Pairs with at least this score are taken for the same speaker.

    Returns
    -------
    float
        From 0 to 1. Depends on how many pairs of each kind there are.

    Examples
    --------
    >>> accuracy_at([0.9, 0.2, 0.3, 0.1], [True, True, False, False], 0.25)
    0.5
    """
    accepted = np.asarray(scores) >= threshold
    return float(np.mean(accepted == np.asarray(same).astype(bool)))
