"""The simplex lab (notebook 07): a loss moves points on a triangle."""

import numpy as np
import traitlets

from ._gradient_descent import DescentStep, descend, starting_points
from ._hinge_settings import DIRECTIONS
from ._view import Lab

__all__ = ["DescentStep", "SimplexLab", "descend", "starting_points"]

_MOST_SPEAKERS = 5


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
    points : list of list of float
        Three outputs of each point, before the first step: `n_points` of each of five
        speakers. Dragging a point starts the descent again, from what is shown.
    margin : float
        In nats.
    directions : {"one", "summed", "each"}
        What is compared with the margin, as for `hinge_statistics`.
    softmax : bool
        Whether the logits are moved, or the outputs themselves.
    n_speakers : int
        Number of speakers, from 2 to 5.
    step : int
        Number of steps so far.

    Examples
    --------
    >>> lab = SimplexLab(n_points=3, n_steps=40)
    >>> lab.set(n_speakers=3, step=40)
    >>> lab.result.same_speaker < lab.result.different_speaker
    True
    """

    points = traitlets.List(traitlets.List(traitlets.Float())).tag(
        sync=True, control=True
    )
    margin = traitlets.Float(1.0).tag(sync=True, control=True)
    directions = traitlets.Enum(DIRECTIONS, "each").tag(sync=True, control=True)
    softmax = traitlets.Bool(True).tag(sync=True, control=True)
    n_speakers = traitlets.Int(4, min=2, max=_MOST_SPEAKERS).tag(
        sync=True, control=True
    )
    step = traitlets.Int(0, min=0).tag(sync=True, control=True)

    def __init__(self, n_points=6, n_steps=150, seed=0):
        outputs, self._speakers = starting_points(_MOST_SPEAKERS, n_points, seed)
        self.set_trait("points", outputs.tolist())
        super().__init__(n_points=n_points, n_steps=n_steps)

    def compute(self, points, margin, directions, softmax, n_speakers, step):
        """Compute the descent up to a step; see `descend`."""
        mine = self._speakers < n_speakers
        outputs, speakers = np.array(points)[mine], self._speakers[mine]
        return descend(outputs, speakers, margin, directions, softmax, step).at(step)
