"""The speaker explorer (notebook 11): a map of speakers, with sound."""

import base64
import io

import numpy as np
import soundfile
import traitlets

from .. import audio, clusters
from ..errors import ArgumentError, AudioError
from ..plots.figure_style import SPEAKER_COLORS
from ._speaker_maps import SpeakerMaps
from ._view import Lab, _packed

# Few values, because each one needs a map.
_CHOICES = {
    "n_neighbors": (3, 5, 15, 30, 50),
    "min_dist": (0.0, 0.1, 0.3, 0.6, 0.99),
    "metric": ("cosine", "euclidean", "manhattan"),
}
_CONTROL = {"sync": True, "control": True}
# What a page without a kernel may contain; sounds and texts are left out first.
_MAX_BYTES = 300_000
_MAX_TEXT = 20_000
# Its sounds: the beginnings of recordings, about 1 kB/s.
_SECONDS = 1.8
_SMALL = {"format": "MP3", "compression_level": 0.999, "bitrate_mode": "CONSTANT"}


class SpeakerExplorer(Lab):
    """Explore a map of speakers, and compare it with the original space.

    On the map, a click chooses an utterance, and a lasso selects several (a click
    elsewhere clears the selection).

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
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
    n_neighbors, min_dist : int and float
        Of UMAP. A map is computed when its settings are first chosen, and cached.
    metric : {"cosine", "euclidean", "manhattan"}
        Metric of the original space.
    seed : int
        Seed of UMAP.
    shuffled : bool
        Whether the speakers' names are assigned to other utterances.

    Raises
    ------
    ArgumentError
        If there are fewer than 4 utterances, shapes differ, or an embedding is not
        finite.

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
    metric = traitlets.Enum(_CHOICES["metric"], "cosine").tag(**_CONTROL)
    seed = traitlets.Int(0, min=0).tag(**_CONTROL)

    def __init__(self, embeddings, features, *, k=5, layout=clusters.umap):
        if len(embeddings) != len(features):
            raise ArgumentError(
                "there must be an embedding for each utterance; got "
                f"{len(embeddings)} and {len(features)}"
            )
        k = min(k, len(features) - 1)
        self._maps = SpeakerMaps(embeddings, features.speakers, k=k, layout=layout)
        self._table = features.table
        speakers, labels = self._maps.speakers, self._maps.labels
        narrow = np.uint8 if len(speakers) <= 256 else np.int32
        data = {
            "labels": labels[False].astype(narrow),
            "shuffled_labels": labels[True].astype(narrow),
            "texts": self._table["text"].fillna("").tolist(),
            **self._map_data(),
        }
        if sum(map(len, data["texts"])) > _MAX_TEXT:
            data["texts"] = []
        room = _MAX_BYTES - sum(getattr(x, "nbytes", 0) for x in data.values())
        sounds = _small_sounds(self._table, room)
        super().__init__(
            **data,
            speakers=speakers,
            sounds=sounds,
            colors=SPEAKER_COLORS,
            choices=_CHOICES,
        )
        self.on_msg(self._play)

    def compute(self, utterance, **settings):
        """Return the map and its numbers, a `MapView`."""
        return self._maps.view(chosen=utterance, **settings)

    def _map_data(self):
        settings = {name: getattr(self, name) for name in (*_CHOICES, "seed")}
        points, preserved = self._maps.map_points(**settings)
        near, distances = self._maps.near(self.metric)
        return {
            "settings": settings,
            "points": points,
            "preserved": preserved,
            "neighbors": near,
            "distances": distances,
        }

    def _update(self, change=None):
        super()._update(change)
        new = self._map_data()  # cached by `compute`
        if new["settings"] != self.data["settings"]:
            new = {name: _packed(value) for name, value in new.items()}
            self.data = {**self.data, **new}

    def _play(self, _, content, buffers):
        """Send a recording to the view that asks for it."""
        if "play" in content:
            try:
                utterance = self._table.iloc[content["play"]]
                self.send({"sound": _sound(utterance, utterance.duration)})
            except AudioError as error:
                self.send({"error": str(error)})


def _sound(utterance, seconds, sr=None, **settings):
    """Return a part of a recording as an address that a browser plays."""
    samples, original = audio.read(
        utterance.path, start=utterance.start, duration=seconds
    )
    samples = audio.resample(samples, original, sr or original)
    content = io.BytesIO()
    soundfile.write(content, samples, sr or original, **{"format": "WAV", **settings})
    text = base64.b64encode(content.getvalue()).decode("ascii")
    return f"data:audio/{'mpeg' if settings else 'wav'};base64,{text}"


def _small_sounds(table, room):
    """Return the beginnings of recordings by row, in all at most so many bytes."""
    sounds: dict = {}
    # The first recording of each speaker, then the second one, and so on.
    for row in np.argsort(table.groupby("speaker").cumcount(), kind="stable").tolist():
        utterance = table.iloc[row]
        try:
            seconds = min(_SECONDS, utterance.duration)
            sounds[str(row)] = _sound(utterance, seconds, 8000, **_SMALL)
        except AudioError:
            continue
        room -= len(sounds[str(row)]) * 3 // 4  # base64 is longer
        if room < 0:
            del sounds[str(row)]
            break
    return sounds
