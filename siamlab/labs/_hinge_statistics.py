"""Which pairs of a batch have a gradient under the KL-hinge loss."""

import dataclasses

import numpy as np

from ..distances import kl
from ..errors import ArgumentError
from . import _hinge_settings


@dataclasses.dataclass(frozen=True)
class HingeStatistics:
    """The KL-hinge loss of a batch of pairs.

    Parameters
    ----------
    margin : float
        In nats.
    directions : {"one", "summed", "each"}
        Which divergences are compared with the margin.
    loss : float
        Mean over the pairs, in nats.
    dead : float
        Share of the outputs whose gradient the clip sets to zero
        (docs/doctor.md#s6).
    negative : float
        Share of the divergences, of both directions, below 0 (docs/doctor.md#s5).
    same : numpy.ndarray of bool
        Whether a pair is of one speaker, shape (pairs,).
    forward, backward : numpy.ndarray
        KL(first, second) and KL(second, first) in nats, shape (pairs,).
    divergences : numpy.ndarray
        Those that are compared with the margin: shape (pairs, 1), or (pairs, 2) for
        "each".
    """

    margin: float
    directions: str
    loss: float
    dead: float
    negative: float
    same: np.ndarray = dataclasses.field(repr=False, compare=False)
    forward: np.ndarray = dataclasses.field(repr=False, compare=False)
    backward: np.ndarray = dataclasses.field(repr=False, compare=False)
    divergences: np.ndarray = dataclasses.field(repr=False, compare=False)

    @property
    def is_active(self):
        """Which different-speaker pairs are pushed apart, shape (pairs,)."""
        return ~self.same & (self.divergences < self.margin).any(axis=-1)

    @property
    def is_missed(self):
        """Which are not, although one direction is inside the margin (#s8, #s9)."""
        inside = np.minimum(self.forward, self.backward) < self.margin
        return ~self.same & ~self.is_active & inside

    @property
    def active(self):
        """Share of the different-speaker pairs that are pushed apart."""
        return self._share_of_different(self.is_active)

    @property
    def active_forward(self):
        """Share of them that are pushed apart along KL(first, second)."""
        return self._share_of_different(self.divergences[:, 0] < self.margin)

    @property
    def active_backward(self):
        """Share of them that are pushed apart along KL(second, first)."""
        active = self._share_of_different(self.divergences[:, -1] < self.margin)
        return 0.0 if self.directions == "one" else active

    def _share_of_different(self, mask):
        return float(np.mean(mask[~self.same]))

    def __str__(self):
        """Summarize in one line."""
        return (
            f"margin {self.margin:.2f} nats: {self.active:.1%} of different-speaker "
            f"pairs pushed apart, {self._share_of_different(self.is_missed):.1%} "
            f"missed; mean loss {self.loss:.3f} nats; outputs without a gradient "
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
    >>> result = hinge_statistics(p, q, [False, True], margin=0.5)
    >>> result.active_forward, result.active_backward
    (0.0, 1.0)
    >>> hinge_statistics(p, q, [False, True], margin=0.5, directions="summed").active
    0.0
    """
    p, q, same = _check_pairs(p, q, same, clip)
    p_in, q_in = (_hinge_settings.clipped(x) if clip else x for x in (p, q))
    forward, backward = kl(p_in, q_in), kl(q_in, p_in)
    d = _hinge_settings.compared_divergences(forward, backward, directions)
    losses = np.where(same[:, None], d, np.maximum(margin - d, 0.0)).sum(axis=-1)
    dead = _hinge_settings.has_no_gradient(np.stack([p, q])) if clip else 0.0
    # Rows of float32 sum to 1 only up to rounding.
    negative = np.stack([forward, backward]) < -1e-6
    means = (float(np.mean(values)) for values in (losses, dead, negative))
    pairs = same, forward, backward, d
    return HingeStatistics(float(margin), directions, *means, *pairs)


def _check_pairs(p, q, same, clip):
    """Return outputs as float64 and labels as bool, shape (pairs,)."""
    p, q = (np.asarray(x, dtype=float) for x in (p, q))
    same = np.ravel(same).astype(bool)
    if p.ndim != 2 or p.shape != q.shape or len(same) != len(p):
        raise ArgumentError(
            "p and q must have shape (pairs, units) and same (pairs,) or (pairs, 1); "
            f"got {p.shape}, {q.shape} and {len(same)} labels"
        )
    n_same = np.count_nonzero(same)
    if n_same in (0, len(same)):
        raise ArgumentError(
            f"pairs of both kinds are needed; got {n_same} of the same speaker and "
            f"{len(same) - n_same} of different speakers"
        )
    rows = np.concatenate([p, q])
    if not np.isfinite(rows).all():
        raise ArgumentError("outputs must be finite; some are NaN or infinite")
    low, sums = rows.min(), rows.sum(axis=1)
    if not clip and (low < 0 or np.abs(sums - 1).max() > 1e-3):
        raise ArgumentError(
            "a divergence compares distributions: outputs of 0 or more, in rows that "
            f"sum to 1; got outputs from {low:.3g} and sums from {sums.min():.3g} to "
            f"{sums.max():.3g}. Use a softmax, or clip=True"
        )
    return p, q, same
