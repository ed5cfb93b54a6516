"""Maps of embeddings, and how faithful they are: the numbers of `SpeakerExplorer`."""

import dataclasses
import functools

import numpy as np
import pandas as pd

from .. import clusters
from ..metrics._validation import check_embeddings, check_labels

# Number of maps that are cached.
_CACHE_SIZE = 64


def neighbor_preservation(near, on_map):
    """Share of the neighbors that are also neighbors on a map.

    Parameters
    ----------
    near, on_map : array_like of int
        Of `clusters.nearest_neighbors`, among the embeddings and on the map, shape
        (rows, k).

    Returns
    -------
    float
        Q_NX(k) of Lee and Verleysen (2009): 1 if all are preserved. A random map has
        k / (utterances - 1).

    Examples
    --------
    >>> neighbor_preservation([[1, 2], [0, 2]], [[2, 3], [3, 4]])
    0.25
    """
    near, on_map = np.asarray(near), np.asarray(on_map)
    return float(np.mean((near[:, :, None] == on_map[:, None, :]).any(axis=2)))


@dataclasses.dataclass(frozen=True)
class MapView:
    """A map with a chosen utterance, a selection, and measures of its quality.

    Parameters
    ----------
    purity : clusters.Purity
        Share of neighbors in the original space with the same name, with `chance`.
    preserved : float
        Share of neighbors in the original space that are also neighbors on the map.
    chosen : int
        Row of the chosen utterance.
    neighbors : tuple of int
        Rows of its neighbors in the original space, the nearest first.
    distances : tuple of float
        Distances from the chosen utterance to them.
    ranks : tuple of int
        Their ranks by distance on the map, from 1 for the nearest on the map.
    names : tuple of str
        Names of the chosen utterance and its neighbors.
    selected : tuple of int
        Rows of the utterances that were selected on the map.
    counts : tuple of (str, int)
        Number of selected utterances for each name, the most frequent first.
    points : numpy.ndarray
        The map, float32, shape (utterances, 2).
    labels : numpy.ndarray of int
        Index of the name of each utterance, shape (utterances,).
    """

    purity: clusters.Purity
    preserved: float
    chosen: int
    neighbors: tuple
    distances: tuple
    ranks: tuple
    names: tuple
    selected: tuple
    counts: tuple
    points: np.ndarray = dataclasses.field(repr=False, compare=False)
    labels: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """Summarize in one line."""
        chosen, *near = self.names
        return (
            f"neighbor purity {self.purity:.2f} (chance {self.purity.chance:.2f}); the "
            f"map keeps {self.preserved:.0%} of the neighbors; nearest to {chosen}: "
            f"{', '.join(near)}; selected: "
            + (", ".join(f"{name} {n}" for name, n in self.counts) or "none")
        )


class SpeakerMaps:
    """Maps of the same embeddings; each is computed on first use, and cached.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).
    k : int
        Number of neighbors.
    layout : callable
        As `clusters.umap`, which it is by default: embeddings and `n_neighbors`,
        `min_dist`, `metric`, `seed` in, points (utterances, 2) out.

    Attributes
    ----------
    names : list of str
        For each utterance: its speaker, and a running index per speaker.
    speakers : list of str
        All names, sorted.
    labels : dict of bool to numpy.ndarray of int
        Index of the name of each utterance, by whether names are shuffled.
    map_points : callable
        From the settings of a map to its points, float32, and the share of neighbors
        that it preserves.
    near : callable
        From a metric to the neighbors of all utterances in the original space and
        their distances, both of shape (utterances, k).

    Raises
    ------
    ArgumentError
        If there are fewer than 4 utterances, `k` is out of range, shapes differ, or
        an embedding is not finite or all zeros.

    Examples
    --------
    >>> def flat(x, **settings):
    ...     return x[:, :2]
    >>> x = [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]
    >>> maps = SpeakerMaps(x, ["anna", "anna", "ben", "ben"], k=1, layout=flat)
    >>> view = maps.view(chosen=2, selected=[2, 3])
    >>> view.names, float(view.purity), view.preserved, view.counts
    (('ben 1', 'ben 2'), 1.0, 1.0, (('ben', 2),))
    """

    def __init__(self, embeddings, speakers, *, k=5, layout=clusters.umap):
        x = check_embeddings(embeddings, min_rows=4)
        speakers = check_labels(speakers, len(x), name="speakers").astype(str)
        self._x, self._k, self._layout = x, k, layout
        unique, labels = np.unique(speakers, return_inverse=True)
        self.speakers = unique.tolist()
        rng = np.random.default_rng(0)
        self.labels = {False: labels, True: rng.permutation(labels)}
        number = pd.Series(speakers).groupby(speakers).cumcount() + 1
        self.names = [f"{who} {n}" for who, n in zip(speakers, number, strict=True)]
        # Caches of this object, which are freed with it.
        self.map_points = functools.lru_cache(_CACHE_SIZE)(self._compute_points)
        self.near = functools.lru_cache(_CACHE_SIZE)(self._find_near)

    def _find_near(self, metric):
        from sklearn.metrics.pairwise import paired_distances

        x = self._x
        near = clusters.nearest_neighbors(x, k=self._k, metric=metric)
        columns = [paired_distances(x, x[rows], metric=metric) for rows in near.T]
        return near, np.column_stack(columns).astype(np.float32)

    def _compute_points(self, metric, **settings):
        points = self._layout(self._x, metric=metric, **settings)
        points = np.asarray(points, np.float32)  # as the view has them
        on_map = clusters.nearest_neighbors(points, k=self._k, metric="euclidean")
        return points, neighbor_preservation(self.near(metric)[0], on_map)

    def view(self, *, chosen=0, selected=(), shuffled=False, metric="cosine", **map):
        """Return a map and its numbers.

        Parameters
        ----------
        chosen : int
            Row of an utterance.
        selected : sequence of int
            Rows whose names are counted.
        shuffled : bool
            Assign the speakers' names to other utterances, always in the same way.
        metric : str
            Metric of the original space.
        **map
            `n_neighbors`, `min_dist` and `seed`, as for `clusters.umap`.

        Returns
        -------
        MapView
            The map and its numbers.
        """
        points, preserved = self.map_points(metric=metric, **map)
        labels, (every, distances) = self.labels[shuffled], self.near(metric)
        near = every[chosen]
        on_map = np.sum((points - points[chosen].astype(float)) ** 2, axis=1)
        on_map[chosen] = np.inf
        counts = np.bincount(labels[list(selected)])
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        return MapView(
            purity=clusters.purity_of_neighbors(every, labels),
            preserved=preserved,
            chosen=int(chosen),
            neighbors=tuple(near.tolist()),
            distances=tuple(distances[chosen].tolist()),
            ranks=tuple(1 + int((on_map < on_map[i]).sum()) for i in near),
            names=tuple(self.names[i] for i in (chosen, *near)),
            selected=tuple(selected),
            counts=tuple((self.speakers[i], int(counts[i])) for i in order),
            points=points,
            labels=labels,
        )
