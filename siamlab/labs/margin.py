"""The margin lab (notebook 05): which pairs a hinge on a divergence still pushes."""

import numpy as np

from . import _hinge
from ._lab import Lab, Picture
from ._push import push

_SAME, _DIFFERENT = "#0072B2", "#D55E00"
_FRIENDS = {"color": _SAME, "marker": "^", "markersize": 5, "linestyle": ""}
_STRANGERS = {"color": _DIFFERENT, "marker": "o", "markersize": 5, "linestyle": ""}
_BINS = 60


class _MarginPicture(Picture):
    """Loss, slope and pairs by their divergence; one direction over the other."""

    def __init__(self, found):
        # The same axes for all settings: they are there to be compared.
        low = min(0.0, *(f.distances.min() for f in found))
        high = max(6.5, *(f.distances.max() for f in found))
        pad = 0.03 * (high - low)
        self._ends = low - pad, high + pad
        self._edges = np.linspace(low - pad, high + pad, _BINS + 1)
        self._most = max(share.max() for f in found for share in self._shares(f))
        super().__init__(
            (11, 5),
            nrows=3,
            ncols=2,
            width_ratios=(1.3, 1),
            height_ratios=(5, 3, 4),
            gridspec_kw={"wspace": 0.08},
        )

    def _shares(self, found):
        """Share of the divergences in each bin: same speaker, different speakers."""
        for mask in (found.same, ~found.same):
            d = found.distances[mask]
            yield np.histogram(d, self._edges)[0] / d.size

    def prepare(self):
        """Draw axes, and make the artists that move."""
        plane = self.figure.add_subplot(self.axes[0, 0].get_gridspec()[:, 1])
        for ax in self.axes[:, 1]:
            ax.remove()
        return [*self._by_divergence(*self.axes[:, 0]), *self._by_direction(plane)]

    def _by_divergence(self, cost, slope, batch):
        """Loss and its slope, and the pairs on both."""
        dashed = {"color": _DIFFERENT, "linestyle": "--"}
        self._margins = []
        for ax in (cost, slope, batch):
            ax.set_xlim(self._ends)
            self._margins.append(ax.axvline(0, color="black", linestyle=":"))
        for ax in (cost, slope):
            ax.tick_params(labelbottom=False)
        cost.plot(self._ends, self._ends, color=_SAME)
        cost.set(title="what a pair costs", ylabel="loss (nats)", ylim=self._ends)
        (self._hinge,) = cost.plot([], [], **dashed)
        (self._friends,) = cost.plot([], [], **_FRIENDS, alpha=0.4)
        (self._strangers,) = cost.plot([], [], **_STRANGERS, alpha=0.4)
        slope.axhline(1, color=_SAME)
        slope.set(title="where its gradient pulls", ylabel="slope", ylim=(-1.6, 1.6))
        slope.set_yticks([-1, 0, 1], ["−1 apart", "0", "1 together"])
        (self._slope,) = slope.plot([], [], **dashed)
        batch.set(title="where the batch is", ylim=(0, 1.05 * self._most))
        batch.set(xlabel="divergence that meets the margin (nats)", ylabel="share")
        self._bars = [
            batch.stairs(
                np.zeros(_BINS),
                self._edges,
                fill=True,
                color=color,
                hatch=hatch,
                edgecolor="white",
                alpha=0.6,
                label=label,
            )
            for color, hatch, label in (
                (_SAME, "", "same speaker"),
                (_DIFFERENT, "//", "different speakers"),
            )
        ]
        batch.legend(loc="upper right")
        curves = (self._hinge, self._slope, self._friends, self._strangers)
        return (*self._bars, *self._margins, *curves)

    def _by_direction(self, plane):
        """One direction over the other, and where a hinge still pushes."""
        (self._zone,) = plane.fill(
            [0], [0], fill=False, hatch="//", edgecolor=_DIFFERENT, alpha=0.4
        )
        plane.plot(self._ends, self._ends, color="0.6", linestyle=":")
        (self._near,) = plane.plot([], [], **_FRIENDS, label="same speaker")
        (self._pushed,) = plane.plot([], [], **_STRANGERS, label="pushed apart")
        (self._free,) = plane.plot(
            [], [], **_STRANGERS, fillstyle="none", label="let go"
        )
        (self._excused,) = plane.plot(
            [], [], "x", color="black", label="let go, one way inside"
        )
        plane.set(xlim=self._ends, ylim=self._ends, aspect="equal")
        plane.set_title("hatched: here strangers are pushed apart")
        plane.set(xlabel="KL(first, second), nats", ylabel="KL(second, first), nats")
        plane.legend(loc="upper right")
        return self._zone, self._near, self._free, self._pushed, self._excused

    def draw(self, found):
        """Move lines, points and bars."""
        low, high = self._ends
        margin, same = found.margin, found.same
        for line in self._margins:
            line.set_xdata([margin, margin])
        self._hinge.set_data([low, margin, high], [margin - low, 0, 0])
        self._slope.set_data([low, margin, margin, high], [-1, -1, 0, 0])
        d = found.distances[same].ravel()
        self._friends.set_data(d, d)
        d = found.distances[~same].ravel()
        self._strangers.set_data(d, np.maximum(margin - d, 0))
        for bars, share in zip(self._bars, self._shares(found), strict=True):
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
        self._zone.set_xy(corners[found.directions])
        for points, mask in (
            (self._near, same),
            (self._pushed, found.pushed),
            (self._free, ~same & ~found.pushed & ~found.excused),
            (self._excused, found.excused),
        ):
            points.set_data(found.there[mask], found.back[mask])


class MarginLab(Lab):
    """Slide the margin over the pairs of a batch.

    Parameters
    ----------
    same : array_like of bool
        Whether a pair is of one speaker, shape (pairs,) or (pairs, 1).
    softmax : pair of array_like
        What a network that ends in a softmax says of the first and of the second of
        each pair, shape (pairs, units) each.
    free : pair of array_like
        The same of a network that ends in no softmax, whose outputs are clipped.

    Attributes
    ----------
    margin : ipywidgets.FloatSlider
        In nats.
    directions : ipywidgets.ToggleButtons
        What meets the margin, as for `push`.
    softmax : ipywidgets.ToggleButtons
        Which of the two networks.

    Raises
    ------
    ArgumentError
        As for `push`.

    Examples
    --------
    >>> softmax = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.6, 0.4]]
    >>> free = [[0.0, 2.0], [0.5, 0.5]], [[0.9, 0.1], [0.5, 2.0]]
    >>> lab = MarginLab([False, True], softmax, free)
    >>> lab.softmax.value = False
    >>> lab.found.dead
    0.375
    """

    def __init__(self, same, softmax, free):
        outputs = {True: softmax, False: free}

        def compute(margin, directions, softmax):
            p, q = outputs[softmax]
            return push(p, q, same, margin, directions, clip=not softmax)

        picture = _MarginPicture(
            [
                compute(1.0, directions, last)
                for directions in _hinge.DIRECTIONS
                for last in outputs
            ]
        )
        super().__init__(
            _hinge.controls(margin=1.0),
            compute,
            picture,
            "move the margin until half of the strangers are pushed: for one way, for "
            "the sum, for each. Who is let go too early? Then take the softmax away: "
            "what lies left of 0?",
        )
