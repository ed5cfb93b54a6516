"""Orders and ranks of utterances."""

import numpy as np
from scipy.stats import spearmanr

from .rule import NotExamined


def rank_correlation(a, b):
    """Compute Spearman's rank correlation; 0 where one does not vary."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)


def quarters(values, lengths):
    """Mean of the values of the shortest and of the longest quarter of utterances."""
    order = np.argsort(lengths, kind="stable")
    n = max(1, len(order) // 4)
    values = np.asarray(values, float)
    return float(values[order[:n]].mean()), float(values[order[-n:]].mean())


def flat_order(order):
    """Give the utterances of each epoch in their order, one array each.

    Parameters
    ----------
    order : list
        For each epoch the utterances' numbers, in one list or one for each batch.
    """
    epochs = order.values() if isinstance(order, dict) else order
    epochs = list(epochs)
    if epochs and np.ndim(epochs[0]) == 0:
        epochs = [epochs]
    try:
        return [
            np.concatenate([np.atleast_1d(np.asarray(part)) for part in epoch])
            for epoch in epochs
        ]
    except ValueError as error:
        raise NotExamined(f"order= cannot be read: {error}") from error
