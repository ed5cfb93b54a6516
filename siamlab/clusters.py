"""Which utterances belong together, and checks that keep a picture honest.

- `hierarchical`, `tree`: clusters, and the tree that they are cut from.
- `umap`: a map in two dimensions.
- `neighbor_purity`, `shuffled_purity`: what the map is worth, without the map.

Notebook: 09_speaker_clusters.
"""

import numpy as np

from .errors import ArgumentError
from .metrics._validation import check_embeddings, check_labels

__all__ = [
    "Purity",
    "hierarchical",
    "neighbor_purity",
    "shuffled_purity",
    "tree",
    "umap",
]


def tree(embeddings, *, linkage="average", metric="cosine"):
    """Join what is most alike, again and again (Sokal and Michener, 1958).

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    linkage : str
        "average", "complete", "single" or, with Euclidean distances, "ward".
    metric : str
        Any of `scipy.spatial.distance.pdist`; the network's own (FAULTS S22).

    Returns
    -------
    numpy.ndarray
        Shape (utterances - 1, 4), as scipy's `linkage` makes it.

    Raises
    ------
    ArgumentError
        If there are fewer than 2 utterances, an embedding is not finite, a
        distance matrix was given (FAULTS S23), or linkage and metric do not fit.
    """
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import pdist

    x = check_embeddings(embeddings, min_rows=2)
    if len(x) == x.shape[1] > 2 and not np.diag(x).any() and np.allclose(x, x.T):
        raise ArgumentError(
            f"this is a matrix of distances, {x.shape}, and would be clustered as "
            "if its rows were points; give the embeddings themselves"
        )
    if linkage == "ward" and metric != "euclidean":
        raise ArgumentError(
            f'linkage "ward" needs metric "euclidean"; got {metric!r}. '
            'Try linkage "average".'
        )
    return hierarchy.linkage(pdist(x, metric), method=linkage)


def hierarchical(
    embeddings, n=None, *, threshold=None, linkage="average", metric="cosine"
):
    """Cluster utterances by cutting the tree.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    n : int, optional
        Number of clusters, where the number of speakers is known.
    threshold : float, optional
        Distance at which to cut, where it is not. Give one of the two.
    linkage, metric : str
        As for `tree`.

    Returns
    -------
    numpy.ndarray of int
        Shape (utterances,), from 0 in order of appearance.

    Raises
    ------
    ArgumentError
        If not exactly one of `n` and `threshold` is given, `n` is out of range, or
        as for `tree`.

    Examples
    --------
    >>> hierarchical([[1, 0], [0, 1], [1, 0.1]], n=2).tolist()
    [0, 1, 0]
    """
    from scipy.cluster import hierarchy

    if (n is None) == (threshold is None):
        raise ArgumentError("give either n or threshold, and not both")
    joins = tree(embeddings, linkage=linkage, metric=metric)
    if n is not None:
        if not 1 <= n <= len(joins) + 1:
            raise ArgumentError(
                f"n must be 1 to {len(joins) + 1}, the number of utterances; got {n}"
            )
        clusters = hierarchy.cut_tree(joins, n_clusters=n)[:, 0]
    else:
        clusters = hierarchy.fcluster(joins, threshold, criterion="distance")
    _, first, ids = np.unique(clusters, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[ids]


def umap(embeddings, *, n_neighbors=15, min_dist=0.1, metric="cosine", seed=0):
    """Lay embeddings out on paper (McInnes, Healy and Melville, 2018).

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    n_neighbors : int
        How many neighbors of a point shall stay near it; at most all others.
    min_dist : float
        How close points may lie on the map.
    metric : str
        Distance in the original space.
    seed : int
        The same seed gives the same map on the same machine.

    Returns
    -------
    numpy.ndarray
        float32, shape (utterances, 2). Neighborhoods mean something; distances,
        sizes and directions do not.

    Raises
    ------
    ArgumentError
        If there are fewer than 4 utterances, or an embedding is not finite.
    """
    x = check_embeddings(embeddings, min_rows=4).astype(np.float32)
    from umap import UMAP  # compiles for seconds, so not at import

    return UMAP(
        n_neighbors=max(2, min(n_neighbors, len(x) - 1)),
        min_dist=min_dist,
        metric=metric,
        random_state=seed,
        n_jobs=1,  # a seed rules out more; UMAP warns otherwise
        # The spectral layout needs more points than it has dimensions.
        init="spectral" if len(x) > 10 else "random",
    ).fit_transform(x)


class Purity(float):
    """Share of neighbors with the same label, beside what chance would give.

    Parameters
    ----------
    value : float
        The share; a `Purity` is a float and computes as one.
    chance : float
        Expected share, had the labels been dealt at random.
    k : int
        Number of neighbors.
    """

    chance: float
    k: int

    def __new__(cls, value, chance, k):
        """Make the float."""
        self = super().__new__(cls, value)
        self.chance, self.k = float(chance), int(k)
        return self

    def __getnewargs__(self):
        return float(self), self.chance, self.k


def _neighbors(embeddings, k, metric):
    """Rows of the k nearest others of each row, shape (utterances, k)."""
    from sklearn.neighbors import NearestNeighbors

    x = check_embeddings(embeddings, min_rows=2)
    if not 1 <= k < len(x):
        raise ArgumentError(
            f"k must be 1 to {len(x) - 1}, the number of other utterances; got {k}"
        )
    # Without arguments, kneighbors leaves each point itself out.
    finder = NearestNeighbors(n_neighbors=k, metric=metric).fit(x)
    return finder.kneighbors(return_distance=False)


def _label_ids(labels, n):
    return np.unique(check_labels(labels, n), return_inverse=True)[1]


def neighbor_purity(embeddings, labels, *, k=5, metric="cosine"):
    """Share of the nearest neighbors that carry the same label.

    Computed in the space of the embeddings, so that it says what a map of them is
    worth without being a map itself (FAULTS S37).

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    labels : array_like
        Shape (utterances,): speakers, or anything else.
    k : int
        Number of neighbors; a point is not its own.
    metric : str
        Of the embeddings.

    Returns
    -------
    Purity
        A float, with `chance` and `k`.

    Raises
    ------
    ArgumentError
        If shapes do not fit or `k` is out of range.

    Examples
    --------
    >>> x = [[1, 0], [1, 0.1], [0, 1], [0.1, 1]]
    >>> float(neighbor_purity(x, ["anna", "anna", "ben", "ben"], k=1))
    1.0
    """
    near = _neighbors(embeddings, k, metric)
    labels = _label_ids(labels, len(near))
    counts = np.bincount(labels)
    chance = np.mean((counts[labels] - 1) / (len(labels) - 1))
    return Purity(np.mean(labels[near] == labels[:, None]), chance, k)


def shuffled_purity(embeddings, labels, *, k=5, metric="cosine", shuffles=20, seed=0):
    """Purity with the labels dealt to other utterances, several times.

    Parameters
    ----------
    embeddings, labels, k, metric
        As for `neighbor_purity`.
    shuffles : int
        How many times.
    seed : int
        Of the dealing.

    Returns
    -------
    numpy.ndarray
        Shape (shuffles,). A purity among these is none.
    """
    near = _neighbors(embeddings, k, metric)
    labels = _label_ids(labels, len(near))
    rng = np.random.default_rng(seed)
    dealt = [rng.permutation(labels) for _ in range(shuffles)]
    return np.array([np.mean(deal[near] == deal[:, None]) for deal in dealt])
