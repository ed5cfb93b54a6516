"""The simplex playground (notebook 05): a loss moves points on a triangle."""

import functools

import ipywidgets
import numpy as np

from . import _hinge
from ._descent import starting_points, walk
from ._lab import Lab, Picture

_COLOURS = "#0072B2 #E69F00 #009E73 #CC79A7 #D55E00".split()
_MARKERS = "osD^v"
# Where the three outputs point when one looks straight at the triangle: each has its
# corner at distance 1 from the middle, (1/3, 1/3, 1/3).
_CORNERS = np.array([[-np.sqrt(0.75), -0.5], [np.sqrt(0.75), -0.5], [0.0, 1.0]])


class _SimplexPicture(Picture):
    """The triangle, and what becomes of distances, pairs and sums."""

    def __init__(self, steps):
        self._steps = steps
        super().__init__((11, 5), nrows=3, ncols=2, width_ratios=(1.15, 1))

    def prepare(self):
        """Draw axes, and make the artists that move."""
        triangle = self.figure.add_subplot(self.axes[0, 0].get_gridspec()[:, 0])
        for ax in self.axes[:, 0]:
            ax.remove()
        return [*self._seen_from_above(triangle), *self._by_step(*self.axes[:, 1])]

    def _seen_from_above(self, ax):
        """Look straight at the triangle: a point's sum goes into the depth."""
        ax.fill(*_CORNERS.T, facecolor="0.96", edgecolor="black")
        for k, (x, y) in enumerate(1.14 * _CORNERS):
            ax.text(x, y, f"output {k + 1}", ha="center", va="center")
        # What the clip leaves alone is a cube: three corners are the triangle's.
        around = np.stack([_CORNERS, _CORNERS + np.roll(_CORNERS, -1, axis=0)], axis=1)
        (self._cube,) = ax.fill(
            *around.reshape(-1, 2).T, fill=False, linestyle="--", edgecolor="0.4"
        )
        self._note = ax.text(0, -1.14, "", ha="center", va="top")
        self._trails, self._hearing, self._deaf = [], [], []
        for color, marker in zip(_COLOURS, _MARKERS, strict=True):
            look = {"color": color, "marker": marker, "markersize": 7, "linestyle": ""}
            self._trails += ax.plot([], [], color=color, linewidth=0.7)
            self._hearing += ax.plot([], [], **look, markeredgecolor="white")
            self._deaf += ax.plot([], [], **look, fillstyle="none")
        ax.set(xlim=(-1.3, 1.3), ylim=(-1.48, 1.2), aspect="equal")
        ax.set_title("three outputs for each segment; a color for each speaker")
        ax.axis("off")
        points = (*self._hearing, *self._deaf)
        return (self._cube, self._note, *self._trails, *points)

    def _by_step(self, distance, share, total):
        """Figures so far."""
        same, different = {"color": "#0072B2"}, {"color": "#D55E00", "linestyle": "--"}
        distance.set(title="mean divergence", ylabel="nats")
        distance.set_yscale("symlog", linthresh=1)
        distance.set(ylim=(-1, 25))
        distance.set_yticks([-1, 0, 1, 3, 10], ["-1", "0", "1", "3", "10"])
        share.set(
            title="pairs still pushed, outputs that are dead",
            ylabel="share",
            ylim=(-0.05, 1.05),
        )
        total.set(title="sum of each segment's outputs", ylabel="sum", ylim=(-0.1, 3.3))
        total.set_xlabel("step")
        self._margin = distance.axhline(0, color="black", linestyle=":")
        self._curves = {
            "friends": distance.plot([], [], **same, label="friends")[0],
            "strangers": distance.plot([], [], **different, label="strangers")[0],
            "active": share.plot([], [], **different, label="strangers")[0],
            "dead": share.plot([], [], color="black", label="outputs")[0],
        }
        self._sums = [total.plot([], [], color=c, linewidth=1)[0] for c in _COLOURS]
        for ax in (distance, share, total):
            ax.set_xlim(-2, self._steps + 2)
            if ax is not total:
                ax.tick_params(labelbottom=False)
                ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return (self._margin, *self._curves.values(), *self._sums)

    def draw(self, found):
        """Move points, and let curves grow."""
        way, step = found.walk, found.step
        seen = way.outputs[: step + 1] @ _CORNERS
        deaf = np.zeros(len(way.speakers), dtype=bool)
        if not found.softmax:
            deaf = _hinge.deaf(way.outputs[step]).any(axis=-1)
        ids = np.unique(way.speakers)
        sums = way.outputs[: step + 1].sum(axis=-1)
        for i in range(len(_COLOURS)):
            mine = way.speakers == ids[i] if i < len(ids) else np.zeros_like(deaf)
            self._trails[i].set_data(*_in_a_row(seen[:, mine]))
            self._hearing[i].set_data(*seen[-1, mine & ~deaf].T)
            self._deaf[i].set_data(*seen[-1, mine & deaf].T)
            steps = np.broadcast_to(np.arange(step + 1.0)[:, None], sums[:, mine].shape)
            self._sums[i].set_data(
                *_in_a_row(np.stack([steps, sums[:, mine]], axis=-1))
            )
        for name, curve in self._curves.items():
            curve.set_data(np.arange(step + 1), getattr(way, name)[: step + 1])
        self._margin.set_ydata([found.margin] * 2)
        self._cube.set_visible(not found.softmax)
        self._note.set_text(
            ""
            if found.softmax
            else "dashed: the clip's cube from 0 to 1, on one of its corners\n"
            "hollow: an output outside of it gets no gradient"
        )


def _in_a_row(lines):
    """Join lines (steps, lines, 2) to one with gaps; its x and y."""
    gap = np.full((1, *lines.shape[1:]), np.nan)
    return np.concatenate([lines, gap]).swapaxes(0, 1).reshape(-1, 2).T


class SimplexLab(Lab):
    """Watch a loss move points of several speakers over three outputs.

    Parameters
    ----------
    points : int
        Of each speaker.
    steps : int
        Of gradient descent.
    seed : int
        Of where the points start.

    Attributes
    ----------
    margin : ipywidgets.FloatSlider
        In nats.
    directions : ipywidgets.ToggleButtons
        What meets the margin, as for `push`.
    softmax : ipywidgets.ToggleButtons
        Whether logits are moved, or the outputs themselves.
    speakers : ipywidgets.IntSlider
        How many.
    step : ipywidgets.IntSlider
        Of the way that they go.
    play : ipywidgets.Play
        Moves `step`.

    Raises
    ------
    ArgumentError
        As for `starting_points`.

    Examples
    --------
    >>> lab = SimplexLab(points=3, steps=40)
    >>> lab.set(speakers=3, step=40)
    >>> lab.found.friends < lab.found.strangers
    True
    """

    def __init__(self, points=6, steps=150, seed=0):
        # Between two moments of the same walk nothing has to be walked again.
        @functools.lru_cache(maxsize=16)
        def follow(margin, directions, softmax, speakers):
            logits, ids = starting_points(speakers, points, seed)
            return walk(logits, ids, margin, directions, softmax, steps)

        def compute(step, **settings):
            return follow(**settings).at(step)

        first = steps // 5
        self.play = ipywidgets.Play(
            first, min=0, max=steps, interval=200, description="play"
        )
        controls = {
            **_hinge.controls(margin=1.0),
            "speakers": ipywidgets.IntSlider(
                4, min=2, max=len(_COLOURS), description="speakers"
            ),
            "step": ipywidgets.IntSlider(first, min=0, max=steps, description="step"),
        }
        # In the browser: the picture follows as fast as it can, and skips the rest.
        self._link = ipywidgets.jslink(
            (self.play, "value"), (controls["step"], "value")
        )
        super().__init__(
            controls,
            compute,
            _SimplexPicture(steps),
            "five speakers on three outputs: for which margin has each a place? Then "
            "take the softmax away, one way: what do friends do?",
            below=[self.play],
        )

    def reset(self):
        """Stop, and bring all controls back to where they began."""
        self.play.playing = False
        super().reset()
