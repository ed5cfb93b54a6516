"""The speaker explorer (notebook 09): a map to walk about on, with sound."""

import html

import ipywidgets
import numpy as np

from .. import audio, clusters
from ..errors import ArgumentError, AudioError
from ._atlas import Atlas
from ._lab import Lab
from ._map import MapPicture
from ._pointer import pointed_image
from .spectrogram import wav

# Few, for each costs a map.
_NEIGHBOURS = (3, 5, 15, 30, 50)
_MIN_DISTS = (0.0, 0.1, 0.3, 0.6, 0.99)
_METRICS = ("cosine", "euclidean", "manhattan")
_AROUND = 50


class SpeakerExplorer(Lab):
    """Walk about on a map of speakers, and ask who is really near.

    Where the package anywidget is installed, the mouse works on the map: it names the
    utterance below it, a click chooses it, and who draws a line around some selects
    them (a click beside all: nobody). `utterance` and `around` do the same by keyboard.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    features : Features
        Of the same utterances, with their recordings: of `extract`.
    k : int
        How many neighbors are shown and counted; fewer where there are not as many.
    layout : callable
        What makes a map: as `clusters.umap`, which it is by default.

    Attributes
    ----------
    utterance : ipywidgets.SelectionSlider
        Row of the chosen one, which is shown, linked to its neighbors in the original
        space, and played.
    around : ipywidgets.IntSlider
        Selects the chosen one and as many others, those nearest to it on the map.
    neighbors, min_dist : ipywidgets.SelectionSlider
        Of UMAP. A map is made when its settings are chosen for the first time, and
        kept.
    metric : ipywidgets.ToggleButtons
        In the original space, of UMAP as of the neighbors.
    seed : ipywidgets.IntSlider
        Of UMAP.
    shuffled : ipywidgets.ToggleButtons
        Whether the speakers' names are dealt to other utterances.
    spoken : ipywidgets.HTML
        Its name, and what is said.
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
    >>> sorted(count for _, count in lab.found.counts)
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
        self._lassoed: tuple = ()
        self._atlas = Atlas(
            embeddings, features.speakers, k=min(k, n - 1), layout=self._compute_map
        )
        names = [
            f"{name}: {text}" if text else name
            for name, text in zip(
                self._atlas.names, features.table["text"], strict=True
            )
        ]
        order = np.argsort(features.speakers, kind="stable").tolist()
        controls = {
            # No menu: JupyterLab takes the arrow keys away from a closed one.
            "utterance": ipywidgets.SelectionSlider(
                options=[(names[i], i) for i in order],
                description="utterance",
                readout=False,
            ),
            "around": ipywidgets.IntSlider(
                0, max=min(_AROUND, n - 1), description="select around"
            ),
            "neighbors": _steps("neighbors", _NEIGHBOURS, 15),
            "min_dist": _steps("min. distance", _MIN_DISTS, 0.1),
            "metric": ipywidgets.ToggleButtons(options=_METRICS, description="metric"),
            "seed": ipywidgets.IntSlider(
                0, max=9, description="seed", continuous_update=False
            ),
            "shuffled": ipywidgets.ToggleButtons(
                options=[("true", False), ("shuffled", True)], description="names"
            ),
        }
        self.spoken = ipywidgets.HTML(layout={"width": "24em"})
        self.sound = ipywidgets.Audio(
            format="wav", autoplay=False, loop=False, layout={"width": "24em"}
        )
        self._played = None
        image = pointed_image(names)
        image.on_msg(self._pointed)
        super().__init__(
            controls,
            self._see,
            MapPicture(features),
            "choose an utterance that lies between two islands: where are its real "
            "neighbors? Then deal the names anew: is the map less pretty now?",
            below=(self.spoken, self.sound),
            image=image,
        )

    def reset(self):
        """Bring all controls back to where they began, and select nobody."""
        self._lassoed = ()
        super().reset()

    def _see(self, utterance, around, **settings):
        if around:
            self._lassoed = ()
        return self._atlas.view(
            chosen=utterance, around=around, selected=self._lassoed, **settings
        )

    def _compute_map(self, embeddings, **settings):
        # It takes a while, in which nothing else would be answered.
        self.readout.value = f"<b>computing a map of {len(embeddings):,} utterances</b>"
        return self._layout(embeddings, **settings)

    def _pointed(self, _, content, buffers):
        """Do what the mouse asks for."""
        if "chosen" in content:
            self.utterance.value = content["chosen"]
        else:
            self._lassoed = tuple(content["selected"])
            self.set(around=0)

    def _show(self, found):
        super()._show(found)
        if self.image.has_trait("places"):
            self.image.places = self._picture.pixels(found).tobytes()
        if found.chosen != self._played:
            self._play(found.chosen, found.names[0])

    def _play(self, row, name):
        # Whoever opens a notebook is not talked to; whoever chooses asked for it.
        self.sound.autoplay = self._played is not None
        self._played = row
        utterance = self._features.table.iloc[row]
        self.spoken.value = f"<b>{html.escape(name)}</b>" + (
            f": “{html.escape(utterance.text)}”" if utterance.text else ""
        )
        try:
            self.sound.value = wav(
                *audio.read(
                    utterance.path, start=utterance.start, duration=utterance.duration
                )
            )
        except AudioError as error:
            self.spoken.value += f"<br>no sound: {html.escape(str(error))}"
            self.sound.value = b""


def _steps(description, values, value):
    return ipywidgets.SelectionSlider(
        options=values, value=value, description=description, continuous_update=False
    )
