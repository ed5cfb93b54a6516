"""Maps of embeddings, and what is true of them: the numbers of `SpeakerExplorer`."""

import dataclasses
import functools
import html

import numpy as np

from .. import clusters
from ..errors import ArgumentError

# Of more utterances than this, as many are drawn whose neighbors are looked up: a
# share of 2,000 x 5 neighbors is known to half a per cent.
_ASKED = 2000
# Maps of so many settings are kept.
_KEPT = 64


def nearest(points, rows, *, k=5, metric="cosine"):
    """Find the nearest others of some points.

    Parameters
    ----------
    points : array_like
        Shape (utterances, dim): embeddings, or a map of them.
    rows : array_like of int
        Whose neighbors, shape (asked,).
    k : int
        How many, at most all others.
    metric : str
        Any that `sklearn.metrics.pairwise_distances` knows.

    Returns
    -------
    near : numpy.ndarray of int
        Rows of the neighbors, the nearest first, shape (asked, k).
    distances : numpy.ndarray
        Same shape, in units of the metric.

    Raises
    ------
    ArgumentError
        If `k` is out of range.

    Examples
    --------
    >>> near, distances = nearest([[0.0], [1.0], [3.0]], [2], k=2, metric="euclidean")
    >>> near.tolist(), distances.tolist()
    ([[1, 0]], [[2.0, 3.0]])
    """
    from sklearn.neighbors import NearestNeighbors

    points, rows = np.asarray(points), np.asarray(rows)
    if not 1 <= k < len(points):
        raise ArgumentError(
            f"k must be 1 to {len(points) - 1}, the number of other utterances; got {k}"
        )
    finder = NearestNeighbors(n_neighbors=k + 1, metric=metric).fit(points)
    distances, near = finder.kneighbors(points[rows])
    # Each is its own neighbor, though not always the first: it may have a double.
    own = near == rows[:, None]
    own[~own.any(axis=1), -1] = True
    return near[~own].reshape(-1, k), distances[~own].reshape(-1, k)


def kept_neighbors(near, on_map):
    """Share of the neighbors that are neighbors on a map as well.

    Parameters
    ----------
    near, on_map : array_like of int
        Of `nearest`, in the space of the embeddings and on the map; both of shape
        (asked, k).

    Returns
    -------
    float
        Q_NX(k) of Lee and Verleysen (2009): 1 for a map that keeps all. A map of
        points put down at random has k / (utterances - 1).

    Examples
    --------
    >>> kept_neighbors([[1, 2], [0, 2]], [[2, 3], [3, 4]])
    0.25
    """
    near, on_map = np.asarray(near), np.asarray(on_map)
    return float(np.mean((near[:, :, None] == on_map[:, None, :]).any(axis=2)))


@dataclasses.dataclass(frozen=True)
class View:
    """What one sees of a map, and what is true of it.

    Parameters
    ----------
    purity : clusters.Purity
        Share of neighbors in the original space that bear the same name, with
        `chance`.
    kept : float
        Share of neighbors in the original space that are neighbors on the map.
    metric : str
        Of the original space.
    chosen : int
        Row of the chosen utterance.
    neighbors : tuple of int
        Rows of its neighbors in the original space, the nearest first.
    distances : tuple of float
        From it to each of them, in units of the metric.
    names : tuple of str
        Of the chosen utterance and its neighbors.
    selected : tuple of int
        Rows of the utterances that were selected on the map.
    counts : tuple of (str, int)
        How many of those bear each name, the commonest first.
    points : numpy.ndarray
        The map, float32, shape (utterances, 2).
    labels : numpy.ndarray of int
        Which name each utterance bears, of the sorted ones, shape (utterances,).
    afar : numpy.ndarray
        Distance from the chosen utterance to each, shape (utterances,).
    """

    purity: clusters.Purity
    kept: float
    metric: str
    chosen: int
    neighbors: tuple
    distances: tuple
    names: tuple
    selected: tuple
    counts: tuple
    points: np.ndarray = dataclasses.field(repr=False, compare=False)
    labels: np.ndarray = dataclasses.field(repr=False, compare=False)
    afar: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """One line of HTML."""
        chosen, *near = (html.escape(name) for name in self.names)
        chance = self.purity.k / (len(self.points) - 1)
        listed = ", ".join(
            f"{name} ({distance:.3f})"
            for name, distance in zip(near, self.distances, strict=True)
        )
        line = (
            f"neighbor purity <b>{self.purity:.2f}</b> "
            f"(chance {self.purity.chance:.2f}); the map keeps "
            f"<b>{self.kept:.1%}</b> of the neighbors (chance {chance:.1%})"
            f"<br>nearest to <b>{chosen}</b> by {self.metric} distance: {listed}"
        )
        if self.counts:
            who = ", ".join(f"{html.escape(name)} {n}" for name, n in self.counts)
            line += f"<br>selected <b>{len(self.selected)}</b>: {who}"
        return line


class Atlas:
    """Maps of the same embeddings; each is made when it is first looked at, and kept.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).
    k : int
        How many neighbors are asked about.
    layout : callable
        As `clusters.umap`, which it is by default: embeddings and `n_neighbors`,
        `min_dist`, `metric`, `seed` in, points (utterances, 2) out.

    Attributes
    ----------
    names : list of str
        Of each utterance: its speaker, and the how-manieth of his it is.

    Raises
    ------
    ArgumentError
        If there are fewer than 4 utterances, `k` is out of range, shapes differ, or
        an embedding is not finite.

    Examples
    --------
    >>> def flat(x, **settings):
    ...     return x[:, :2]
    >>> x = [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]
    >>> atlas = Atlas(x, ["anna", "anna", "ben", "ben"], k=1, layout=flat)
    >>> view = atlas.view(chosen=2, around=1)
    >>> view.names, float(view.purity), view.kept, view.counts
    (('ben 1', 'ben 2'), 1.0, 1.0, (('ben', 2),))
    """

    def __init__(self, embeddings, speakers, *, k=5, layout=clusters.umap):
        x, speakers = np.asarray(embeddings), np.asarray(speakers, dtype=str)
        if x.ndim != 2 or len(x) < 4 or speakers.shape != x.shape[:1]:
            raise ArgumentError(
                "embeddings must have shape (utterances, dim) with at least 4 "
                "utterances, and speakers (utterances,); got "
                f"{x.shape} and {speakers.shape}"
            )
        if not np.isfinite(x).all():
            raise ArgumentError("embeddings must be finite; some are NaN or infinite")
        self._x, self._k, self._layout = x, k, layout
        rng = np.random.default_rng(0)
        self._speakers, labels = np.unique(speakers, return_inverse=True)
        self._labels = {False: labels, True: rng.permutation(labels)}
        few = len(x) <= _ASKED
        self._asked = np.arange(len(x)) if few else rng.permutation(len(x))[:_ASKED]
        seen: dict = {}
        self.names = []
        for speaker in speakers:
            seen[speaker] = seen.get(speaker, 0) + 1
            self.names.append(f"{speaker} {seen[speaker]}")
        # Of this atlas alone: it goes, and its maps with it.
        self.chart = functools.lru_cache(_KEPT)(self._chart)
        self._near = functools.lru_cache(_KEPT)(self._find_near)
        self._purity = functools.lru_cache(_KEPT)(self._share_of_names)

    def _find_near(self, metric):
        return nearest(self._x, self._asked, k=self._k, metric=metric)[0]

    def _chart(self, neighbors=15, min_dist=0.1, metric="cosine", seed=0):
        """Return points, and the share of neighbors that they keep."""
        points = self._layout(
            self._x,
            n_neighbors=neighbors,
            min_dist=min_dist,
            metric=metric,
            seed=seed,
        )
        on_map, _ = nearest(points, self._asked, k=self._k, metric="euclidean")
        return points, kept_neighbors(self._near(metric), on_map)

    def _share_of_names(self, shuffled, metric):
        """As `clusters.neighbor_purity`, of those that are asked."""
        labels = self._labels[shuffled]
        same = labels[self._near(metric)] == labels[self._asked, None]
        chance = np.mean((np.bincount(labels)[labels] - 1) / (len(labels) - 1))
        return clusters.Purity(np.mean(same), chance, self._k)

    def view(
        self, *, chosen=0, around=0, selected=(), shuffled=False, metric="cosine", **map
    ):
        """Look at a map.

        Parameters
        ----------
        chosen : int
            Row of an utterance.
        around : int
            Select it and as many others, those nearest to it on the map.
        selected : sequence of int
            Select these rows, where `around` is 0.
        shuffled : bool
            Deal the speakers' names to other utterances, always in the same way.
        metric : str
            In the space of the embeddings.
        **map
            `neighbors`, `min_dist` and `seed`, as for `clusters.umap`.

        Returns
        -------
        View
            The map with its numbers.
        """
        from sklearn.metrics import pairwise_distances

        points, kept = self.chart(metric=metric, **map)
        labels = self._labels[shuffled]
        afar = pairwise_distances(self._x[[chosen]], self._x, metric=metric)[0]
        others = np.argsort(afar, kind="stable")
        near = others[others != chosen][: self._k]
        if around:
            on_map = np.linalg.norm(points - points[chosen], axis=1)
            selected = np.sort(np.argsort(on_map, kind="stable")[: around + 1])
        counts = np.bincount(labels[list(selected)])
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        return View(
            self._purity(shuffled, metric),
            kept,
            metric,
            int(chosen),
            tuple(near.tolist()),
            tuple(afar[near].tolist()),
            tuple(self.names[i] for i in (chosen, *near)),
            tuple(int(i) for i in selected),
            tuple((str(self._speakers[i]), int(counts[i])) for i in order),
            points,
            labels,
            afar,
        )
