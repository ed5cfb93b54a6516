"""The simplex lab (notebook 07): a loss moves points on a triangle."""

import dataclasses

import numpy as np
import traitlets
from scipy import special

from ..distances import log_probabilities, pairwise_kl
from ._view import Lab
from .margin import COMPARED, check_kinds, clipped, hinge_statistics

_MOST = 5  # speakers
_LEARNING_RATE = 3.0  # step length for a gradient of norm 1
# Of a point. The gradient of a logarithm near 0 is unbounded, so steps are clipped by
# norm (Pascanu, Mikolov and Bengio, 2013).
_MAX_STEP = 0.05
_TINY = 1e-30  # keeps quotients finite


@dataclasses.dataclass(frozen=True)
class DescentStep:
    """The points after some steps; see `descend`.

    Parameters
    ----------
    step : int
        Number of steps so far.
    same_speaker, different_speaker : float
        Mean divergence of the pairs of each kind, in nats: of what is compared with
        the margin.
    active : float
        Share of the different-speaker pairs that are pushed apart.
    dead : float
        Share of the outputs whose gradient the clip sets to zero
        (docs/doctor.md#s6).
    outputs : numpy.ndarray
        Shape (points, 3). Rows of a distribution sum to 1 (docs/doctor.md#s5).
    """

    step: int
    same_speaker: float
    different_speaker: float
    active: float
    dead: float
    outputs: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """Summarize in one line."""
        sums = self.outputs.sum(axis=-1)
        return (
            f"step {self.step}: same-speaker pairs {self.same_speaker:z.2f} nats "
            f"apart, different-speaker pairs {self.different_speaker:z.2f}, "
            f"pushed apart {self.active:.1%}; outputs without a gradient "
            f"{self.dead:.1%}; sums from {sums.min():z.2f} to {sums.max():z.2f}"
        )


def starting_points(n_speakers=4, n_points=6, seed=0):
    """Draw logits around a center for each speaker, and compute their softmax.

    Parameters
    ----------
    n_speakers : int
        At least 1.
    n_points : int
        Points of each speaker.
    seed : int
        Seed of the points. More speakers do not change those of the first ones.

    Returns
    -------
    outputs : numpy.ndarray
        Shape (n_speakers * n_points, 3).
    speakers : numpy.ndarray of int
        Speaker of each point, shape (n_speakers * n_points,).

    Examples
    --------
    >>> outputs, speakers = starting_points(3, n_points=2)
    >>> outputs.shape, speakers.tolist()
    ((6, 3), [0, 0, 1, 1, 2, 2])
    """
    logits = []
    for speaker in range(n_speakers):
        rng = np.random.default_rng([seed, speaker])
        center = rng.normal(0, 0.7, size=3)
        logits.append(center + rng.normal(0, 0.6, size=(n_points, 3)))
    outputs = special.softmax(np.concatenate(logits), axis=-1)
    return outputs, np.repeat(np.arange(n_speakers), n_points)


def descend(
    outputs, speakers, margin=1.0, directions="each", softmax=True, n_steps=150
):
    """Move points by gradient descent on the KL-hinge loss, and measure them.

    The loss is that of `losses.KLHinge` over all pairs of points: the mean over the
    same-speaker pairs plus the mean over the different-speaker pairs.

    Parameters
    ----------
    outputs, speakers : numpy.ndarray
        As returned by `starting_points`; without a softmax, `outputs` can be any
        numbers.
    margin : float
        How far different-speaker pairs are pushed apart, in nats.
    directions : {"one", "summed", "each"}
        What is compared with the margin, as for `hinge_statistics`. In "one"
        direction, the first point of a pair is the one with the lower index.
    softmax : bool
        Move the logits and compute their softmax. Otherwise the outputs themselves are
        moved, and clipped to [1e-7, 1] before the logarithm (docs/doctor.md#s5, #s6).
    n_steps : int
        Number of steps.

    Returns
    -------
    DescentStep
        The points after the last step.

    Raises
    ------
    ArgumentError
        If there are pairs of one kind only.

    Examples
    --------
    >>> points = starting_points(3)
    >>> descend(*points).same_speaker < descend(*points, n_steps=0).same_speaker
    True

    Without the softmax, the first steps already leave the distributions:

    >>> result = descend(*points, softmax=False, n_steps=2)
    >>> bool(np.allclose(result.outputs.sum(axis=-1), 1))
    False
    """
    first, second = np.triu_indices(len(outputs), k=1)
    same = speakers[first] == speakers[second]
    check_kinds(same)
    # Entry (i, j) is the weight of KL(i, j) in the loss: positive for the same speaker.
    weights = np.zeros((len(outputs), len(outputs)))
    weights[first, second] = np.where(same, 1 / np.sum(same), -1 / np.sum(~same))
    if directions != "one":
        weights += weights.T
    if softmax:
        outputs = clipped(outputs)
        outputs = outputs / outputs.sum(axis=-1, keepdims=True)
    for _ in range(n_steps):
        gradient = _gradient(outputs, weights, margin, directions, softmax)
        length = np.linalg.norm(gradient, axis=-1, keepdims=True)
        step = gradient * np.minimum(_LEARNING_RATE, _MAX_STEP / (length + _TINY))
        if softmax:
            outputs = special.softmax(log_probabilities(outputs) - step, axis=-1)
        else:
            outputs = outputs - step
    p, q = outputs[first], outputs[second]
    pairs = hinge_statistics(p, q, same, margin, directions, clip=not softmax)
    near, far = (float(pairs.divergences[kind].mean()) for kind in (same, ~same))
    return DescentStep(n_steps, near, far, pairs.active, pairs.dead, outputs)


def _gradient(outputs, weights, margin, directions, softmax):
    """Gradient of the loss at what moves: the logits, or the outputs themselves."""
    p = outputs if softmax else clipped(outputs)
    log_p, d = log_probabilities(p), pairwise_kl(p)
    compared = d + d.T if directions == "summed" else d
    # 1. At each divergence: zero for different-speaker pairs beyond the margin.
    weights = np.where((weights < 0) & (compared >= margin), 0.0, weights)
    # 2. At the outputs, each of which is first in some pairs and second in others.
    first = weights.sum(axis=1, keepdims=True) * (log_p + 1) - weights @ log_p
    gradient = first - (weights.T @ p) / np.maximum(p, _TINY)
    # 3. Through the last layer.
    if softmax:
        return p * (gradient - np.sum(p * gradient, axis=-1, keepdims=True))
    return np.where(p == outputs, gradient, 0.0)


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

    points = traitlets.List(traitlets.List()).tag(sync=True, control=True)
    margin = traitlets.Float(1.0).tag(sync=True, control=True)
    directions = traitlets.Enum(tuple(COMPARED), "each").tag(sync=True, control=True)
    softmax = traitlets.Bool(True).tag(sync=True, control=True)
    n_speakers = traitlets.Int(4, min=2, max=_MOST).tag(sync=True, control=True)
    step = traitlets.Int(0, min=0).tag(sync=True, control=True)

    def __init__(self, n_points=6, n_steps=150, seed=0):
        outputs, self._speakers = starting_points(_MOST, n_points, seed)
        self.set_trait("points", outputs.tolist())
        super().__init__(n_points=n_points, n_steps=n_steps)

    def _compute(self, points, margin, directions, softmax, n_speakers, step):
        """Compute the points after some steps; see `descend`."""
        mine = self._speakers < n_speakers
        outputs, speakers = np.array(points)[mine], self._speakers[mine]
        return descend(outputs, speakers, margin, directions, softmax, step)
