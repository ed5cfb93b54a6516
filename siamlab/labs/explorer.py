"""The speaker explorer (notebook 11): a map of speakers, with sound."""

import base64
import collections
import dataclasses
import functools
import io

import numpy as np
import pandas as pd
import soundfile
import traitlets

from .. import audio, clusters
from ..distances import normalize
from ..errors import AudioError
from ..metrics._validation import check_labels
from ..plots.figure_style import SPEAKER_COLORS
from ._view import Lab, _packed

# Few values, because each one needs a map.
_CHOICES = {
    "n_neighbors": (3, 5, 15, 30, 50),
    "min_dist": (0.0, 0.1, 0.3, 0.6, 0.99),
}
_MAX_ROWS = 2000  # whose neighbors are looked for on a map
_CONTROL = {"sync": True, "control": True}
# What a page without a kernel may contain; texts and sounds are left out first.
_MAX_TEXTS = 500
_MAX_BYTES = 300_000
# Its sounds: the beginnings of recordings.
_SECONDS, _SOUND_BYTES = 1.8, 2000
_SMALL = {
    "format": "MP3",
    "samplerate": 8000,
    "compression_level": 0.999,
    "bitrate_mode": "CONSTANT",
}


@dataclasses.dataclass(frozen=True)
class MapView:
    """A map with a chosen utterance, a selection, and measures of its quality.

    Parameters
    ----------
    purity : clusters.Purity
        Share of neighbors in the original space with the same name, with `chance`.
    preserved : float
        Share of neighbors in the original space that are also neighbors on the map:
        Q_NX(k) of Lee and Verleysen (2009); k / (utterances - 1) for a random map. Of
        more than 2,000 utterances, 2,000 are drawn, always the same ones.
    neighbors : tuple of int
        Rows of the neighbors of the chosen utterance in the original space, the nearest
        first.
    ranks : tuple of int
        Their ranks by distance on the map, from 1 for the nearest on the map.
    names : tuple of str
        Names of the chosen utterance and its neighbors.
    counts : tuple of (str, int)
        Number of selected utterances for each name, the most frequent first.
    points : numpy.ndarray
        The map, float32, shape (utterances, 2).
    """

    purity: clusters.Purity
    preserved: float
    neighbors: tuple
    ranks: tuple
    names: tuple
    counts: tuple
    points: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """Summarize in one line."""
        chosen, *near = self.names
        return (
            f"neighbor purity {self.purity:.2f} (chance {self.purity.chance:.2f}); the "
            f"map keeps {self.preserved:.0%} of the neighbors; nearest to {chosen}: "
            f"{', '.join(near)}; selected: "
            + (", ".join(f"{name} {n}" for name, n in self.counts) or "none")
        )


class SpeakerExplorer(Lab):
    """Explore a map of speakers, and compare it with the original space.

    On the map, a click chooses an utterance, and a lasso selects several (a click
    elsewhere clears the selection).

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim). Neighbors have the smallest cosine distances.
    features : Features
        Of the same utterances, from `extract`.
    k : int
        Number of neighbors; all others if there are fewer.
    layout : callable
        Computes a map, as `clusters.umap` does.

    Attributes
    ----------
    utterance : int
        Row of the chosen utterance, which is shown, played, and linked to its neighbors
        in the original space.
    selected : list of int
        Rows of utterances, whose names are counted.
    shuffled : bool
        Whether the speakers' names are assigned to other utterances.
    n_neighbors, min_dist : int and float
        Of UMAP. A map is computed when its settings are first chosen, and cached.
    seed : int
        Seed of UMAP.

    Raises
    ------
    ArgumentError
        If there are fewer than 4 utterances, shapes differ, or an embedding is not
        finite or all zeros.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=2, n_utterances=3))
    >>> def flat(x, **settings):
    ...     return x[:, :2]
    >>> lab = SpeakerExplorer(np.eye(6), features, layout=flat)
    >>> lab.selected = list(range(6))
    >>> sorted(count for _, count in lab.result.counts)
    [3, 3]
    """

    utterance = traitlets.Int(0, min=0).tag(**_CONTROL)
    selected = traitlets.List(traitlets.Int()).tag(**_CONTROL)
    shuffled = traitlets.Bool(False).tag(**_CONTROL)
    n_neighbors = traitlets.Enum(_CHOICES["n_neighbors"], 15).tag(**_CONTROL)
    min_dist = traitlets.Enum(_CHOICES["min_dist"], 0.1).tag(**_CONTROL)
    seed = traitlets.Int(0, min=0).tag(**_CONTROL)

    def __init__(self, embeddings, features, *, k=5, layout=clusters.umap):
        x = clusters.check_points(embeddings, "cosine", min_rows=4)
        n = len(x)
        names = check_labels(features.speakers, n, "speakers").astype(str)
        self._speakers, labels = np.unique(names, return_inverse=True)
        number = pd.Series(names).groupby(names).cumcount()
        self._names = [f"{who} {i + 1}" for who, i in zip(names, number, strict=True)]
        self._table = features.table
        rng = np.random.default_rng(0)
        self._labels = {False: labels, True: rng.permutation(labels)}
        self._rows = rng.permutation(n)[:_MAX_ROWS]
        # On vectors of length 1, neighbors by cosine distance are those by Euclidean
        # distance, which scikit-learn finds several times as fast.
        self._k = {"k": min(k, n - 1), "metric": "euclidean"}
        self._near = clusters.nearest_neighbors(normalize(x), **self._k)
        self._layout = functools.partial(layout, x)
        self._map = functools.cache(self._compute_map)
        # Without points, neighbors and labels; one number has 4 bytes.
        room = _MAX_BYTES - 4 * n * (self._k["k"] + 4)
        # The first recording of each speaker, then the second one, and so on.
        order = np.argsort(number, kind="stable")[: max(0, room // _SOUND_BYTES)]
        super().__init__(
            labels=labels,
            shuffled_labels=self._labels[True],
            neighbors=self._near,
            speakers=self._speakers.tolist(),
            texts=self._table["text"].fillna("").tolist() if n <= _MAX_TEXTS else [],
            sounds={
                str(i): _sound(self._table.iloc[i], _SECONDS, **_SMALL)
                for i in order.tolist()
            },
            colors=SPEAKER_COLORS,
            choices=_CHOICES,
        )
        self.on_msg(self._play)

    def _compute(self, utterance, selected, shuffled, **settings):
        """Return the map and its numbers, a `MapView`."""
        points, preserved = self._map(**settings)
        labels, near = self._labels[shuffled], self._near[utterance]
        squares = np.sum((points - points[utterance].astype(float)) ** 2, axis=1)
        squares[utterance] = np.inf
        counts = collections.Counter(self._speakers[labels[selected]].tolist())
        return MapView(
            purity=clusters.purity_of_neighbors(self._near, labels),
            preserved=preserved,
            neighbors=tuple(near.tolist()),
            ranks=tuple(1 + int((squares < squares[i]).sum()) for i in near),
            names=tuple(self._names[i] for i in (utterance, *near)),
            counts=tuple(counts.most_common()),
            points=points,
        )

    def _compute_map(self, **settings):
        points = np.asarray(
            self._layout(**settings), np.float32
        )  # as the view has them
        near = self._near[self._rows, :, None]
        on_map = clusters.nearest_neighbors(points, self._rows, **self._k)
        return points, float(np.mean((near == on_map[:, None]).any(axis=2)))

    def _update(self, change=None):
        super()._update(change)
        settings = {name: getattr(self, name) for name in (*_CHOICES, "seed")}
        if settings != self.data.get("settings"):
            points, preserved = self._map(**settings)
            new = {"settings": settings, "preserved": preserved}
            self.data = {**self.data, **new, "points": _packed(points.T)}

    def _play(self, _, content, buffers):
        """Send a recording to the view that asks for it."""
        if "play" in content:
            utterance = self._table.iloc[content["play"]]
            self.send({"sound": _sound(utterance)})


def _sound(utterance, seconds=np.inf, **settings):
    """Return the beginning of a recording as an address that a browser plays.

    Empty if the recording cannot be read: without sound, there is still a map.
    """
    part = {"start": utterance.start, "duration": min(seconds, utterance.duration)}
    try:
        samples, original = audio.read(utterance.path, **part)
    except AudioError:
        return ""
    settings = {"format": "WAV", "samplerate": original, **settings}
    content = io.BytesIO()
    samples = audio.resample(samples, original, settings["samplerate"])
    soundfile.write(content, samples, **settings)
    text = base64.b64encode(content.getvalue()).decode("ascii")
    return f"data:audio/{settings['format'].lower()};base64,{text}"
