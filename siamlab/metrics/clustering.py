"""Agreement between clusters and speakers."""

from ..errors import ArgumentError
from ._validation import check_labels


def misclassification_rate(labels_true, labels_pred):
    """Fraction of utterances in the wrong cluster (Kotti et al., 2008).

    Clusters and speakers are matched one to one so that as many utterances as possible
    are correct (Hungarian algorithm). All other utterances are errors.

    Parameters
    ----------
    labels_true : array_like
        Speakers, shape (utterances,).
    labels_pred : array_like
        Clusters, shape (utterances,).

    Returns
    -------
    float
        From 0 to 1; 0 is perfect.

    Raises
    ------
    ArgumentError
        If shapes differ, or there are no utterances.

    Examples
    --------
    >>> misclassification_rate(["anna", "anna", "ben", "ben"], [1, 1, 0, 1])
    0.25
    """
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    n = len(labels_true)
    if not n:
        raise ArgumentError("misclassification_rate needs utterances; got none")
    labels_true = check_labels(labels_true, n, "labels_true")
    labels_pred = check_labels(labels_pred, n, "labels_pred")
    counts = contingency_matrix(labels_true, labels_pred)
    return float(1.0 - counts[linear_sum_assignment(counts, maximize=True)].sum() / n)
