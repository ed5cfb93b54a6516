"""Maps of embeddings, and how faithful they are: the numbers of `SpeakerExplorer`."""

import dataclasses
import functools
import html

import numpy as np
import pandas as pd

from .. import clusters
from ..metrics._validation import check_embeddings, check_labels

# Shares of neighbors are measured on a random sample of at most this many utterances:
# 2,000 x 5 neighbors give a standard error of half a percent.
_MAX_SAMPLE = 2000
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
    metric : str
        Metric of the original space.
    chosen : int
        Row of the chosen utterance.
    neighbors : tuple of int
        Rows of its neighbors in the original space, the nearest first.
    distances : tuple of float
        Distances from the chosen utterance to them.
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
    all_distances : numpy.ndarray
        Distance from the chosen utterance to each one, shape (utterances,).
    """

    purity: clusters.Purity
    preserved: float
    metric: str
    chosen: int
    neighbors: tuple
    distances: tuple
    names: tuple
    selected: tuple
    counts: tuple
    points: np.ndarray = dataclasses.field(repr=False, compare=False)
    labels: np.ndarray = dataclasses.field(repr=False, compare=False)
    all_distances: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """Summarize in HTML."""
        chosen, *near = (html.escape(name) for name in self.names)
        chance = self.purity.k / (len(self.points) - 1)
        listed = ", ".join(
            f"{name} ({distance:.3f})"
            for name, distance in zip(near, self.distances, strict=True)
        )
        line = (
            f"neighbor purity <b>{self.purity:.2f}</b> "
            f"(chance {self.purity.chance:.2f}); the map preserves "
            f"<b>{self.preserved:.1%}</b> of the neighbors (chance {chance:.1%})"
            f"<br>nearest to <b>{chosen}</b> by {self.metric} distance: {listed}"
        )
        if self.counts:
            who = ", ".join(f"{html.escape(name)} {n}" for name, n in self.counts)
            line += f"<br>selected <b>{len(self.selected)}</b>: {who}"
        return line


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
    >>> view = maps.view(chosen=2, around=1)
    >>> view.names, float(view.purity), view.preserved, view.counts
    (('ben 1', 'ben 2'), 1.0, 1.0, (('ben', 2),))
    """

    def __init__(self, embeddings, speakers, *, k=5, layout=clusters.umap):
        x = check_embeddings(embeddings, min_rows=4)
        speakers = check_labels(speakers, len(x), name="speakers").astype(str)
        self._x, self._k, self._layout = x, k, layout
        rng = np.random.default_rng(0)
        self._speakers, labels = np.unique(speakers, return_inverse=True)
        self._labels = {False: labels, True: rng.permutation(labels)}
        self._sample = rng.permutation(len(x))[:_MAX_SAMPLE]
        number = pd.Series(speakers).groupby(speakers).cumcount() + 1
        self.names = [f"{who} {n}" for who, n in zip(speakers, number, strict=True)]
        # Caches of this object, which are freed with it.
        self.map_points = functools.lru_cache(_CACHE_SIZE)(self._compute_points)
        self._near = functools.lru_cache(_CACHE_SIZE)(self._find_near)

    def _find_near(self, metric):
        return clusters.nearest_neighbors(
            self._x, self._sample, k=self._k, metric=metric
        )

    def _compute_points(self, metric, **settings):
        """Compute a map, and the share of neighbors that it preserves."""
        points = self._layout(self._x, metric=metric, **settings)
        on_map = clusters.nearest_neighbors(
            points, self._sample, k=self._k, metric="euclidean"
        )
        return points, neighbor_preservation(self._near(metric), on_map)

    def view(
        self, *, chosen=0, around=0, selected=(), shuffled=False, metric="cosine", **map
    ):
        """Return a map and its numbers.

        Parameters
        ----------
        chosen : int
            Row of an utterance.
        around : int
            Select it and this many others, those nearest to it on the map.
        selected : sequence of int
            Select these rows, where `around` is 0.
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
        from sklearn.metrics import pairwise_distances

        points, preserved = self.map_points(metric=metric, **map)
        labels = self._labels[shuffled]
        all_distances = pairwise_distances(self._x[[chosen]], self._x, metric=metric)[0]
        others = np.argsort(all_distances, kind="stable")
        near = others[others != chosen][: self._k]
        if around:
            on_map = np.linalg.norm(points - points[chosen], axis=1)
            selected = np.sort(np.argsort(on_map, kind="stable")[: around + 1])
        counts = np.bincount(labels[list(selected)])
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        return MapView(
            clusters.purity_of_neighbors(self._near(metric), labels, self._sample),
            preserved,
            metric,
            int(chosen),
            tuple(near.tolist()),
            tuple(all_distances[near].tolist()),
            tuple(self.names[i] for i in (chosen, *near)),
            tuple(int(i) for i in selected),
            tuple((str(self._speakers[i]), int(counts[i])) for i in order),
            points,
            labels,
            all_distances,
        )
