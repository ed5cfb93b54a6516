"""All the figures of a set of embeddings, with their intervals."""

import dataclasses

import numpy as np

from ..errors import ArgumentError
from ._validation import check_embeddings, check_labels
from .scores import _area, _checked, _crossing, _Curve, _least_cost, _threshold


class Estimate(float):
    """A number with an interval.

    Parameters
    ----------
    value : float
        The number; an `Estimate` is one and computes as one.
    low, high : float
        Ends of the interval.
    confidence : float
        How often intervals made this way contain the truth.

    Examples
    --------
    >>> Estimate(0.031, 0.021, 0.043)
    0.031 [0.021, 0.043]
    """

    low: float
    high: float
    confidence: float

    def __new__(cls, value, low, high, confidence=0.95):
        """Make the float."""
        self = super().__new__(cls, value)
        self.low, self.high, self.confidence = float(low), float(high), confidence
        return self

    def __getnewargs__(self):
        return float(self), self.low, self.high, self.confidence

    def __repr__(self):
        return f"{float(self):.3f} [{self.low:.3f}, {self.high:.3f}]"

    __str__ = __repr__


@dataclasses.dataclass(frozen=True)
class Verification:
    """How well pairs of utterances are told apart; see `verify`.

    Parameters
    ----------
    eer, auc, threshold, min_dcf : Estimate
        Equal error rate, area under the ROC, the cosine where both errors are
        equally frequent, and the least detection cost.
    n_same, n_different : int
        Number of pairs of the same speaker, and of different ones.
    """

    eer: Estimate
    auc: Estimate
    threshold: Estimate
    min_dcf: Estimate  # the field's own name
    n_same: int
    n_different: int

    def as_dict(self):
        """Return plain numbers, for JSON.

        Returns
        -------
        dict
            For each estimate its value, low and high; and the numbers of pairs.
        """
        names = ("eer", "auc", "threshold", "min_dcf")
        figures = {name: getattr(self, name) for name in names}
        return {
            **{
                name: {"value": float(x), "low": x.low, "high": x.high}
                for name, x in figures.items()
            },
            "n_same": self.n_same,
            "n_different": self.n_different,
        }


def _unit_rows(embeddings):
    embeddings = check_embeddings(embeddings)
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def pair_scores(embeddings, speakers):
    """Score all pairs of utterances by the cosine of their embeddings.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).

    Returns
    -------
    scores : numpy.ndarray
        Shape (utterances * (utterances - 1) / 2,).
    same : numpy.ndarray of bool
        Same shape.

    Examples
    --------
    >>> scores, same = pair_scores(np.eye(3), ["anna", "anna", "ben"])
    >>> scores.tolist(), same.tolist()
    ([0.0, 0.0, 0.0], [True, False, False])
    """
    unit = _unit_rows(embeddings)
    speakers = check_labels(speakers, len(unit), "speakers")
    i, j = np.triu_indices(len(unit), k=1)
    return (unit @ unit.T)[i, j], speakers[i] == speakers[j]


_BLOCK = 65536  # trials at a time: lists of VoxCeleb have half a million


def trial_scores(embeddings, first, second):
    """Score trials of a list by the cosine of their embeddings.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    first, second : array_like of int
        Shape (trials,): rows of `embeddings` that are compared, as from
        `corpora.voxceleb_trials`.

    Returns
    -------
    numpy.ndarray
        Shape (trials,): for `eer`, `min_dcf` and the others.

    Raises
    ------
    ArgumentError
        If shapes do not fit, a row is not there, or an embedding is not finite or 0.

    Examples
    --------
    >>> trial_scores([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]], [0, 0], [1, 2]).tolist()
    [0.0, 1.0]
    """
    unit = _unit_rows(embeddings)
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 1 or first.shape != second.shape:
        raise ArgumentError(
            "first and second must both have shape (trials,); got "
            f"{first.shape} and {second.shape}"
        )
    for side in (first, second):
        outside = (side < 0) | (side >= len(unit))
        if outside.any():
            raise ArgumentError(
                f"trials must name rows from 0 to {len(unit) - 1}; "
                f"got {side[outside][0]}"
            )
    scores = np.empty(len(first))
    for start in range(0, len(first), _BLOCK):
        block = slice(start, start + _BLOCK)
        scores[block] = np.einsum("td,td->t", unit[first[block]], unit[second[block]])
    return scores


def verify(
    embeddings, speakers, *, sessions=None, confidence=0.95, resamples=200, seed=0
):
    """Compare all utterances with each other, and say how sure one can be.

    The interval comes from a bootstrap over speakers, not over pairs: each
    resample draws speakers with replacement, because the next exam will be held
    with other speakers, and the pairs of one speaker go together (Bengio and
    Mariethoz, 2004). A speaker drawn twice counts twice; he is never compared
    with his own copy as if he were another.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).
    sessions : array_like, optional
        Shape (utterances,). Pairs within one session are left out: they share
        the room as well as the speaker.
    confidence : float
        Of the intervals.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Of the resamples.

    Returns
    -------
    Verification
        `eer`, `auc`, `threshold`, `min_dcf`, each an `Estimate`.

    Raises
    ------
    ArgumentError
        If shapes do not fit, an embedding is not finite or 0, or there are no
        pairs of the same or of different speakers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> centers = rng.normal(size=(10, 16)).repeat(5, axis=0)
    >>> speakers = np.arange(10).repeat(5)
    >>> result = verify(centers + rng.normal(size=(50, 16)), speakers)
    >>> result.eer.low <= result.eer <= result.eer.high
    True
    """
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence must lie between 0 and 1; got {confidence}")
    unit = _unit_rows(embeddings)
    speakers = check_labels(speakers, len(unit), "speakers")
    i, j = np.triu_indices(len(unit), k=1)
    scores = (unit @ unit.T)[i, j]
    names, ids = np.unique(speakers, return_inverse=True)
    ids = ids.astype(np.int32)
    a, b = ids[i], ids[j]
    if sessions is not None:
        sessions = check_labels(sessions, len(unit), "sessions")
        across = sessions[i] != sessions[j]
        scores, a, b = scores[across], a[across], b[across]
    del i, j  # as large as all that follows
    scores, same = _checked(scores, a == b)
    curve = _Curve(scores, same)
    # Sorted once, here, rather than the weights of each resample.
    a, b, same = a[curve.order], b[curve.order], curve.same
    del scores

    def figures(weights=None):
        accepts, rejects = curve.rates(weights)
        i, share, rate = _crossing(accepts, rejects)
        return (
            rate,
            _area(accepts, rejects),
            _threshold(curve.thresholds, i, share),
            _least_cost(accepts, rejects),
        )

    rng = np.random.default_rng(seed)
    drawn: list[tuple[float, float, float, float]] = []
    while len(drawn) < resamples:
        counts = np.bincount(
            rng.integers(len(names), size=len(names)), minlength=len(names)
        )
        weights = np.where(same, counts[a], counts[a] * counts[b]).astype(float)
        # With few speakers a draw may hold one of them only: draw again.
        if weights[same].any() and weights[~same].any():
            drawn.append(figures(weights))
    tails = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tails, 1 - tails], axis=0)
    rate, area, threshold, cost = (
        Estimate(value, min(value, lo), max(value, hi), confidence)
        for value, lo, hi in zip(figures(), low, high, strict=True)
    )
    n_same = int(np.count_nonzero(same))
    return Verification(rate, area, threshold, cost, n_same, len(same) - n_same)
