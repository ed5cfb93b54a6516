"""Maps of embeddings, and the neighbor purity, which shows whether to trust a map.

- `umap`: a map in two dimensions.
- `neighbor_purity`: how often nearest neighbors have the same label; `Purity`.
- `shuffled_purity`: the same with shuffled labels.
- `check_points`: rejects a distance matrix where embeddings are expected.

To cluster embeddings, use scikit-learn::

    AgglomerativeClustering(n_clusters=12, metric="cosine", linkage="average")

Notebook: 11_speaker_clusters.
"""

import numpy as np

from .errors import ArgumentError
from .metrics._validation import check_embeddings, check_labels

__all__ = [
    "Purity",
    "check_points",
    "neighbor_purity",
    "shuffled_purity",
    "umap",
]


def umap(embeddings, *, n_neighbors=15, min_dist=0.1, metric="cosine", seed=0):
    """Map embeddings to two dimensions (McInnes, Healy and Melville, 2018).

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    n_neighbors : int
        Size of the neighborhoods that the map tries to preserve; at most the number of
        other utterances.
    min_dist : float
        Minimum distance between points on the map.
    metric : str
        Distance between embeddings.
    seed : int
        Random seed. The same seed gives the same map on the same machine.

    Returns
    -------
    numpy.ndarray
        float32, shape (utterances, 2). Neighborhoods are meaningful; distances,
        sizes of clusters and directions are not.

    Raises
    ------
    ArgumentError
        If there are fewer than 4 utterances, or as for `check_points`.
    """
    x = check_points(embeddings, metric, min_rows=4).astype(np.float32)
    from umap import UMAP  # takes seconds to import, because it compiles

    return UMAP(
        n_neighbors=max(2, min(n_neighbors, len(x) - 1)),
        min_dist=min_dist,
        metric=metric,
        random_state=seed,
        n_jobs=1,  # with a seed UMAP uses one thread, and warns without this
        # The spectral layout needs more points than it has dimensions.
        init="spectral" if len(x) > 10 else "random",
    ).fit_transform(x)


def neighbor_purity(embeddings, labels, *, k=5, metric="cosine"):
    """Compute the fraction of the k nearest neighbors that have the same label.

    The neighbors are found among the embeddings, not on a map. A purity well above
    chance means that the clusters are real and not an artifact of the map (fault S37,
    `docs/doctor.md#s37`).

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    labels : array_like
        Shape (utterances,): speakers, or labels of any other kind.
    k : int
        Number of neighbors. An utterance is not its own neighbor.
    metric : str
        Distance between embeddings; "precomputed" if `embeddings` is a matrix of
        distances.

    Returns
    -------
    Purity
        The purity: a float with the attributes `chance` and `k`.

    Raises
    ------
    ArgumentError
        If shapes do not match, `k` is out of range, or as for `check_points`.

    Examples
    --------
    >>> x = [[1, 0], [1, 0.1], [0, 1], [0.1, 1]]
    >>> float(neighbor_purity(x, ["anna", "anna", "ben", "ben"], k=1))
    1.0
    """
    x = check_points(embeddings, metric, min_rows=2)
    _, ids = np.unique(check_labels(labels, len(x)), return_inverse=True)
    return purity_of_neighbors(nearest_neighbors(x, k=k, metric=metric), ids)


def shuffled_purity(embeddings, labels, *, k=5, metric="cosine", n_shuffles=20, seed=0):
    """Compute the neighbor purity with shuffled labels, to measure the chance level.

    Parameters
    ----------
    embeddings, labels, k, metric
        As for `neighbor_purity`.
    n_shuffles : int
        Number of shuffles.
    seed : int
        Seed of the shuffles.

    Returns
    -------
    numpy.ndarray
        Shape (n_shuffles,). A purity within the range of these values is no evidence of
        clusters.

    Raises
    ------
    ArgumentError
        As for `neighbor_purity`.
    """
    x = check_points(embeddings, metric, min_rows=2)
    _, ids = np.unique(check_labels(labels, len(x)), return_inverse=True)
    neighbors = nearest_neighbors(x, k=k, metric=metric)
    rng = np.random.default_rng(seed)
    shuffles = (rng.permutation(ids) for _ in range(n_shuffles))
    return np.array([purity_of_neighbors(neighbors, ids) for ids in shuffles])


class Purity(float):
    """A neighbor purity: a float with the chance level as an attribute.

    Parameters
    ----------
    value : float
        Fraction of neighbors with the same label.
    chance : float
        Expected value for randomly assigned labels.
    k : int
        Number of neighbors.
    """

    chance: float
    k: int

    def __new__(cls, value, chance, k):
        """Create the float and attach its chance level."""
        self = super().__new__(cls, value)
        self.chance, self.k = float(chance), int(k)
        return self

    def __getnewargs__(self):
        return float(self), self.chance, self.k


def nearest_neighbors(points, rows=None, *, k=5, metric="cosine"):
    """Find the nearest neighbors of some points.

    Parameters
    ----------
    points : numpy.ndarray
        Shape (utterances, dim): embeddings, or a map of them.
    rows : numpy.ndarray of int, optional
        Points whose neighbors are found, shape (rows,); by default, all.
    k : int
        Number of neighbors.
    metric : str
        Distance between points; "precomputed" if `points` is a matrix of distances.

    Returns
    -------
    numpy.ndarray of int
        Rows of the neighbors, the nearest first, shape (rows, k).

    Raises
    ------
    ArgumentError
        If `k` is out of range.

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [3.0]])
    >>> nearest_neighbors(points, np.array([2]), k=2, metric="euclidean").tolist()
    [[1, 0]]
    """
    from sklearn.neighbors import NearestNeighbors

    if not 1 <= k < len(points):
        raise ArgumentError(
            f"k must be from 1 to {len(points) - 1}, the number of other utterances; "
            f"got {k}"
        )
    rows = np.arange(len(points)) if rows is None else rows
    finder = NearestNeighbors(n_neighbors=k + 1, metric=metric).fit(points)
    near = finder.kneighbors(points[rows], return_distance=False)
    # A point is its own neighbor, but not always the first one: it may have duplicates.
    own = near == rows[:, None]
    own[~own.any(axis=1), -1] = True
    return near[~own].reshape(-1, k)


def purity_of_neighbors(neighbors, ids, rows=slice(None)):
    """Compute the fraction of neighbors that have the same label.

    Parameters
    ----------
    neighbors : numpy.ndarray of int
        From `nearest_neighbors`, shape (rows, k).
    ids : numpy.ndarray of int
        Labels from 0 on of all utterances, shape (utterances,).
    rows : numpy.ndarray of int or slice
        The points that the neighbors belong to; by default, all.

    Returns
    -------
    Purity
        As for `neighbor_purity`.
    """
    same = ids[neighbors] == ids[rows, None]
    chance = np.mean((np.bincount(ids)[ids] - 1) / (len(ids) - 1))
    return Purity(np.mean(same), chance, neighbors.shape[1])


def check_points(embeddings, metric, min_rows=1):
    """Convert embeddings to float64; reject a distance matrix.

    Without this check, a distance matrix would silently be clustered as if its rows
    were embeddings (fault S23, `docs/doctor.md#s23`).

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    metric : str
        With "precomputed", a distance matrix is expected.
    min_rows : int
        Minimum number of utterances.

    Returns
    -------
    numpy.ndarray
        float64, shape (utterances, dim).

    Raises
    ------
    ArgumentError
        If there are too few utterances, an embedding is not finite or all zeros, or a
        distance matrix is given.
    """
    x = check_embeddings(embeddings, min_rows=min_rows)
    looks_like_distances = (
        len(x) == x.shape[1] > 2 and not np.diag(x).any() and np.allclose(x, x.T)
    )
    if looks_like_distances and metric != "precomputed":
        raise ArgumentError(
            f"expected embeddings; got a distance matrix of shape {x.shape}. Pass the "
            "embeddings themselves."
        )
    return x
