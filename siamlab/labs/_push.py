"""Which pairs of a batch a hinge on a divergence still pushes."""

import dataclasses

import numpy as np

from ..distances import kl
from ..errors import ArgumentError
from . import _hinge


@dataclasses.dataclass(frozen=True)
class Push:
    """What the KL-hinge loss does to a batch of pairs.

    Parameters
    ----------
    margin : float
        In nats.
    directions : {"one", "summed", "each"}
        Which divergences meet the margin.
    clip : bool
        Whether outputs were clipped.
    loss : float
        Mean over the pairs, in nats.
    dead : float
        Share of the outputs that the clip leaves without a gradient (FAULTS S6).
    negative : float
        Share of the divergences, of both directions, that are below 0 (S5).
    same : numpy.ndarray of bool
        Which pairs are of one speaker, shape (pairs,).
    there, back : numpy.ndarray
        KL(first, second) and KL(second, first) in nats, shape (pairs,).
    distances : numpy.ndarray
        What meets the margin: shape (pairs, 1), or (pairs, 2) for "each".
    """

    margin: float
    directions: str
    clip: bool
    loss: float
    dead: float
    negative: float
    same: np.ndarray = dataclasses.field(repr=False, compare=False)
    there: np.ndarray = dataclasses.field(repr=False, compare=False)
    back: np.ndarray = dataclasses.field(repr=False, compare=False)
    distances: np.ndarray = dataclasses.field(repr=False, compare=False)

    @property
    def pushed(self):
        """Which pairs are pushed apart, shape (pairs,)."""
        return ~self.same & (self.distances < self.margin).any(axis=-1)

    @property
    def excused(self):
        """Which strangers are let go, one direction inside the margin (S8, S9)."""
        inside = np.minimum(self.there, self.back) < self.margin
        return ~self.same & ~self.pushed & inside

    @property
    def active(self):
        """Share of the strangers that are still pushed."""
        return self._of_strangers(self.pushed)

    @property
    def active_there(self):
        """Share of the strangers that are pushed along KL(first, second)."""
        return self._of_strangers(self.distances[:, 0] < self.margin)

    @property
    def active_back(self):
        """Share of the strangers that are pushed along KL(second, first)."""
        if self.directions == "one":
            return 0.0
        return self._of_strangers(self.distances[:, -1] < self.margin)

    def _of_strangers(self, mask):
        return float(np.mean(mask[~self.same]))

    def __str__(self):
        """One line of HTML."""
        return (
            f"margin <b>{self.margin:.1f}</b> nats: strangers still pushed "
            f"<b>{self.active:.1%}</b> (there {self.active_there:.1%}, "
            f"back {self.active_back:.1%}), let go with one way inside the margin "
            f"<b>{self._of_strangers(self.excused):.1%}</b>; mean loss "
            f"<b>{self.loss:.3f}</b> nats; outputs without a gradient "
            f"<b>{self.dead:.1%}</b>, divergences below 0 <b>{self.negative:.1%}</b>"
        )


def push(p, q, same, margin=1.0, directions="each", clip=False):
    """Find the pairs that the KL-hinge loss still pushes.

    Parameters
    ----------
    p, q : array_like
        Outputs for the first and for the second of each pair, shape (pairs, units):
        rows that sum to 1, or with `clip` anything.
    same : array_like of bool
        Whether a pair is of one speaker, shape (pairs,) or (pairs, 1).
    margin : float
        How far strangers are pushed apart, in nats.
    directions : {"one", "summed", "each"}
        What meets the margin: KL(p, q); both directions added; or each of them, as
        in the paper (Hsu and Kira, 2016).
    clip : bool
        Clip outputs to [1e-7, 1] before the logarithm, as the source program does
        to outputs that are no distribution (FAULTS S6).

    Returns
    -------
    Push
        Shares and mean loss.

    Raises
    ------
    ArgumentError
        If shapes do not fit, one kind of pair is missing, rows are no distributions
        and not to be clipped, or the loss has no such setting.

    Examples
    --------
    Two strangers, 0.51 nats apart on the way there, 0.37 on the way back:

    >>> p, q = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.5, 0.5]]
    >>> found = push(p, q, [False, True], margin=0.5)
    >>> found.active_there, found.active_back
    (0.0, 1.0)
    >>> push(p, q, [False, True], margin=0.5, directions="summed").active
    0.0
    """
    _hinge.check(margin, directions)
    p, q, same = _checked(p, q, same, clip)
    p_in, q_in = (_hinge.clipped(x) if clip else x for x in (p, q))
    there, back = kl(p_in, q_in), kl(q_in, p_in)
    d = _hinge.measured(there, back, directions)
    cost = np.where(same[:, None], d, np.maximum(margin - d, 0.0))
    return Push(
        margin=float(margin),
        directions=directions,
        clip=bool(clip),
        loss=float(np.mean(np.sum(cost, axis=-1))),
        dead=float(np.mean(_hinge.deaf(np.stack([p, q])))) if clip else 0.0,
        # Rows of float32 sum to 1 but for a few in 10 million.
        negative=float(np.mean(np.stack([there, back]) < -1e-6)),
        same=same,
        there=there,
        back=back,
        distances=d,
    )


def _checked(p, q, same, clip):
    """Give back outputs as float64 and labels as bool, shape (pairs,)."""
    p, q = (np.asarray(x, dtype=float) for x in (p, q))
    same = np.asarray(same)
    if (
        p.ndim != 2
        or p.shape != q.shape
        or same.shape not in (p.shape[:1], (len(p), 1))
    ):
        raise ArgumentError(
            "p and q must have shape (pairs, units) and same (pairs,) or (pairs, 1); "
            f"got {p.shape}, {q.shape} and {same.shape}"
        )
    same = same.reshape(-1).astype(bool)
    if same.all() or not same.any():
        raise ArgumentError(
            f"pairs of both kinds are needed; got {np.count_nonzero(same)} of the same "
            f"speaker and {np.count_nonzero(~same)} of different speakers"
        )
    rows = np.concatenate([p, q])
    if not np.isfinite(rows).all():
        raise ArgumentError(
            f"outputs must be finite; {np.count_nonzero(~np.isfinite(rows))} of "
            f"{rows.size} are not"
        )
    if not clip and (rows.min() < 0 or np.abs(rows.sum(axis=1) - 1).max() > 1e-3):
        sums = rows.sum(axis=1)
        raise ArgumentError(
            "a divergence compares distributions: outputs of 0 or more, in rows that "
            f"sum to 1; got outputs from {rows.min():.3g} and sums from "
            f"{sums.min():.3g} to {sums.max():.3g}. Take a softmax, or clip=True to "
            "see what comes of it."
        )
    return p, q, same
