"""Error rates of speaker verification, from the scores of pairs."""

import numpy as np

from ._validation import check_scores


def eer(y_true, y_score):
    """Equal error rate: the false accept rate where it equals the false reject rate.

    The rate is interpolated linearly between the two thresholds around the crossing.

    Parameters
    ----------
    y_true : array_like of bool
        1 for a same-speaker pair, 0 for a different-speaker pair, shape (pairs,).
    y_score : array_like
        Similarities, shape (pairs,): higher means more similar. Negate distances.

    Returns
    -------
    float
        0 is perfect, 0.5 is chance, 1 is always wrong.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one kind of pair is missing.

    Examples
    --------
    >>> eer([1, 1, 0, 0], [0.9, 0.8, 0.3, 0.1])
    0.0
    >>> eer([1, 1, 0, 0], [0.9, 0.2, 0.3, 0.1])
    0.5
    """
    return find_crossing(*det_curve(y_true, y_score))[0]


def auc(y_true, y_score):
    """Area under the ROC curve.

    This is the probability that a same-speaker pair scores higher than a
    different-speaker pair, where ties count half.

    Parameters
    ----------
    y_true, y_score : array_like
        As for `eer`.

    Returns
    -------
    float
        1 is perfect, 0.5 is chance.

    Raises
    ------
    ArgumentError
        As for `eer`.

    Examples
    --------
    >>> auc([1, 1, 0, 0], [0.9, 0.2, 0.3, 0.1])
    0.75
    """
    return area(*det_curve(y_true, y_score)[:2])


def min_dcf(y_true, y_score, p_target=0.01, c_miss=1.0, c_fa=1.0):
    """Minimum normalized detection cost of the NIST speaker recognition evaluations.

    Parameters
    ----------
    y_true, y_score : array_like
        As for `eer`.
    p_target : float
        Prior probability of a same-speaker pair in the intended application.
    c_miss : float
        Cost of a false reject (a miss).
    c_fa : float
        Cost of a false accept (a false alarm).

    Returns
    -------
    float
        The minimum over all thresholds. 0 is perfect; 1 is the cost of the best
        decision that ignores the scores.

    Raises
    ------
    ArgumentError
        As for `eer`.

    Examples
    --------
    >>> min_dcf([1, 1, 0, 0], [0.9, 0.2, 0.3, 0.1])
    0.5
    """
    fpr, fnr, _ = det_curve(y_true, y_score)
    return minimum_cost(fpr, fnr, p_target, c_miss, c_fa)


def det_curve(y_true, y_score):
    """Error rates at each threshold: the DET curve (Martin et al., 1997).

    Parameters
    ----------
    y_true, y_score : array_like
        As for `eer`.

    Returns
    -------
    fpr, fnr, thresholds : numpy.ndarray
        False accept rates, false reject rates and thresholds, shape (thresholds,).
        Pairs with a score of at least the threshold are accepted. Thresholds decrease;
        the first is infinite, so that no pair is accepted.

    Raises
    ------
    ArgumentError
        As for `eer`.

    Examples
    --------
    >>> fpr, fnr, thresholds = det_curve([1, 0], [0.9, 0.1])
    >>> fpr.tolist(), fnr.tolist(), thresholds.tolist()
    ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [inf, 0.9, 0.1])
    """
    curve = ErrorCurve(*check_scores(y_true, y_score))
    return *curve.rates(), curve.thresholds


def best_threshold(y_true, y_score):
    """Find the threshold at which false accepts are as frequent as false rejects.

    Apply it to other data than the data used here.

    Parameters
    ----------
    y_true, y_score : array_like
        As for `eer`.

    Returns
    -------
    float
        Accept pairs with at least this score.

    Raises
    ------
    ArgumentError
        As for `eer`.

    Examples
    --------
    >>> best_threshold([1, 1, 0, 0], [0.9, 0.8, 0.3, 0.1])
    0.8
    """
    return find_crossing(*det_curve(y_true, y_score))[1]


class ErrorCurve:
    """Error rates at all thresholds, from a single sort of the scores.

    `rates` can be called again with other weights of the pairs, as in a bootstrap,
    without sorting again. Weights are in the sorted order, `order`.
    """

    def __init__(self, y_true, y_score):
        self.order = np.argsort(-y_score, kind="stable")
        self.y_true = y_true[self.order]
        descending = y_score[self.order]
        # Tied scores are accepted together: a threshold exists only at the last of
        # each group of equal scores.
        self._last = np.append(np.flatnonzero(np.diff(descending)), len(y_score) - 1)
        self.thresholds = np.concatenate(([np.inf], descending[self._last]))

    def rates(self, weights=None):
        """Return false positive and false negative rates, starting with no accepts."""
        if weights is None:
            weights = np.ones(len(self.order))
        true_accepts = np.cumsum(np.where(self.y_true, weights, 0.0))[self._last]
        false_accepts = np.cumsum(np.where(self.y_true, 0.0, weights))[self._last]
        return (
            np.concatenate(([0.0], false_accepts / false_accepts[-1])),
            np.concatenate(([1.0], 1.0 - true_accepts / true_accepts[-1])),
        )


def find_crossing(fpr, fnr, thresholds):
    """Interpolate the equal error rate and the threshold at which it is reached."""
    difference = fpr - fnr  # rises from -1 to 1
    i = int(np.searchsorted(difference, 0.0, side="left"))
    before, after = difference[i - 1], difference[i]
    fraction = -before / (after - before)
    error_rate = fpr[i - 1] + fraction * (fpr[i] - fpr[i - 1])
    high, low = thresholds[i - 1], thresholds[i]
    # The first threshold is infinite.
    threshold = low if i == 1 else high + fraction * (low - high)
    return float(np.clip(error_rate, 0.0, 1.0)), float(threshold)


def area(fpr, fnr):
    """Area under the ROC curve of these error rates."""
    return float(np.trapezoid(1.0 - fnr, fpr))


def minimum_cost(fpr, fnr, p_target=0.01, c_miss=1.0, c_fa=1.0):
    """Minimum detection cost of these error rates, see `min_dcf`."""
    costs = c_miss * p_target * fnr + c_fa * (1.0 - p_target) * fpr
    cost_without_scores = min(c_miss * p_target, c_fa * (1.0 - p_target))
    return float(costs.min() / cost_without_scores)
