"""The margin lab (notebook 07): which pairs the hinge loss still pushes apart."""

import numpy as np

from ..plots.figure_style import COLORS
from . import _hinge_settings
from ._base import Lab, Picture
from ._hinge_statistics import hinge_statistics

_SAME, _DIFFERENT = COLORS["same speaker"], COLORS["different speakers"]
_POINTS = {"markersize": 5, "linestyle": ""}
_SAME_STYLE = {"color": _SAME, "marker": "^", **_POINTS}
_DIFFERENT_STYLE = {"color": _DIFFERENT, "marker": "o", **_POINTS}
_BINS = 60


class _MarginPicture(Picture):
    """Loss and slope over the divergence; the two directions against each other."""

    def __init__(self, result):
        # The same axes for all settings, so that they can be compared.
        low = min(0.0, *(f.divergences.min() for f in result))
        high = max(6.5, *(f.divergences.max() for f in result))
        pad = 0.03 * (high - low)
        self._ends = low - pad, high + pad
        self._edges = np.linspace(low - pad, high + pad, _BINS + 1)
        self._most = max(share.max() for f in result for share in self._shares(f))
        super().__init__(
            (11, 5),
            "ad;bd;cd",
            width_ratios=(1.3, 1),
            height_ratios=(5, 3, 4),
            gridspec_kw={"wspace": 0.08},
        )

    def _shares(self, result):
        """Share of the divergences per bin: same speaker, different speakers."""
        for mask in (result.same, ~result.same):
            d = result.divergences[mask]
            yield np.histogram(d, self._edges)[0] / d.size

    def prepare(self):
        """Draw the axes, and create the artists that move."""
        cost, plane, slope, batch = self.axes
        return [
            *self._by_divergence(cost, slope, batch),
            *self._by_direction(plane),
        ]

    def _by_divergence(self, cost, slope, batch):
        """Draw the loss and its slope, and the pairs on both."""
        dashed = {"color": _DIFFERENT, "linestyle": "--"}
        self._margins = []
        for ax in (cost, slope, batch):
            ax.set_xlim(self._ends)
            self._margins.append(ax.axvline(0, color="black", linestyle=":"))
        for ax in (cost, slope):
            ax.tick_params(labelbottom=False)
        cost.plot(self._ends, self._ends, color=_SAME)
        cost.set(title="loss of a pair", ylabel="loss (nats)", ylim=self._ends)
        (self._hinge,) = cost.plot([], [], **dashed)
        (self._same_pairs,) = cost.plot([], [], **_SAME_STYLE, alpha=0.4)
        (self._different_pairs,) = cost.plot([], [], **_DIFFERENT_STYLE, alpha=0.4)
        slope.axhline(1, color=_SAME)
        slope.set(title="gradient of the loss", ylabel="slope", ylim=(-1.6, 1.6))
        slope.set_yticks([-1, 0, 1], ["−1 apart", "0", "1 together"])
        (self._slope,) = slope.plot([], [], **dashed)
        batch.set(title="the pairs of the batch", ylim=(0, 1.05 * self._most))
        batch.set(xlabel="divergence compared with the margin (nats)", ylabel="share")
        look = {"edges": self._edges, "fill": True, "edgecolor": "white", "alpha": 0.6}
        same = {"color": _SAME, "label": "same speaker"}
        different = {"color": _DIFFERENT, "hatch": "//", "label": "different speakers"}
        self._bars = [
            batch.stairs(np.zeros(_BINS), **look, **kind) for kind in (same, different)
        ]
        batch.legend(loc="upper right")
        curves = (self._hinge, self._slope, self._same_pairs, self._different_pairs)
        return (*self._bars, *self._margins, *curves)

    def _by_direction(self, plane):
        """Draw one direction against the other, and where the hinge is active."""
        (self._zone,) = plane.fill(
            [0], [0], fill=False, hatch="//", edgecolor=_DIFFERENT, alpha=0.4
        )
        plane.plot(self._ends, self._ends, color="0.6", linestyle=":")
        (self._near,) = plane.plot([], [], **_SAME_STYLE, label="same speaker")
        (self._pushed,) = plane.plot([], [], **_DIFFERENT_STYLE, label="pushed apart")
        (self._free,) = plane.plot(
            [], [], **_DIFFERENT_STYLE, fillstyle="none", label="not pushed"
        )
        (self._missed,) = plane.plot(
            [], [], "x", color="black", label="not pushed, one direction inside"
        )
        plane.set(xlim=self._ends, ylim=self._ends, aspect="equal")
        plane.set_title("hatched: different-speaker pairs are pushed apart")
        plane.set(xlabel="KL(first, second), nats", ylabel="KL(second, first), nats")
        plane.legend(loc="upper right")
        return self._zone, self._near, self._free, self._pushed, self._missed

    def draw(self, result):
        """Move lines, points and bars."""
        low, high = self._ends
        margin, same = result.margin, result.same
        for line in self._margins:
            line.set_xdata([margin, margin])
        self._hinge.set_data([low, margin, high], [margin - low, 0, 0])
        self._slope.set_data([low, margin, margin, high], [-1, -1, 0, 0])
        d = result.divergences[same].ravel()
        self._same_pairs.set_data(d, d)
        d = result.divergences[~same].ravel()
        self._different_pairs.set_data(d, np.maximum(margin - d, 0))
        for bars, share in zip(self._bars, self._shares(result), strict=True):
            bars.set_data(share)
        corners = {
            "one": [(low, low), (margin, low), (margin, high), (low, high)],
            "summed": [(low, low), (margin - low, low), (low, margin - low)],
            "each": [
                (low, low),
                (high, low),
                (high, margin),
                (margin, margin),
                (margin, high),
                (low, high),
            ],
        }
        self._zone.set_xy(corners[result.directions])
        for points, mask in (
            (self._near, same),
            (self._pushed, result.is_active),
            (self._free, ~same & ~result.is_active & ~result.is_missed),
            (self._missed, result.is_missed),
        ):
            points.set_data(result.forward[mask], result.backward[mask])


class MarginLab(Lab):
    """Slide the margin over the pairs of a batch.

    Parameters
    ----------
    same : array_like of bool
        Whether a pair is of one speaker, shape (pairs,) or (pairs, 1).
    softmax : pair of array_like
        Outputs of a network with a softmax for the first and for the second segment
        of each pair, shape (pairs, units) each.
    clipped : pair of array_like
        The same for a network without a softmax, whose outputs are clipped.

    Attributes
    ----------
    margin : ipywidgets.FloatSlider
        In nats.
    directions : ipywidgets.ToggleButtons
        What is compared with the margin, as for `hinge_statistics`.
    softmax : ipywidgets.ToggleButtons
        Which of the two networks.

    Raises
    ------
    ArgumentError
        As for `hinge_statistics`.

    Examples
    --------
    >>> softmax = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.6, 0.4]]
    >>> clipped = [[0.0, 2.0], [0.5, 0.5]], [[0.9, 0.1], [0.5, 2.0]]
    >>> lab = MarginLab([False, True], softmax, clipped)
    >>> lab.softmax.value = False
    >>> lab.result.dead
    0.375
    """

    def __init__(self, same, softmax, clipped):
        outputs = {True: softmax, False: clipped}

        def compute(margin, directions, softmax):
            p, q = outputs[softmax]
            return hinge_statistics(p, q, same, margin, directions, clip=not softmax)

        picture = _MarginPicture(
            [
                compute(1.0, directions, last)
                for directions in _hinge_settings.DIRECTIONS
                for last in outputs
            ]
        )
        super().__init__(
            _hinge_settings.loss_controls(margin=1.0),
            compute,
            picture,
            "move the margin until half of the different-speaker pairs are pushed "
            "apart: for one direction, the sum, and each. Which pairs are missed? "
            "Then remove the softmax: what is to the left of 0?",
        )
