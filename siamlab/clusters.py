"""Maps of embeddings, and the neighbor purity, which shows whether to trust a map.

- `umap`: a map in two dimensions.
- `neighbor_purity`: how often nearest neighbors have the same label; `Purity`.
- `shuffled_purity`: the same with shuffled labels.
- `check_points`: rejects a distance matrix where embeddings are expected.

To cluster embeddings, use scikit-learn::

    AgglomerativeClustering(n_clusters=12, metric="cosine", linkage="average")

Notebook: 09_speaker_clusters.
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
    neighbors = _nearest_neighbors(embeddings, k, metric)
    labels = check_labels(labels, len(neighbors))
    _, ids, counts = np.unique(labels, return_inverse=True, return_counts=True)
    chance = np.mean((counts[ids] - 1) / (len(labels) - 1))
    return Purity(_purity(neighbors, ids), chance, k)


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
    neighbors = _nearest_neighbors(embeddings, k, metric)
    labels = check_labels(labels, len(neighbors))
    rng = np.random.default_rng(seed)
    return np.array(
        [_purity(neighbors, rng.permutation(labels)) for _ in range(n_shuffles)]
    )


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


def _nearest_neighbors(embeddings, k, metric):
    """Rows of the k nearest others of each row, shape (utterances, k)."""
    from sklearn.neighbors import NearestNeighbors

    x = check_points(embeddings, metric, min_rows=2)
    if not 1 <= k < len(x):
        raise ArgumentError(
            f"k must be from 1 to {len(x) - 1}, the number of other utterances; got {k}"
        )
    # Without an argument, kneighbors excludes each point itself.
    finder = NearestNeighbors(n_neighbors=k, metric=metric).fit(x)
    return finder.kneighbors(return_distance=False)


def _purity(neighbors, labels):
    return np.mean(labels[neighbors] == labels[:, None])


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
