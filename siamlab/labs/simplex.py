"""The simplex lab (notebook 07): a loss moves points on a triangle."""

import functools

import ipywidgets
import numpy as np

from ..plots.figure_style import SPEAKER_COLORS
from . import _hinge_settings
from ._base import Lab, Picture
from ._gradient_descent import descend, starting_points

_COLORS = SPEAKER_COLORS[:5]
_MARKERS = "osD^v"
# Corners of the triangle of distributions, seen from the front: at distance 1 from its
# center (1/3, 1/3, 1/3).
_CORNERS = np.array([[-np.sqrt(0.75), -0.5], [np.sqrt(0.75), -0.5], [0.0, 1.0]])


class _SimplexPicture(Picture):
    """The triangle; distances, active pairs and sums over the steps."""

    def __init__(self, steps):
        self._steps = steps
        super().__init__((11, 5), "ab;ac;ad", width_ratios=(1.15, 1))

    def prepare(self):
        """Draw the axes, and create the artists that move."""
        triangle, *curves = self.axes
        return [*self._prepare_triangle(triangle), *self._prepare_curves(*curves)]

    def _prepare_triangle(self, ax):
        """Draw the triangle from the front: the sum of a point is its depth."""
        ax.fill(*_CORNERS.T, facecolor="0.96", edgecolor="black")
        for k, (x, y) in enumerate(1.14 * _CORNERS):
            ax.text(x, y, f"output {k + 1}", ha="center", va="center")
        # The clip keeps outputs in a cube; three of its corners are the triangle.
        around = np.stack([_CORNERS, _CORNERS + np.roll(_CORNERS, -1, axis=0)], axis=1)
        (self._cube,) = ax.fill(
            *around.reshape(-1, 2).T, fill=False, linestyle="--", edgecolor="0.4"
        )
        self._note = ax.text(0, -1.14, "", ha="center", va="top")
        self._trails, self._moving_points, self._dead_points = [], [], []
        for color, marker in zip(_COLORS, _MARKERS, strict=True):
            look = {"color": color, "marker": marker, "markersize": 7, "linestyle": ""}
            self._trails += ax.plot([], [], color=color, linewidth=0.7)
            self._moving_points += ax.plot([], [], **look, markeredgecolor="white")
            self._dead_points += ax.plot([], [], **look, fillstyle="none")
        ax.set(xlim=(-1.3, 1.3), ylim=(-1.48, 1.2), aspect="equal")
        ax.set_title("three outputs for each segment; one color per speaker")
        ax.axis("off")
        points = (*self._moving_points, *self._dead_points)
        return (self._cube, self._note, *self._trails, *points)

    def _prepare_curves(self, distance, share, total):
        """Draw the statistics of the steps so far."""
        same, different = {"color": "#0072B2"}, {"color": "#D55E00", "linestyle": "--"}
        distance.set(title="mean divergence", ylabel="nats")
        distance.set_yscale("symlog", linthresh=1)
        distance.set(ylim=(-1, 25))
        distance.set_yticks([-1, 0, 1, 3, 10], ["-1", "0", "1", "3", "10"])
        share.set(title="active pairs, dead outputs", ylabel="share")
        share.set_ylim(-0.05, 1.05)
        total.set(title="sum of each segment's outputs", ylabel="sum", ylim=(-0.1, 3.3))
        total.set_xlabel("step")
        self._margin = distance.axhline(0, color="black", linestyle=":")
        lines = {
            "same_speaker": distance.plot([], [], **same, label="same speaker"),
            "different_speaker": distance.plot([], [], **different, label="different"),
            "active": share.plot([], [], **different, label="different"),
            "dead": share.plot([], [], color="black", label="outputs"),
        }
        self._curves = {name: line for name, (line,) in lines.items()}
        self._sums = [total.plot([], [], color=c, linewidth=1)[0] for c in _COLORS]
        for ax in (distance, share, total):
            ax.set_xlim(-2, self._steps + 2)
            if ax is not total:
                ax.tick_params(labelbottom=False)
                ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return (self._margin, *self._curves.values(), *self._sums)

    def draw(self, result):
        """Move points, and extend the curves."""
        descent, step = result.descent, result.step
        projected = descent.outputs[: step + 1] @ _CORNERS
        dead = np.zeros(len(descent.speakers), dtype=bool)
        if not descent.softmax:
            dead = _hinge_settings.has_no_gradient(descent.outputs[step]).any(axis=-1)
        ids = np.unique(descent.speakers)
        sums = descent.outputs[: step + 1].sum(axis=-1)
        for i in range(len(_COLORS)):
            mine = descent.speakers == ids[i] if i < len(ids) else np.zeros_like(dead)
            self._trails[i].set_data(*_joined(projected[:, mine]))
            self._moving_points[i].set_data(*projected[-1, mine & ~dead].T)
            self._dead_points[i].set_data(*projected[-1, mine & dead].T)
            steps = np.broadcast_to(np.arange(step + 1.0)[:, None], sums[:, mine].shape)
            self._sums[i].set_data(*_joined(np.stack([steps, sums[:, mine]], axis=-1)))
        for name, curve in self._curves.items():
            curve.set_data(np.arange(step + 1), getattr(descent, name)[: step + 1])
        self._margin.set_ydata([descent.margin] * 2)
        self._cube.set_visible(not descent.softmax)
        self._note.set_text(
            ""
            if descent.softmax
            else "dashed: the cube of the clip, from 0 to 1, seen along its diagonal\n"
            "hollow: an output outside of the cube has no gradient"
        )


def _joined(lines):
    """Join lines (steps, lines, 2) into one with gaps; return x and y."""
    gap = np.full((1, *lines.shape[1:]), np.nan)
    return np.concatenate([lines, gap]).swapaxes(0, 1).reshape(-1, 2).T


class SimplexLab(Lab):
    """Watch a loss move points of several speakers over three outputs.

    Parameters
    ----------
    n_points : int
        Points per speaker.
    n_steps : int
        Steps of gradient descent.
    seed : int
        Seed of the starting points.

    Attributes
    ----------
    margin : ipywidgets.FloatSlider
        In nats.
    directions : ipywidgets.ToggleButtons
        What is compared with the margin, as for `hinge_statistics`.
    softmax : ipywidgets.ToggleButtons
        Whether the logits are moved, or the outputs themselves.
    n_speakers : ipywidgets.IntSlider
        Number of speakers.
    step : ipywidgets.IntSlider
        Number of steps so far.
    play : ipywidgets.Play
        Advances `step`.

    Examples
    --------
    >>> lab = SimplexLab(n_points=3, n_steps=40)
    >>> lab.set(n_speakers=3, step=40)
    >>> lab.result.same_speaker < lab.result.different_speaker
    True
    """

    def __init__(self, n_points=6, n_steps=150, seed=0):
        # All steps of one descent are computed once.
        @functools.lru_cache(maxsize=16)
        def run(margin, directions, softmax, n_speakers):
            logits, speakers = starting_points(n_speakers, n_points, seed)
            return descend(logits, speakers, margin, directions, softmax, n_steps)

        def compute(step, **settings):
            return run(**settings).at(step)

        first = n_steps // 5
        self.play = ipywidgets.Play(
            first, min=0, max=n_steps, interval=200, description="play"
        )
        controls = {
            **_hinge_settings.loss_controls(margin=1.0),
            "n_speakers": ipywidgets.IntSlider(
                4, min=2, max=len(_COLORS), description="speakers"
            ),
            "step": ipywidgets.IntSlider(first, min=0, max=n_steps, description="step"),
        }
        # Linked in the browser, which skips steps if the picture is slow.
        self._link = ipywidgets.jslink(
            (self.play, "value"), (controls["step"], "value")
        )
        super().__init__(
            controls,
            compute,
            _SimplexPicture(n_steps),
            "five speakers on three outputs: up to which margin is there room for all? "
            "Then remove the softmax, with a hinge on one direction: where do the "
            "points of one speaker go?",
            extra_widgets=[self.play],
        )

    def reset(self):
        """Stop the animation, and reset all controls."""
        self.play.playing = False
        super().reset()
