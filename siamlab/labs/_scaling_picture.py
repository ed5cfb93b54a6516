"""The picture of the scaling lab."""

import numpy as np
from matplotlib.ticker import NullLocator
from scipy.special import expit

from ..plots.figure_style import show_image
from ._base import Picture

# Beyond it, the slope of a sigmoid is below 0.018: see `scaling.gate_saturation`.
SATURATION = 4.0


class ScalingPicture(Picture):
    """The scaled spectrogram, its values, the gates, and the first gradient."""

    # Equal steps on an asinh axis: fine near 0, and wide enough for raw silence.
    _VALUES = np.sinh(np.linspace(-np.arcsinh(50), np.arcsinh(50), 151))
    _SUMS = np.linspace(-20, 20, 81)

    def __init__(self, frames, bands, units):
        self._shape = frames, bands, 4 * units
        super().__init__((11.5, 6), "ab;cd")

    def prepare(self):
        """Draw the axes, and the flat ends of the sigmoid."""
        given, values, sums, step = self.axes
        frames, bands, weights = self._shape
        look = {"cmap": "PuOr", "extent": (0, frames, 0, bands)}
        self._given = show_image(given, [[0.0]], "value (0 is white)", **look)
        given.set(xlabel="frame", ylabel="band", title="input of the LSTM")
        look = {"cmap": "PuOr", "extent": (0, weights, 0, bands)}
        self._step = show_image(step, [[0.0]], "of the column's largest", **look)
        self._step.set_clim(-1, 1)
        self._step.colorbar.set_ticks([-1, 0, 1])
        step.set(xlabel="gates and candidates, sorted", ylabel="band")
        step.set_title("first gradient of the input weights")
        values.set_xscale("asinh", linear_width=1.0)
        ticks = (-30, -10, -3, -1, 0, 1, 3, 10, 30)
        values.set_xticks(ticks, [f"{tick}" for tick in ticks])
        values.xaxis.set_minor_locator(NullLocator())
        values.axvline(0, color="black", linewidth=1)
        values.set(xlim=(-50, 50), xlabel="value", title="distribution of the values")
        self._values = _histogram(values, self._VALUES, color="C0")
        sums.axvspan(-20, -SATURATION, color="0.93", zorder=0)
        sums.axvspan(SATURATION, 20, color="0.93", zorder=0)
        self._near = _histogram(sums, self._SUMS, color="C0", label="pre-activations")
        self._far = _histogram(
            sums, self._SUMS, color="C4", hatch="////", label=f"beyond {SATURATION:g}"
        )
        z = np.linspace(-20, 20, 401)
        (slope,) = sums.plot(
            z, 4 * expit(z) * expit(-z), "k--", label="slope of the sigmoid"
        )
        sums.set(xlim=(-20, 20), xlabel="pre-activation of a gate (clipped to 20)")
        sums.set_title("gates before the first step")
        for ax in (values, sums):
            ax.set(ylabel="relative to the highest", ylim=(0, 1.05))
        sums.legend(loc="upper right")
        maps = (self._given, self._given.colorbar.ax.yaxis, self._step)
        return (*maps, self._values, self._near, self._far, slope)

    def draw(self, result):
        """Fill maps and histograms."""
        low, high = np.percentile(result.values, (0.5, 99.5))
        limit = max(1.0, np.ceil(max(-low, high)))
        if limit != self._given.get_clim()[1]:
            # Only the labels of the color bar are drawn again.
            self._given.set_clim(-limit, limit)
            self._given.colorbar.set_ticks([-limit, 0, limit])
        self._given.set_data(result.values.T)
        columns = result.gradient / np.abs(result.gradient).max(axis=0).clip(1e-300)
        self._step.set_data(columns[:, np.argsort(columns.mean(axis=0))])
        counts = _counts(result.values, self._VALUES)
        self._values.set_data(counts / counts.max())
        counts = _counts(result.sums, self._SUMS)
        # One edge is at 4 exactly, so that no bin is on both sides.
        beyond = np.abs(self._SUMS[1:] + self._SUMS[:-1]) / 2 > SATURATION
        self._near.set_data(np.where(beyond, 0, counts) / counts.max())
        self._far.set_data(np.where(beyond, counts, 0) / counts.max())


def _histogram(ax, edges, **look):
    """Create an empty filled histogram."""
    return ax.stairs(np.zeros(len(edges) - 1), edges, fill=True, **look)


def _counts(values, edges):
    """Count values per bin; values outside belong to the outer bins."""
    return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
