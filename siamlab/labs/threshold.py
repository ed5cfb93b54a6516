"""The threshold lab (notebook 08): error rates at a decision threshold."""

import dataclasses

import numpy as np
import traitlets
from scipy.special import ndtri

from .. import metrics
from ..metrics._validation import check_scores
from ..plots.speaker_plots import score_range
from ._view import Lab

N_STEPS = 400  # of the threshold in the view


@dataclasses.dataclass(frozen=True)
class Decision:
    """Error rates of a decision threshold.

    Parameters
    ----------
    threshold : float
        Pairs whose score is at least as high are accepted.
    accuracy : float
        Share of correct decisions.
    false_accepts, false_rejects : float
        Share of the pairs labeled 0 that are accepted, and of those labeled 1 that
        are not.
    positive_share : float
        Share of the pairs that are labeled 1.
    """

    threshold: float
    accuracy: float
    false_accepts: float
    false_rejects: float
    positive_share: float

    def __str__(self):
        """Summarize in one line."""
        most_frequent = max(self.positive_share, 1 - self.positive_share)
        return (
            f"threshold {self.threshold:.3f}: false accepts {self.false_accepts:.1%}, "
            f"false rejects {self.false_rejects:.1%}, accuracy {self.accuracy:.1%} "
            f"(always the more frequent label: {most_frequent:.1%})"
        )


def decide(y_true, y_score, threshold, flipped=False):
    """Accept the pairs whose score is at least the threshold.

    Parameters
    ----------
    y_true : array_like of bool
        1 for the same speaker, shape (pairs,).
    y_score : array_like
        Similarities, shape (pairs,).
    threshold : float
        In the scores' units.
    flipped : bool
        Use 1 as the label of different-speaker pairs, while a high score still means
        "same": labels and scores contradict each other (docs/doctor.md#s3).

    Returns
    -------
    Decision
        The error rates.

    Examples
    --------
    >>> decide([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1], 0.5).accuracy
    0.5
    >>> decide([1, 0], [0.9, 0.1], 0.5, flipped=True).accuracy
    0.0
    """
    labels = np.asarray(y_true, dtype=bool) ^ flipped
    accepted = np.asarray(y_score, dtype=float) >= threshold
    return Decision(
        float(threshold),
        float(np.mean(accepted == labels)),
        float(np.mean(accepted[~labels])),
        float(np.mean(~accepted[labels])),
        float(np.mean(labels)),
    )


class ThresholdLab(Lab):
    """Drag a decision threshold over the scores of pairs.

    Parameters
    ----------
    y_true : array_like of bool
        1 for the same speaker, shape (pairs,), as from `metrics.pair_scores`.
    y_score : array_like
        Similarities, shape (pairs,). They are rounded to single precision.

    Attributes
    ----------
    threshold : float
        From just below the lowest to just above the highest score; other values are
        moved to the nearer end. At first, where the error rates are equal.
    flipped : bool
        Whether 1 labels different-speaker pairs.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.

    Examples
    --------
    >>> lab = ThresholdLab([1, 1, 0, 0], [0.9, 0.8, 0.3, 0.1])
    >>> lab.threshold = 0.5
    >>> lab.result.accuracy
    1.0
    """

    threshold = traitlets.Float().tag(sync=True, control=True)
    flipped = traitlets.Bool(False).tag(sync=True, control=True)

    def __init__(self, y_true, y_score):
        same, scores = check_scores(y_true, y_score)
        # The view has the scores in single precision; both must count the same pairs.
        scores = scores.astype(np.float32).astype(float)
        self._pairs = same, scores
        low, high = score_range(scores)
        pad = 0.02 * (high - low)
        # Room to accept all pairs, and to reject all.
        self._domain = [low - pad, high + pad]
        self.threshold = metrics.best_threshold(same, scores)  # equal error rates
        kinds = {"same": np.sort(scores[same]), "different": np.sort(scores[~same])}
        grid = np.linspace(low - pad, high + pad, N_STEPS + 1)
        below = {k: np.searchsorted(x, grid) / len(x) for k, x in kinds.items()}
        rates = np.clip([1 - below["different"], below["same"]], 0.001, 0.999)
        super().__init__(domain=self._domain, deviates=ndtri(rates), **kinds)

    @traitlets.validate("threshold")
    def _within_the_axis(self, proposal):
        return float(np.clip(proposal["value"], *self._domain))

    def _compute(self, threshold, flipped):
        """Compute the error rates; see `decide`."""
        return decide(*self._pairs, threshold, flipped)
