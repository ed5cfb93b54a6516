"""How good scores and clusters are; NumPy in, numbers out.

Scores are similarities: higher means more alike. `same` says for each score whether
both recordings are of one speaker.

- `pair_scores`: cosines of all pairs of embeddings.
- `eer`, `auc`, `min_dcf`, `det_curve`: of scores.
- `best_threshold`, `accuracy_at`: a decision.
- `verify`: all of it, with bootstrap intervals; `Verification`, `Estimate`.
- `misclassification_rate`: of clusters.
- `phone_error_rate`, `phone_confusion`: of transcriptions.

Notebook: 06_accuracy_on_distances.
"""

import dataclasses

import numpy as np

from .errors import ArgumentError

__all__ = [
    "Estimate",
    "Verification",
    "accuracy_at",
    "auc",
    "best_threshold",
    "det_curve",
    "eer",
    "min_dcf",
    "misclassification_rate",
    "pair_scores",
    "phone_confusion",
    "phone_error_rate",
    "verify",
]


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
    eer, auc, threshold, minDCF : Estimate
        Equal error rate, area under the ROC, the cosine where both errors are
        equally frequent, and the least detection cost.
    n_same, n_different : int
        Number of pairs of the same speaker, and of different ones.
    """

    eer: Estimate
    auc: Estimate
    threshold: Estimate
    minDCF: Estimate  # the field's own name
    n_same: int
    n_different: int

    def as_dict(self):
        """Return plain numbers, for JSON.

        Returns
        -------
        dict
            For each estimate its value, low and high; and the numbers of pairs.
        """
        names = ("eer", "auc", "threshold", "minDCF")
        figures = {name: getattr(self, name) for name in names}
        return {
            **{
                name: {"value": float(x), "low": x.low, "high": x.high}
                for name, x in figures.items()
            },
            "n_same": self.n_same,
            "n_different": self.n_different,
        }


def _checked(scores, same):
    scores = np.asarray(scores, dtype=np.float64)
    same = np.asarray(same).astype(bool)
    if scores.ndim != 1 or scores.shape != same.shape:
        raise ArgumentError(
            "scores and same must both have shape (pairs,); got "
            f"{scores.shape} and {same.shape}"
        )
    bad = np.count_nonzero(~np.isfinite(scores))
    if bad:
        raise ArgumentError(
            f"scores must be finite; {bad} of {len(scores)} are not. "
            "Look for NaN in the embeddings."
        )
    if same.all() or not same.any():
        kind = "the same speaker" if same.any() else "different speakers"
        raise ArgumentError(
            "error rates need pairs of the same and of different speakers; all "
            f"{len(same)} pairs are of {kind}"
        )
    return scores, same


class _Curve:
    """Error rates at each threshold, from one sort of the scores.

    With weights on the pairs, it is computed again without sorting again.
    """

    def __init__(self, scores, same):
        order = np.argsort(-scores, kind="stable")
        self.order = order
        self.same = same[order]
        scores = scores[order]
        # Scores that are tied are accepted together: a threshold lies between
        # different ones only.
        self.last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
        self.thresholds = np.concatenate(([np.inf], scores[self.last]))

    def rates(self, weights=None):
        """Return false accepts and rejects, from "accept none" to "accept all"."""
        if weights is None:
            weights = np.ones(len(self.order))
        weights = weights[self.order]
        hits = np.cumsum(np.where(self.same, weights, 0.0))[self.last]
        false = np.cumsum(np.where(self.same, 0.0, weights))[self.last]
        return (
            np.concatenate(([0.0], false / false[-1])),
            np.concatenate(([1.0], 1.0 - hits / hits[-1])),
        )


def _crossing(accepts, rejects):
    """Where false accepts equal false rejects: index before it, share, and rate."""
    # The difference rises from -1 to 1; on its way it passes 0.
    difference = accepts - rejects
    i = int(np.searchsorted(difference, 0.0, side="left"))
    before, after = difference[i - 1], difference[i]
    share = -before / (after - before)
    rate = accepts[i - 1] + share * (accepts[i] - accepts[i - 1])
    return i, share, float(np.clip(rate, 0.0, 1.0))


def _threshold(thresholds, i, share):
    """Interpolate as the rates were; the first threshold is infinite."""
    low = thresholds[i]
    return float(
        low if i < 2 else thresholds[i - 1] + share * (low - thresholds[i - 1])
    )


def _area(accepts, rejects):
    return float(np.trapezoid(1.0 - rejects, accepts))


def _least_cost(accepts, rejects, p_target=0.01, c_miss=1.0, c_fa=1.0):
    cost = c_miss * p_target * rejects + c_fa * (1.0 - p_target) * accepts
    # Normalised by the cost of a system that always says the same.
    return float(cost.min() / min(c_miss * p_target, c_fa * (1.0 - p_target)))


def det_curve(scores, same):
    """Error rates at each threshold (Martin et al., 1997).

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).

    Returns
    -------
    false_accepts, false_rejects, thresholds : numpy.ndarray
        Shape (thresholds,); pairs with a score of at least the threshold are
        accepted. The first threshold is infinite and accepts none.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.
    """
    curve = _Curve(*_checked(scores, same))
    return *curve.rates(), curve.thresholds


def eer(scores, same):
    """Equal error rate, interpolated on the ROC.

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).

    Returns
    -------
    float
        Share of wrong answers where false accepts are as frequent as false
        rejects: 0 is perfect, 0.5 is guessing, 1 is perfectly wrong.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.

    Examples
    --------
    >>> eer([0.9, 0.8, 0.3, 0.1], [True, True, False, False])
    0.0
    >>> eer([0.9, 0.2, 0.3, 0.1], [True, True, False, False])
    0.5
    """
    curve = _Curve(*_checked(scores, same))
    return _crossing(*curve.rates())[2]


def auc(scores, same):
    """Area under the ROC: how often a same pair scores above a different one.

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).

    Returns
    -------
    float
        1 is perfect, 0.5 is guessing; ties count half.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.

    Examples
    --------
    >>> auc([0.9, 0.2, 0.3, 0.1], [True, True, False, False])
    0.75
    """
    return _area(*_Curve(*_checked(scores, same)).rates())


def min_dcf(scores, same, p_target=0.01, c_miss=1.0, c_fa=1.0):
    """Least normalised detection cost (NIST speaker recognition evaluations).

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).
    p_target : float
        How often both are the same speaker where the system is used.
    c_miss, c_fa : float
        Cost of a false reject, and of a false accept.

    Returns
    -------
    float
        0 is perfect; 1 is what saying "different" always costs.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.
    """
    accepts, rejects = _Curve(*_checked(scores, same)).rates()
    return _least_cost(accepts, rejects, p_target, c_miss, c_fa)


def best_threshold(scores, same, criterion="eer"):
    """Choose a threshold, on data other than those it is then used on.

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).
    criterion : {"eer", "accuracy"}
        Equal errors, or the fewest.

    Returns
    -------
    float
        Pairs with at least this score are taken for the same speaker.

    Raises
    ------
    ArgumentError
        If the criterion is unknown, or as for `eer`.
    """
    scores, same = _checked(scores, same)
    curve = _Curve(scores, same)
    accepts, rejects = curve.rates()
    if criterion == "eer":
        i, share, _ = _crossing(accepts, rejects)
        return _threshold(curve.thresholds, i, share)
    if criterion == "accuracy":
        n_same = np.count_nonzero(same)
        wrong = accepts * (len(same) - n_same) + rejects * n_same
        return float(curve.thresholds[np.argmin(wrong)])
    raise ArgumentError(f'criterion must be "eer" or "accuracy"; got {criterion!r}')


def accuracy_at(scores, same, threshold):
    """Share of pairs that a threshold decides rightly.

    Parameters
    ----------
    scores : array_like
        Similarities, shape (pairs,).
    same : array_like of bool
        Shape (pairs,).
    threshold : float
        Pairs with at least this score are taken for the same speaker.

    Returns
    -------
    float
        From 0 to 1. Depends on how many pairs of each kind there are.

    Examples
    --------
    >>> accuracy_at([0.9, 0.2, 0.3, 0.1], [True, True, False, False], 0.25)
    0.5
    """
    accepted = np.asarray(scores) >= threshold
    return float(np.mean(accepted == np.asarray(same).astype(bool)))


def _embeddings(embeddings, labels, name):
    embeddings = np.asarray(embeddings, dtype=np.float64)
    labels = np.asarray(labels)
    if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1]:
        raise ArgumentError(
            f"embeddings must have shape (utterances, dim) and {name} (utterances,); "
            f"got {embeddings.shape} and {labels.shape}"
        )
    length = np.linalg.norm(embeddings, axis=1)
    if not np.isfinite(length).all():
        bad = np.flatnonzero(~np.isfinite(length))
        raise ArgumentError(
            f"embeddings must be finite; {len(bad)} of {len(length)} rows are not, "
            f"the first is row {bad[0]}"
        )
    if not length.all():
        raise ArgumentError(
            "embeddings must not be 0, which has no direction; row "
            f"{np.flatnonzero(length == 0)[0]} is. A dead layer does this."
        )
    return embeddings / length[:, None], labels


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
    unit, speakers = _embeddings(embeddings, speakers, "speakers")
    i, j = np.triu_indices(len(unit), k=1)
    return (unit @ unit.T)[i, j], speakers[i] == speakers[j]


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
        `eer`, `auc`, `threshold`, `minDCF`, each an `Estimate`.

    Raises
    ------
    ArgumentError
        If shapes do not fit, an embedding is not finite or 0, or there are no
        pairs of the same or of different speakers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> centres = rng.normal(size=(10, 16)).repeat(5, axis=0)
    >>> speakers = np.arange(10).repeat(5)
    >>> result = verify(centres + rng.normal(size=(50, 16)), speakers)
    >>> result.eer.low <= result.eer <= result.eer.high
    True
    """
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence must lie between 0 and 1; got {confidence}")
    unit, speakers = _embeddings(embeddings, speakers, "speakers")
    i, j = np.triu_indices(len(unit), k=1)
    scores = (unit @ unit.T)[i, j]
    names, ids = np.unique(speakers, return_inverse=True)
    a, b = ids[i], ids[j]
    if sessions is not None:
        sessions = np.asarray(sessions)
        if sessions.shape != speakers.shape:
            raise ArgumentError(
                f"sessions must have shape {speakers.shape}; got {sessions.shape}"
            )
        across = sessions[i] != sessions[j]
        scores, a, b = scores[across], a[across], b[across]
    scores, same = _checked(scores, a == b)
    curve = _Curve(scores, same)

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


def misclassification_rate(speakers, clusters):
    """Share of utterances in the wrong cluster (Kotti, Moschou and Kotropoulos, 2008).

    Each cluster is given one speaker and each speaker one cluster, so that as many
    utterances as possible are right; the others are wrong.

    Parameters
    ----------
    speakers, clusters : array_like
        Labels of any kind, shape (utterances,).

    Returns
    -------
    float
        0 is perfect.

    Raises
    ------
    ArgumentError
        If shapes differ or are empty.

    Examples
    --------
    >>> misclassification_rate(["anna", "anna", "ben", "ben"], [1, 1, 0, 1])
    0.25
    """
    from scipy.optimize import linear_sum_assignment

    speakers, clusters = np.asarray(speakers), np.asarray(clusters)
    if speakers.ndim != 1 or speakers.shape != clusters.shape or not len(speakers):
        raise ArgumentError(
            "speakers and clusters must both have shape (utterances,); got "
            f"{speakers.shape} and {clusters.shape}"
        )
    _, row = np.unique(speakers, return_inverse=True)
    _, column = np.unique(clusters, return_inverse=True)
    together = np.zeros((row.max() + 1, column.max() + 1), dtype=int)
    np.add.at(together, (row, column), 1)
    best = together[linear_sum_assignment(together, maximize=True)].sum()
    return float(1.0 - best / len(speakers))


def _transcriptions(truth, found):
    truth, found = [list(t) for t in truth], [list(f) for f in found]
    if len(truth) != len(found):
        raise ArgumentError(
            "there must be a transcription for each utterance; got "
            f"{len(truth)} true ones and {len(found)} found ones"
        )
    if not any(truth):
        raise ArgumentError("the true transcriptions are empty: nothing to compare")
    return truth, found


def phone_error_rate(truth, found):
    """Edit distance of transcriptions, per true phone (Levenshtein, 1966).

    Parameters
    ----------
    truth, found : sequence of sequence of str
        Phones of each utterance.

    Returns
    -------
    float
        Substitutions, insertions and deletions over all utterances, divided by
        the number of true phones. 0 is perfect; saying nothing gives 1, and saying
        too much more than that.

    Raises
    ------
    ArgumentError
        If there are not as many of each, or no true phone at all.

    Examples
    --------
    >>> phone_error_rate([["h", "a", "l", "o"]], [["h", "e", "l"]])
    0.5
    """
    from rapidfuzz.distance import Levenshtein

    truth, found = _transcriptions(truth, found)
    wrong = sum(Levenshtein.distance(t, f) for t, f in zip(truth, found, strict=True))
    return wrong / sum(map(len, truth))


def phone_confusion(truth, found):
    """Count which phone was taken for which.

    Parameters
    ----------
    truth, found : sequence of sequence of str
        Phones of each utterance.

    Returns
    -------
    pandas.DataFrame
        Counts; a row for each true phone, a column for each found one. Insertions
        are in the row "", deletions in the column "".

    Raises
    ------
    ArgumentError
        As for `phone_error_rate`.

    Examples
    --------
    >>> counts = phone_confusion([["a", "b"]], [["a", "c", "c"]])
    >>> int(counts.loc["a", "a"]), int(counts.loc[["", "b"], "c"].sum())
    (1, 2)
    """
    import pandas as pd
    from rapidfuzz.distance import Levenshtein

    truth, found = _transcriptions(truth, found)
    pairs: list[tuple[str, str]] = []
    for t, f in zip(truth, found, strict=True):
        for step in Levenshtein.opcodes(t, f):
            t_part = t[step.src_start : step.src_end]
            f_part = f[step.dest_start : step.dest_end]
            n = max(len(t_part), len(f_part))
            pairs += zip(t_part or [""] * n, f_part or [""] * n, strict=True)
    rows, columns = zip(*pairs, strict=True)
    return pd.crosstab(pd.Series(rows, name="truth"), pd.Series(columns, name="found"))
