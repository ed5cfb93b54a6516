"""Gradient descent on the KL-hinge loss, by points that no network holds together."""

import dataclasses

import numpy as np
from scipy import special

from ..distances import log_probabilities, pairwise_kl
from ..errors import ArgumentError
from . import _hinge

_TINY = 1e-30  # keeps quotients finite


@dataclasses.dataclass(frozen=True)
class Moment:
    """How the points stand after some steps.

    Parameters
    ----------
    step, steps : int
        How many were made, of how many.
    speakers : int
        Whose points they are.
    margin : float
        In nats.
    directions : {"one", "summed", "each"}
        Which divergences meet the margin.
    softmax : bool
        Whether the outputs are those of a softmax.
    friends, strangers : float
        Mean divergence of the pairs of one speaker, and of different speakers, in
        nats: of that which meets the margin.
    active : float
        Share of the pairs of strangers that are still pushed apart.
    dead : float
        Share of the outputs that the clip leaves without a gradient (FAULTS S6).
    lowest, highest : float
        Sum of a point's outputs, 1 for a distribution (S5).
    walk : Walk
        All steps.
    """

    step: int
    steps: int
    speakers: int
    margin: float
    directions: str
    softmax: bool
    friends: float
    strangers: float
    active: float
    dead: float
    lowest: float
    highest: float
    walk: "Walk" = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """One line of HTML."""
        last = "softmax" if self.softmax else "free outputs"
        return (
            f"{last}, margin {self.margin:.1f} nats, step <b>{self.step}</b> of "
            f"{self.steps}: friends <b>{self.friends:z.2f}</b> nats apart, strangers "
            f"<b>{self.strangers:z.2f}</b>, still pushed <b>{self.active:.1%}</b>; "
            f"outputs without a gradient <b>{self.dead:.1%}</b>; "
            f"sums from {self.lowest:z.2f} to {self.highest:.2f}"
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Walk:
    """The way of the points, and figures after each step; see `walk`.

    Parameters
    ----------
    outputs : numpy.ndarray
        Shape (steps + 1, points, 3).
    speakers : numpy.ndarray
        Shape (points,).
    margin, directions, softmax
        Settings of the loss.
    friends, strangers, active, dead : numpy.ndarray
        As for `Moment`, shape (steps + 1,).
    """

    outputs: np.ndarray
    speakers: np.ndarray
    margin: float
    directions: str
    softmax: bool
    friends: np.ndarray
    strangers: np.ndarray
    active: np.ndarray
    dead: np.ndarray

    def at(self, step):
        """Stop after some steps.

        Parameters
        ----------
        step : int
            How many.

        Returns
        -------
        Moment
            Its figures.
        """
        sums = self.outputs[step].sum(axis=-1)
        return Moment(
            step=int(step),
            steps=len(self.outputs) - 1,
            speakers=len(np.unique(self.speakers)),
            margin=self.margin,
            directions=self.directions,
            softmax=self.softmax,
            friends=float(self.friends[step]),
            strangers=float(self.strangers[step]),
            active=float(self.active[step]),
            dead=float(self.dead[step]),
            lowest=float(sums.min()),
            highest=float(sums.max()),
            walk=self,
        )


def starting_points(speakers=4, points=6, seed=0):
    """Scatter points around a center for each speaker.

    Parameters
    ----------
    speakers : int
        How many, at least 2.
    points : int
        Of each, at least 2.
    seed : int
        Of the draw; the first speakers stay where they are if others come.

    Returns
    -------
    logits : numpy.ndarray
        Shape (speakers * points, 3).
    speakers : numpy.ndarray of int
        Whose they are, shape (speakers * points,).

    Raises
    ------
    ArgumentError
        If there would be no pair of one kind.

    Examples
    --------
    >>> logits, speakers = starting_points(3, points=2)
    >>> logits.shape, speakers.tolist()
    ((6, 3), [0, 0, 1, 1, 2, 2])
    """
    if speakers < 2 or points < 2:
        raise ArgumentError(
            "pairs of both kinds need 2 speakers and 2 points of each; got "
            f"speakers={speakers}, points={points}"
        )
    logits = []
    for speaker in range(speakers):
        rng = np.random.default_rng([seed, speaker])
        logits.append(rng.normal(0, 0.7, size=3) + rng.normal(0, 0.6, size=(points, 3)))
    return np.concatenate(logits), np.repeat(np.arange(speakers), points)


def trajectory(
    logits,
    speakers,
    margin=1.0,
    directions="each",
    softmax=True,
    steps=150,
    rate=3.0,
    longest=0.05,
):
    """Let gradient descent on the KL-hinge loss move points.

    The loss is `losses.kl_hinge` over all pairs of points: the mean over the pairs of
    friends plus the mean over those of strangers.

    Parameters
    ----------
    logits : array_like
        Where they start, shape (points, 3).
    speakers : array_like
        Whose they are, shape (points,).
    margin : float
        How far strangers are pushed apart, in nats.
    directions : {"one", "summed", "each"}
        What meets the margin, as for `push`. In "one" direction a pair's first point
        is the one that comes first.
    softmax : bool
        Move the logits, and take their softmax. If not, the outputs themselves are
        moved from the same start, and clipped to [1e-7, 1] in front of the logarithm
        (FAULTS S5, S6).
    steps : int
        How many.
    rate : float
        Step for a gradient of 1.
    longest : float
        No step of a point is longer: gradients through a logarithm near 0 have no
        end (clipping by norm; Pascanu, Mikolov and Bengio, 2013).

    Returns
    -------
    numpy.ndarray
        Outputs, shape (steps + 1, points, 3).

    Raises
    ------
    ArgumentError
        If shapes do not fit, one kind of pair is missing, or the loss has no such
        setting.

    Examples
    --------
    Without the softmax they stop being distributions at once:

    >>> path = trajectory(*starting_points(), softmax=False, steps=2)
    >>> path.shape
    (3, 24, 3)
    >>> bool(np.allclose(path.sum(axis=-1), 1))
    False
    """
    moving, speakers = _checked(logits, speakers, margin, directions)
    weights = _weights(speakers, directions)
    if not softmax:
        moving = special.softmax(moving, axis=-1)
    path = [special.softmax(moving, axis=-1) if softmax else moving]
    for _ in range(steps):
        move = rate * _gradient(path[-1], weights, margin, directions, softmax)
        length = np.linalg.norm(move, axis=-1, keepdims=True)
        moving = moving - move * np.minimum(1.0, longest / (length + _TINY))
        path.append(special.softmax(moving, axis=-1) if softmax else moving)
    return np.stack(path)


def walk(logits, speakers, margin=1.0, directions="each", softmax=True, steps=150):
    """Follow the points, and measure them after each step.

    Parameters
    ----------
    logits, speakers, margin, directions, softmax, steps
        As for `trajectory`.

    Returns
    -------
    Walk
        Its `at` gives the figures of one step.

    Raises
    ------
    ArgumentError
        As for `trajectory`.

    Examples
    --------
    >>> found = walk(*starting_points(3), margin=1.0)
    >>> found.at(150).friends < found.at(0).friends
    True
    >>> found.at(150).dead
    0.0
    """
    path = trajectory(logits, speakers, margin, directions, softmax, steps)
    speakers = np.asarray(speakers)
    d = pairwise_kl(path if softmax else _hinge.clipped(path))
    first, second = np.triu_indices(len(speakers), k=1)
    met = _hinge.measured(d[:, first, second], d[:, second, first], directions)
    same = speakers[first] == speakers[second]
    deaf = np.zeros_like(path) if softmax else _hinge.deaf(path)
    return Walk(
        outputs=path,
        speakers=speakers,
        margin=float(margin),
        directions=directions,
        softmax=bool(softmax),
        friends=met[:, same].mean(axis=(1, 2)),
        strangers=met[:, ~same].mean(axis=(1, 2)),
        active=(met[:, ~same] < margin).any(axis=-1).mean(axis=1),
        dead=deaf.mean(axis=(1, 2)),
    )


def _checked(logits, speakers, margin, directions):
    """Give back logits as float64 and speakers as an array."""
    _hinge.check(margin, directions)
    logits, speakers = np.asarray(logits, dtype=float), np.asarray(speakers)
    if logits.shape != (*speakers.shape, 3) or speakers.ndim != 1:
        raise ArgumentError(
            "logits must have shape (points, 3) and speakers (points,); got "
            f"{logits.shape} and {speakers.shape}"
        )
    _, counts = np.unique(speakers, return_counts=True)
    if len(counts) < 2 or counts.max() < 2:
        raise ArgumentError(
            "pairs of both kinds are needed: two speakers, and two points of one; got "
            f"{speakers.tolist()}"
        )
    return logits, speakers


def _weights(speakers, directions):
    """Weight of each divergence in the loss: above 0 for friends, below for strangers.

    Entry (i, j) is that of KL(i, j).
    """
    same = speakers[:, None] == speakers
    pairs = np.triu(np.ones_like(same), k=1)
    friends, strangers = (np.count_nonzero(pairs & kind) for kind in (same, ~same))
    asked = pairs if directions == "one" else pairs | pairs.T
    return asked * np.where(same, 1 / friends, -1 / strangers)


def _gradient(outputs, weights, margin, directions, softmax):
    """Slope of the loss by what moves: logits, or the outputs themselves."""
    p = outputs if softmax else _hinge.clipped(outputs)
    log_p, d = log_probabilities(p), pairwise_kl(p)
    met = d + d.T if directions == "summed" else d
    # 1. By each divergence: strangers beyond the margin have no say.
    weights = np.where((weights < 0) & (met >= margin), 0.0, weights)
    # 2. By the outputs, each of which is the first of some pairs, the second of others.
    first = weights.sum(axis=1, keepdims=True) * (log_p + 1) - weights @ log_p
    slope = first - (weights.T @ p) / np.maximum(p, _TINY)
    # 3. Through the last layer.
    if softmax:
        return p * (slope - np.sum(p * slope, axis=-1, keepdims=True))
    return np.where(_hinge.deaf(outputs), 0.0, slope)
