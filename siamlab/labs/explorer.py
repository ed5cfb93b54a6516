"""The speaker explorer (notebook 11): a map of speakers, with sound."""

import html

import ipywidgets
import numpy as np

from .. import audio, clusters
from ..errors import ArgumentError, AudioError
from ._base import Lab
from ._clickable_image import ClickableImage
from ._map_picture import MapPicture
from ._speaker_maps import SpeakerMaps
from .spectrogram import wav_bytes

# Few values, because each one needs a map.
_N_NEIGHBORS = (3, 5, 15, 30, 50)
_MIN_DISTS = (0.0, 0.1, 0.3, 0.6, 0.99)
_METRICS = ("cosine", "euclidean", "manhattan")
_MAX_AROUND = 50


class SpeakerExplorer(Lab):
    """Explore a map of speakers, and compare it with the original space.

    The mouse works on the map: it shows the name of an utterance, a click chooses it,
    and a lasso selects several (a click elsewhere clears the selection). `utterance`
    and `around` do the same by keyboard.

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
    utterance : ipywidgets.SelectionSlider
        Row of the chosen utterance, which is shown, played, and linked to its neighbors
        in the original space.
    around : ipywidgets.IntSlider
        Selects the chosen utterance and this many others, those nearest on the map.
    n_neighbors, min_dist : ipywidgets.SelectionSlider
        Of UMAP. A map is computed when its settings are first chosen, and cached.
    metric : ipywidgets.ToggleButtons
        Metric of the original space.
    seed : ipywidgets.IntSlider
        Seed of UMAP.
    shuffled : ipywidgets.ToggleButtons
        Whether the speakers' names are assigned to other utterances.
    transcript : ipywidgets.HTML
        Name and text of the chosen utterance.
    sound : ipywidgets.Audio
        The chosen recording.

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
    >>> lab.around.value = 5
    >>> sorted(count for _, count in lab.result.counts)
    [3, 3]
    """

    def __init__(self, embeddings, features, *, k=5, layout=clusters.umap):
        if len(embeddings) != len(features):
            raise ArgumentError(
                "there must be an embedding for each utterance; got "
                f"{len(embeddings)} and {len(features)}"
            )
        n = len(features)
        self._features, self._layout = features, layout
        self._selected: tuple = ()
        self._maps = SpeakerMaps(
            embeddings, features.speakers, k=min(k, n - 1), layout=self._compute_map
        )
        names = [
            f"{name}: {text}" if text else name
            for name, text in zip(self._maps.names, features.table["text"], strict=True)
        ]
        order = np.argsort(features.speakers, kind="stable").tolist()
        controls = {
            # Not a menu, of which JupyterLab intercepts the arrow keys.
            "utterance": ipywidgets.SelectionSlider(
                options=[(names[i], i) for i in order],
                description="utterance",
                readout=False,
            ),
            "around": ipywidgets.IntSlider(
                0, max=min(_MAX_AROUND, n - 1), description="select around"
            ),
            "n_neighbors": _steps("neighbors", _N_NEIGHBORS, 15),
            "min_dist": _steps("min. distance", _MIN_DISTS, 0.1),
            "metric": ipywidgets.ToggleButtons(options=_METRICS, description="metric"),
            "seed": ipywidgets.IntSlider(
                0, max=9, description="seed", continuous_update=False
            ),
            "shuffled": ipywidgets.ToggleButtons(
                options=[("true", False), ("shuffled", True)], description="names"
            ),
        }
        self.transcript = ipywidgets.HTML(layout={"width": "24em"})
        self.sound = ipywidgets.Audio(
            format="wav", autoplay=False, loop=False, layout={"width": "24em"}
        )
        self._played = None
        image = ClickableImage(names=names)
        image.on_msg(self._on_image_message)
        super().__init__(
            controls,
            self._view,
            MapPicture(features),
            "choose an utterance between two clusters: where are its neighbors in the "
            "original space? Then shuffle the names: does the map look worse?",
            extra_widgets=(self.transcript, self.sound),
            image=image,
        )

    def reset(self):
        """Reset all controls, and clear the selection."""
        self._selected = ()
        super().reset()

    def _view(self, utterance, around, **settings):
        if around:
            self._selected = ()
        return self._maps.view(
            chosen=utterance, around=around, selected=self._selected, **settings
        )

    def _compute_map(self, embeddings, **settings):
        # Shown at once, because a map may take some seconds.
        self.readout.value = f"<b>computing a map of {len(embeddings):,} utterances</b>"
        return self._layout(embeddings, **settings)

    def _on_image_message(self, _, content, buffers):
        """Handle a click or a lasso."""
        if "chosen" in content:
            self.utterance.value = content["chosen"]
        else:
            self._selected = tuple(content["selected"])
            self.set(around=0)

    def _show(self, result):
        super()._show(result)
        self.image.positions = self._picture.image_positions(result).tobytes()
        if result.chosen != self._played:
            self._play(result.chosen, result.names[0])

    def _play(self, row, name):
        # Played when an utterance is chosen, but not when the lab is opened.
        self.sound.autoplay = self._played is not None
        self._played = row
        utterance = self._features.table.iloc[row]
        self.transcript.value = f"<b>{html.escape(name)}</b>" + (
            f": “{html.escape(utterance.text)}”" if utterance.text else ""
        )
        try:
            self.sound.value = wav_bytes(
                *audio.read(
                    utterance.path, start=utterance.start, duration=utterance.duration
                )
            )
        except AudioError as error:
            self.transcript.value += f"<br>no sound: {html.escape(str(error))}"
            self.sound.value = b""


def _steps(description, values, value):
    return ipywidgets.SelectionSlider(
        options=values, value=value, description=description, continuous_update=False
    )
