"""The margin lab (notebook 07): which pairs the hinge loss still pushes apart."""

import dataclasses

import numpy as np
import traitlets

from ..distances import kl
from ..errors import ArgumentError
from ._view import Lab

# What is compared with the margin, of both divergences of pairs. As in `posts.FIXES`:
# one direction (docs/doctor.md#s8), the sum of both before one hinge
# (docs/doctor.md#s9), and one hinge for each direction.
COMPARED = {
    "one": lambda both: both[:, :1],
    "summed": lambda both: both.sum(axis=-1, keepdims=True),
    "each": lambda both: both,
}


@dataclasses.dataclass(frozen=True)
class HingeStatistics:
    """The KL-hinge loss of a batch of pairs.

    Parameters
    ----------
    margin : float
        In nats.
    loss : float
        Mean over the pairs, in nats.
    dead : float
        Share of the outputs whose gradient the clip sets to zero
        (docs/doctor.md#s6).
    negative : float
        Share of the divergences, of both directions, below 0 (docs/doctor.md#s5).
    same : numpy.ndarray of bool
        Whether a pair is of one speaker, shape (pairs,).
    both : numpy.ndarray
        KL(first, second) and KL(second, first) in nats, shape (pairs, 2).
    divergences : numpy.ndarray
        Those that are compared with the margin: shape (pairs, 1), or (pairs, 2) for
        "each".
    """

    margin: float
    loss: float
    dead: float
    negative: float
    same: np.ndarray = dataclasses.field(repr=False, compare=False)
    both: np.ndarray = dataclasses.field(repr=False, compare=False)
    divergences: np.ndarray = dataclasses.field(repr=False, compare=False)

    @property
    def is_active(self):
        """Which different-speaker pairs are pushed apart, shape (pairs,)."""
        return ~self.same & (self.divergences < self.margin).any(axis=-1)

    @property
    def is_missed(self):
        """Which are not, although one direction is inside the margin (#s8, #s9)."""
        inside = (self.both < self.margin).any(axis=-1)
        return ~self.same & ~self.is_active & inside

    @property
    def active(self):
        """Share of the different-speaker pairs that are pushed apart."""
        return float(self.is_active[~self.same].mean())

    @property
    def missed(self):
        """Share of the different-speaker pairs that are missed."""
        return float(self.is_missed[~self.same].mean())

    def __str__(self):
        """Summarize in one line."""
        return (
            f"margin {self.margin:.2f} nats: {self.active:.1%} of different-speaker "
            f"pairs pushed apart, {self.missed:.1%} missed; "
            f"mean loss {self.loss:.3f} nats; outputs without a gradient "
            f"{self.dead:.1%}, divergences below 0 {self.negative:.1%}"
        )


def hinge_statistics(p, q, same, margin=1.0, directions="each", clip=False):
    """Find the pairs that the KL-hinge loss still pushes apart.

    Parameters
    ----------
    p, q : array_like
        Outputs for the first and for the second segment of each pair, shape (pairs,
        units): rows that sum to 1, or any numbers with `clip`.
    same : array_like of bool
        Whether a pair is of one speaker, shape (pairs,) or (pairs, 1).
    margin : float
        How far different-speaker pairs are pushed apart, in nats.
    directions : {"one", "summed", "each"}
        What is compared with the margin: KL(p, q); the sum of both directions; or each
        of them, as in the paper (Hsu and Kira, 2016).
    clip : bool
        Clip outputs to [1e-7, 1] before the logarithm, as the posted program does
        (docs/doctor.md#s6).

    Returns
    -------
    HingeStatistics
        Shares of the pairs, and the mean loss.

    Raises
    ------
    ArgumentError
        If shapes do not fit, there are pairs of one kind only, or rows are not
        distributions although `clip` is false.

    Examples
    --------
    A different-speaker pair, 0.51 nats apart in one direction and 0.37 in the other:

    >>> p, q = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.5, 0.5]]
    >>> hinge_statistics(p, q, [False, True], margin=0.5, directions="one").missed
    1.0
    >>> hinge_statistics(p, q, [False, True], margin=0.5, directions="each").active
    1.0
    """
    same = np.ravel(same).astype(bool)
    outputs = _as_pairs(p, q, same, clip)
    p, q = clipped(outputs) if clip else outputs
    both = np.stack([kl(p, q), kl(q, p)], axis=-1)
    d = COMPARED[directions](both)
    losses = np.where(same[:, None], d, np.maximum(margin - d, 0.0)).sum(axis=-1)
    dead = outputs != np.stack([p, q])
    # Rows of float32 sum to 1 only up to rounding.
    loss, dead, negative = (float(np.mean(x)) for x in (losses, dead, both < -1e-6))
    return HingeStatistics(margin, loss, dead, negative, same, both, d)


def clipped(outputs):
    """Clip outputs to [1e-7, 1], as the posted program does (docs/doctor.md#s6).

    Parameters
    ----------
    outputs : numpy.ndarray
        Of a network that does not end in a softmax.

    Returns
    -------
    numpy.ndarray
        Shaped as the outputs. Those that differ have a gradient of zero.
    """
    return np.clip(outputs, 1e-7, 1.0)


def check_kinds(same):
    """Refuse pairs of one kind only.

    Parameters
    ----------
    same : numpy.ndarray of bool
        Whether a pair is of one speaker.

    Raises
    ------
    ArgumentError
        If all pairs are, or none.
    """
    if np.all(same) or not np.any(same):
        n_same = np.count_nonzero(same)
        raise ArgumentError(
            f"pairs of both kinds are needed; got {n_same} of the same speaker and "
            f"{len(same) - n_same} of different speakers"
        )


def _as_pairs(p, q, same, clip):
    """Return outputs as float64, shape (2, pairs, units)."""
    if np.ndim(p) != 2 or np.shape(p) != np.shape(q) or len(same) != len(p):
        raise ArgumentError(
            "p and q must have shape (pairs, units) and same (pairs,) or (pairs, 1); "
            f"got {np.shape(p)}, {np.shape(q)} and {len(same)} labels"
        )
    check_kinds(same)
    outputs = np.array([p, q], dtype=float)
    if not np.isfinite(outputs).all():
        raise ArgumentError("outputs must be finite; some are NaN or infinite")
    low, sums = outputs.min(), outputs.sum(axis=-1)
    if not clip and (low < 0 or np.abs(sums - 1).max() > 1e-3):
        raise ArgumentError(
            "a divergence compares distributions: outputs of 0 or more, in rows that "
            f"sum to 1; got outputs from {low:.3g} and sums from {sums.min():.3g} to "
            f"{sums.max():.3g}. Use a softmax, or clip=True"
        )
    return outputs


class MarginLab(Lab):
    """Drag the margin over the pairs of a batch.

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
    margin : float
        In nats, from 0.1 to 4.
    directions : {"one", "summed", "each"}
        What is compared with the margin, as for `hinge_statistics`.
    softmax : bool
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
    >>> lab.softmax = False
    >>> lab.result.dead
    0.375
    """

    margin = traitlets.Float(1.0, min=0.1, max=4.0).tag(sync=True, control=True)
    directions = traitlets.Enum(tuple(COMPARED), "one").tag(sync=True, control=True)
    softmax = traitlets.Bool(True).tag(sync=True, control=True)

    def __init__(self, same, softmax, clipped):
        self._same, self._outputs = same, {True: softmax, False: clipped}
        networks = [self._compute(1.0, "each", last) for last in (False, True)]
        super().__init__(
            same=np.ravel(same).astype(bool),
            both=[network.both.tolist() for network in networks],
            dead=[network.dead for network in networks],
            negative=[network.negative for network in networks],
        )

    def _compute(self, margin, directions, softmax):
        """Compute loss and active pairs; see `hinge_statistics`."""
        p, q = self._outputs[softmax]
        return hinge_statistics(p, q, self._same, margin, directions, clip=not softmax)
