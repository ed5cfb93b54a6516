"""The picture of the speaker explorer."""

import numpy as np
from matplotlib.collections import LineCollection

from .. import plots
from ..plots.figure_style import SPEAKER_COLORS
from ..plots.speaker_plots import MARKERS, MAX_LABELS, speaker_marker
from ._base import Picture

# Longest stretch of a recording that is shown, in seconds, from its start.
_MAX_SECONDS = 6.0
# Number of spectrograms from which the color scale is computed.
_N_SAMPLED = 50
# Largest number of distances that are drawn: more would overlap.
_MAX_DRAWN = 500


class MapPicture(Picture):
    """A map, the chosen recording, and its distances to all others.

    Parameters
    ----------
    features : Features
        Spectrograms and speakers of the utterances.
    """

    def __init__(self, features):
        self._features = features
        self._speakers = np.unique(features.speakers)
        ratios = (1.5, 1)
        super().__init__((10, 6.8), "ab;ac", width_ratios=ratios, height_ratios=ratios)

    def prepare(self):
        """Draw axes, scales and legend."""
        self._map, recording, distances = self.axes
        return [
            *self._prepare_map(self._map),
            *self._prepare_recording(recording),
            *self._prepare_distances(distances),
        ]

    def _prepare_map(self, ax):
        # One artist per marker style, which several speakers may share.
        styles = min(len(self._speakers), len(SPEAKER_COLORS) * len(MARKERS))
        size = np.clip(100 / np.sqrt(len(self._features)), 1.5, 6.5)
        self._selected = _dots(ax, size + 6, marker="o", color="0.82")
        self._links = LineCollection([], colors="0.3", linewidths=1.2)
        ax.add_collection(self._links)
        self._dots = [
            _dots(ax, size, markeredgecolor="white", markeredgewidth=0.3, **style)
            for style in map(speaker_marker, range(styles))
        ]
        ring = {"marker": "o", "markerfacecolor": "none", "markeredgecolor": "black"}
        self._near = _dots(ax, size + 4, markeredgewidth=1.2, **ring)
        self._chosen = _dots(ax, size + 9, markeredgewidth=2.5, **ring)
        # The longer side of any map goes from 0 to 1.
        ax.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), xticks=[], yticks=[])
        ax.set(xlabel="UMAP 1", ylabel="UMAP 2", aspect="equal")
        ax.set_title("lines: nearest in the original space (dashed: another name)\n ")
        if len(self._speakers) <= MAX_LABELS:
            ax.legend(
                self._dots,
                self._speakers.tolist(),
                loc="upper center",
                bbox_to_anchor=(0.5, -0.06),
                ncols=4,
                handletextpad=0.1,
            )
        self._purity = _line(ax)
        return (
            *(self._selected, self._links, *self._dots),
            *(self._near, self._chosen, self._purity),
        )

    def _prepare_recording(self, ax):
        features = self._features
        self._hop = features.spectrogram.hop_seconds
        frequencies = features.spectrogram.frequencies
        plots.spectrogram(
            features[0], hop_seconds=self._hop, frequencies=frequencies, ax=ax
        )
        self._frames = ax.images[0]
        rng = np.random.default_rng(0)
        some = rng.permutation(len(features))[:_N_SAMPLED]
        values = np.concatenate([np.ravel(features[i]) for i in some])
        self._frames.set_clim(*np.percentile(values, (5, 99.9)))
        longest = np.nanmax(features.table["duration"].to_numpy(float))
        ax.set_xlim(0, min(longest, _MAX_SECONDS))
        ax.set_title(" ")
        self._name = _line(ax)
        return self._frames, self._name

    def _prepare_distances(self, ax):
        self._same, self._others = (
            _dots(ax, 22, marker="|", color=speaker_marker(i)["color"]) for i in (0, 4)
        )
        self._nearest = _dots(ax, 7, marker="v", color="black")
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.6, 1.6), yticks=(0, 1))
        ax.set_yticklabels(["other\nname", "same\nname"])
        ax.set_xlabel("distance in the original space (farthest = 1)")
        ax.set_title("distances to the other utterances")
        return self._same, self._others, self._nearest

    def draw(self, result):
        """Move points, rings and lines."""
        points = self.positions(result)
        styles = result.labels % len(self._dots)
        for i, dots in enumerate(self._dots):
            dots.set_data(*points[styles == i].T)
        near = list(result.neighbors)
        same = result.labels == result.labels[result.chosen]
        self._selected.set_data(*points[list(result.selected)].T)
        self._near.set_data(*points[near].T)
        self._chosen.set_data(*points[[result.chosen]].T)
        self._links.set_segments([points[[result.chosen, i]] for i in near])
        self._links.set_linestyle(["-" if same[i] else "--" for i in near])
        self._purity.set_text(
            f"neighbor purity {result.purity:.2f} (chance {result.purity.chance:.2f})"
        )
        self._draw_recording(result)
        self._draw_distances(result, same)

    def _draw_recording(self, result):
        frames = self._features[result.chosen]
        frames = frames[: round(_MAX_SECONDS / self._hop)]
        self._frames.set_data(frames.T)
        seconds = len(frames) * self._hop
        self._frames.set_extent((0, seconds, 0, frames.shape[1]))
        self._name.set_text(result.names[0])

    def _draw_distances(self, result, same):
        distances = result.all_distances
        share = distances / max(distances.max(), np.finfo(float).tiny)
        same = same.copy()
        for mask, dots, height in ((same, self._same, 1), (~same, self._others, 0)):
            mask[result.chosen] = False
            x = np.sort(share[mask])
            x = x[:: len(x) // _MAX_DRAWN + 1]
            dots.set_data(x, np.full(len(x), height))
        near = list(result.neighbors)
        self._nearest.set_data(share[near], same[near] + 0.42)

    @staticmethod
    def positions(result):
        """Return the positions of the points in the axes of the picture.

        Parameters
        ----------
        result : MapView
            A map.

        Returns
        -------
        numpy.ndarray
            Shape (utterances, 2), the longer side from 0 to 1, the other centered.
        """
        low, high = result.points.min(axis=0), result.points.max(axis=0)
        side = max(np.max(high - low), np.finfo(np.float32).tiny)
        return (result.points - (low + high) / 2) / side + 0.5

    def image_positions(self, result):
        """Return the positions of the points on the PNG.

        Parameters
        ----------
        result : MapView
            A map.

        Returns
        -------
        numpy.ndarray
            float32, shape (utterances, 2): from the left and from the top, as fractions
            of width and height.
        """
        x, y = self._map.transData.transform(self.positions(result)).T
        _, _, width, height = self.figure.bbox.bounds
        return np.column_stack((x / width, 1 - y / height)).astype(np.float32)


def _dots(ax, size, **style):
    return ax.plot([], [], linestyle="", markersize=size, **style)[0]


def _line(ax):
    """Make a text above the axes that may change; the title keeps room for it."""
    return ax.text(
        0.5, 1.01, "", transform=ax.transAxes, ha="center", va="bottom", size=11
    )
