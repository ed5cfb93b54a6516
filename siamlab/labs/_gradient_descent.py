"""Gradient descent on the KL-hinge loss, by points that move independently."""

import dataclasses

import numpy as np
from scipy import special

from ..distances import log_probabilities, pairwise_kl
from ..errors import ArgumentError
from . import _hinge_settings

_TINY = 1e-30  # keeps quotients finite


@dataclasses.dataclass(frozen=True)
class DescentStep:
    """The points after some steps.

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
    min_sum, max_sum : float
        Sum of a point's outputs, which is 1 for a distribution (docs/doctor.md#s5).
    descent : Descent
        All steps, and the settings of the loss.
    """

    step: int
    same_speaker: float
    different_speaker: float
    active: float
    dead: float
    min_sum: float
    max_sum: float
    descent: "Descent" = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """Summarize in one line."""
        outputs = "softmax" if self.descent.softmax else "no softmax"
        return (
            f"{outputs}, margin {self.descent.margin:.1f} nats, step {self.step}: "
            f"same-speaker pairs {self.same_speaker:z.2f} nats apart, "
            f"different-speaker pairs {self.different_speaker:z.2f}, "
            f"pushed apart {self.active:.1%}; outputs without a gradient "
            f"{self.dead:.1%}; sums from {self.min_sum:z.2f} to {self.max_sum:.2f}"
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Descent:
    """The points after each step; see `descend`.

    Parameters
    ----------
    outputs : numpy.ndarray
        Shape (n_steps + 1, points, 3).
    speakers : numpy.ndarray
        Shape (points,).
    margin, directions, softmax
        Settings of the loss.
    """

    outputs: np.ndarray
    speakers: np.ndarray
    margin: float
    directions: str
    softmax: bool

    def at(self, step):
        """Measure the points after some steps.

        Parameters
        ----------
        step : int
            Number of steps.

        Returns
        -------
        DescentStep
            The statistics.
        """
        outputs = self.outputs[step]
        dead = not self.softmax and _hinge_settings.has_no_gradient(outputs)
        d = pairwise_kl(outputs if self.softmax else _hinge_settings.clipped(outputs))
        i, j = np.triu_indices(len(outputs), k=1)
        same = self.speakers[i] == self.speakers[j]
        compared = _hinge_settings.compared_divergences(
            d[i, j], d[j, i], self.directions
        )
        different = compared[~same]
        sums = outputs.sum(axis=-1)
        return DescentStep(
            step=int(step),
            same_speaker=float(compared[same].mean()),
            different_speaker=float(different.mean()),
            active=float((different < self.margin).any(axis=-1).mean()),
            dead=float(np.mean(dead)),
            min_sum=float(sums.min()),
            max_sum=float(sums.max()),
            descent=self,
        )


def starting_points(n_speakers=4, n_points=6, seed=0):
    """Draw logits around a center for each speaker, and compute their softmax.

    Parameters
    ----------
    n_speakers : int
        At least 2.
    n_points : int
        Points of each speaker, at least 2.
    seed : int
        Seed of the points. More speakers do not change those of the first ones.

    Returns
    -------
    outputs : numpy.ndarray
        Shape (n_speakers * n_points, 3).
    speakers : numpy.ndarray of int
        Speaker of each point, shape (n_speakers * n_points,).

    Raises
    ------
    ArgumentError
        If there would be no pair of one kind.

    Examples
    --------
    >>> outputs, speakers = starting_points(3, n_points=2)
    >>> outputs.shape, speakers.tolist()
    ((6, 3), [0, 0, 1, 1, 2, 2])
    """
    if n_speakers < 2 or n_points < 2:
        raise ArgumentError(
            "pairs of both kinds need 2 speakers and 2 points of each; got "
            f"n_speakers={n_speakers}, n_points={n_points}"
        )
    logits = []
    for speaker in range(n_speakers):
        rng = np.random.default_rng([seed, speaker])
        center = rng.normal(0, 0.7, size=3)
        logits.append(center + rng.normal(0, 0.6, size=(n_points, 3)))
    outputs = special.softmax(np.concatenate(logits), axis=-1)
    return outputs, np.repeat(np.arange(n_speakers), n_points)


def descend(
    outputs,
    speakers,
    margin=1.0,
    directions="each",
    softmax=True,
    n_steps=150,
    learning_rate=3.0,
    max_step=0.05,
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
    learning_rate : float
        Step length for a gradient of norm 1.
    max_step : float
        Longest step of a point: the gradient of a logarithm near 0 is unbounded
        (clipping by norm; Pascanu, Mikolov and Bengio, 2013).

    Returns
    -------
    Descent
        Its `at` returns the statistics of one step.

    Examples
    --------
    >>> result = descend(*starting_points(3), margin=1.0)
    >>> result.at(150).same_speaker < result.at(0).same_speaker
    True

    Without the softmax, the first steps already leave the distributions:

    >>> result = descend(*starting_points(), softmax=False, n_steps=2)
    >>> result.outputs.shape
    (3, 24, 3)
    >>> bool(np.allclose(result.outputs.sum(axis=-1), 1))
    False
    """
    same = speakers[:, None] == speakers
    weights = _weights(same, directions)
    # The softmax of the logarithm of a distribution is the distribution.
    clipped = _hinge_settings.clipped(outputs)
    path = [special.softmax(np.log(clipped), axis=-1) if softmax else outputs]
    for _ in range(n_steps):
        step = learning_rate * _gradient(path[-1], weights, margin, directions, softmax)
        length = np.linalg.norm(step, axis=-1, keepdims=True)
        step = step * np.minimum(1.0, max_step / (length + _TINY))
        if softmax:
            logits = log_probabilities(path[-1])
            path.append(special.softmax(logits - step, axis=-1))
        else:
            path.append(path[-1] - step)
    return Descent(np.stack(path), speakers, margin, directions, softmax)


def _weights(same, directions):
    """Weight of each divergence in the loss: positive for pairs of one speaker.

    Entry (i, j) is the weight of KL(i, j).
    """
    pairs = np.triu(np.ones_like(same), k=1)
    n_same, n_different = (np.count_nonzero(pairs & kind) for kind in (same, ~same))
    counted = pairs if directions == "one" else pairs | pairs.T
    return counted * np.where(same, 1 / n_same, -1 / n_different)


def _gradient(outputs, weights, margin, directions, softmax):
    """Gradient of the loss at what moves: the logits, or the outputs themselves."""
    p = outputs if softmax else _hinge_settings.clipped(outputs)
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
    return np.where(_hinge_settings.has_no_gradient(outputs), 0.0, gradient)
