"""How well embeddings tell speakers apart, where it is known who speaks."""

import numpy as np

from .. import metrics


def examine(rows, speakers, *, sessions=None, seed=0):
    """Compare all with each other, and cluster them.

    Parameters
    ----------
    rows : array_like
        Embeddings, shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).
    sessions : array_like, optional
        Pairs within one are left out; see `metrics.verify`.
    seed : int
        Of the intervals.

    Returns
    -------
    found : metrics.Verification
        Of all pairs.
    figures : dict
        The same and "mr", the misclassification rate of a clustering that knows the
        number of speakers (average linkage), for JSON.
    """
    from sklearn.cluster import AgglomerativeClustering

    found = metrics.verify(rows, speakers, sessions=sessions, seed=seed)
    n = len(np.unique(speakers))
    clustering = AgglomerativeClustering(n, metric="cosine", linkage="average")
    rate = metrics.misclassification_rate(speakers, clustering.fit_predict(rows))
    return found, {"speakers": n, **found.as_dict(), "mr": float(rate)}
