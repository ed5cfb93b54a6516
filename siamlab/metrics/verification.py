"""Scores of pairs of utterances, and all verification metrics with intervals."""

import dataclasses

import numpy as np

from ..distances import normalize
from ..errors import ArgumentError
from ._validation import check_embeddings, check_labels, check_scores
from .error_rates import ErrorCurve, area, find_crossing, minimum_cost

# Trials that are scored at a time; lists of VoxCeleb contain half a million.
_BLOCK = 65536
# With two speakers, every resample that has both kinds of pairs contains both.
_MIN_SPEAKERS = 3


def pair_scores(embeddings, speakers, similarity=None):
    """Compute the similarities of all pairs of utterances.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).
    similarity : callable, optional
        Maps embeddings (utterances, dim) to similarities (utterances, utterances). By
        default they are cosines. If the network was trained with another distance,
        pass its negative: ``lambda y: -siamlab.distances.pairwise_euclidean(y)``.

    Returns
    -------
    y_true : numpy.ndarray of bool
        Whether both utterances are from the same speaker, shape
        (utterances * (utterances - 1) / 2,).
    y_score : numpy.ndarray
        Similarities, same shape, for `eer` and the other metrics.

    Raises
    ------
    ArgumentError
        If shapes do not match, or an embedding is not finite or all zeros.

    Examples
    --------
    >>> y_true, y_score = pair_scores(np.eye(3), ["anna", "anna", "ben"])
    >>> y_true.tolist(), y_score.tolist()
    ([True, False, False], [0.0, 0.0, 0.0])
    """
    speakers, i, j, y_score = _all_pairs(embeddings, speakers, similarity)
    return speakers[i] == speakers[j], y_score


def trial_scores(embeddings, first, second):
    """Compute the cosine similarities of the pairs in a trial list.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    first, second : array_like of int
        Rows of `embeddings` to compare, shape (trials,), as returned by
        `corpora.voxceleb_trials`.

    Returns
    -------
    numpy.ndarray
        Shape (trials,), for the argument `y_score` of `eer` and the other metrics.

    Raises
    ------
    ArgumentError
        If shapes do not match, a row does not exist, or an embedding is not finite
        or all zeros.

    Examples
    --------
    >>> trial_scores([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]], [0, 0], [1, 2]).tolist()
    [0.0, 1.0]
    """
    unit = normalize(check_embeddings(embeddings))
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 1 or first.shape != second.shape:
        raise ArgumentError(
            "first and second must both have shape (trials,); got "
            f"{first.shape} and {second.shape}"
        )
    rows = np.concatenate([first, second])
    outside = rows[(rows < 0) | (rows >= len(unit))]
    if len(outside):
        raise ArgumentError(
            f"trials must refer to rows from 0 to {len(unit) - 1}; got {outside[0]}"
        )
    scores = np.empty(len(first))
    for start in range(0, len(first), _BLOCK):
        block = slice(start, start + _BLOCK)
        scores[block] = np.einsum("td,td->t", unit[first[block]], unit[second[block]])
    return scores


def _all_pairs(embeddings, speakers, similarity):
    """Return the checked speakers, the two rows of each pair, and the pairs' scores."""
    if similarity is None:
        unit = normalize(check_embeddings(embeddings))
        scores = unit @ unit.T
    else:
        scores = np.asarray(similarity(np.asarray(embeddings)))
    n = len(scores)
    speakers = check_labels(speakers, n, "speakers")
    if n_empty := np.count_nonzero(speakers.astype(str) == ""):
        raise ArgumentError(f"{n_empty} of {n} speakers are empty; leave them out")
    i, j = np.triu_indices(n, k=1)
    return speakers, i, j, scores[i, j]


def verify(
    embeddings, speakers, *, sessions=None, similarity=None, n_resamples=200, seed=0
):
    """Compute error rates over all pairs of utterances, with confidence intervals.

    The intervals have a confidence level of 95 %. They come from a bootstrap over
    speakers, not over pairs: each resample draws speakers with replacement, and all
    pairs of a speaker stay together (Bengio and Mariethoz, 2004). An utterance is never
    compared with itself, even if its speaker was drawn twice.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).
    sessions : array_like, optional
        Shape (utterances,). Pairs within one session are left out, because they
        share the room and the microphone in addition to the speaker.
    similarity : callable, optional
        As for `pair_scores`; cosines by default.
    n_resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    Verification
        `eer`, `auc`, `threshold`, `min_dcf`, each an `Estimate`. With two speakers, the
        ends of the intervals are NaN: all resamples would be the same.

    Raises
    ------
    ArgumentError
        If shapes do not match, an embedding is not finite or all zeros, or there are
        no pairs of the same or of different speakers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> centers = rng.normal(size=(10, 16)).repeat(5, axis=0)
    >>> speakers = np.arange(10).repeat(5)
    >>> result = verify(centers + rng.normal(size=(50, 16)), speakers)
    >>> result.eer.low <= result.eer <= result.eer.high
    True
    """
    if n_resamples < 1:
        raise ArgumentError(f"n_resamples must be at least 1; got {n_resamples}")
    speakers, i, j, y_score = _all_pairs(embeddings, speakers, similarity)
    names, ids = np.unique(speakers, return_inverse=True)
    ids = ids.astype(np.int32)
    a, b = ids[i], ids[j]
    if sessions is not None:
        sessions = check_labels(sessions, len(speakers), "sessions")
        across = sessions[i] != sessions[j]
        y_score, a, b = y_score[across], a[across], b[across]
    del i, j  # each is as large as all scores
    curve = ErrorCurve(*check_scores(a == b, y_score))
    # Everything in the order of the curve, so that weights need no sorting.
    a, b, y_true = a[curve.order], b[curve.order], curve.y_true
    del y_score

    def statistics(weights=None):
        fpr, fnr = curve.rates(weights)
        eer, threshold = find_crossing(fpr, fnr, curve.thresholds)
        return eer, area(fpr, fnr), threshold, minimum_cost(fpr, fnr)

    rng = np.random.default_rng(seed)
    resampled: list[tuple[float, float, float, float]] = []
    while len(resampled) < n_resamples:
        drawn = rng.integers(len(names), size=len(names))
        counts = np.bincount(drawn, minlength=len(names))
        weights = np.where(y_true, counts[a], counts[a] * counts[b]).astype(float)
        # With few speakers a resample may contain pairs of one kind only: draw again.
        if weights[y_true].any() and weights[~y_true].any():
            resampled.append(statistics(weights))
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    if len(names) < _MIN_SPEAKERS:
        low, high = np.full((2, 4), np.nan)
    eer, auc, threshold, min_dcf = (
        Estimate(value, np.minimum(value, a), np.maximum(value, b))
        for value, a, b in zip(statistics(), low, high, strict=True)
    )
    n_same = int(np.count_nonzero(y_true))
    n_different = len(y_true) - n_same
    return Verification(eer, auc, threshold, min_dcf, n_same, n_different)


class Estimate(float):
    """A number with a confidence interval, whose confidence level is 95 %.

    Parameters
    ----------
    value : float
        The number. An `Estimate` is a float and can be used as one.
    low, high : float
        Ends of the interval.

    Examples
    --------
    >>> Estimate(0.031, 0.021, 0.043)
    0.031 [0.021, 0.043]
    """

    low: float
    high: float

    def __new__(cls, value, low, high):
        """Create the float and attach its interval."""
        self = super().__new__(cls, value)
        self.low, self.high = float(low), float(high)
        return self

    def __getnewargs__(self):
        return float(self), self.low, self.high

    def __repr__(self):
        return f"{float(self):.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclasses.dataclass(frozen=True)
class Verification:
    """Results of `verify`.

    Parameters
    ----------
    eer, auc, threshold, min_dcf : Estimate
        Equal error rate, area under the ROC curve, similarity at which both error
        rates are equal, and minimum detection cost.
    n_same, n_different : int
        Number of same-speaker and of different-speaker pairs.
    """

    eer: Estimate
    auc: Estimate
    threshold: Estimate
    min_dcf: Estimate
    n_same: int
    n_different: int

    def as_dict(self):
        """Return plain numbers, for JSON.

        Returns
        -------
        dict
            The value, low and high of each estimate, and the numbers of pairs. None in
            place of NaN.
        """

        def plain(field):
            if not isinstance(field, Estimate):
                return field
            low, high = (None if np.isnan(x) else x for x in (field.low, field.high))
            return {"value": float(field), "low": low, "high": high}

        return {name: plain(field) for name, field in vars(self).items()}
