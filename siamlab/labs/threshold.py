"""The threshold lab (notebook 08): error rates at a decision threshold."""

import dataclasses

import ipywidgets
import numpy as np
from scipy.stats import norm

from .. import metrics, plots
from ..metrics._validation import check_scores
from ..plots.speaker_plots import score_range
from ._base import Lab, Picture


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
    flipped : bool
        Whether 1 labels different-speaker pairs.
    """

    threshold: float
    accuracy: float
    false_accepts: float
    false_rejects: float
    positive_share: float
    flipped: bool

    def __str__(self):
        """Summarize in one line of HTML."""
        most_frequent = max(self.positive_share, 1 - self.positive_share)
        return (
            f"threshold <b>{self.threshold:.3f}</b>: "
            f"false accepts <b>{self.false_accepts:.1%}</b>, "
            f"false rejects <b>{self.false_rejects:.1%}</b>, "
            f"accuracy <b>{self.accuracy:.1%}</b> "
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
    accepted = np.asarray(y_score) >= threshold
    return Decision(
        float(threshold),
        float(np.mean(accepted == labels)),
        float(np.mean(accepted[~labels])),
        float(np.mean(~accepted[labels])),
        float(np.mean(labels)),
        bool(flipped),
    )


class _ThresholdPicture(Picture):
    """Two histograms, the DET curve, and the accuracy at each threshold."""

    def __init__(self, y_true, y_score):
        self._y_true, self._y_score = np.asarray(y_true, bool), np.asarray(y_score)
        super().__init__((11, 3.4), "abc", width_ratios=(1.3, 1, 1.1))

    def prepare(self):
        """Draw histograms and axes, and create the artists that move."""
        histogram, det, accuracy = self.axes
        plots.score_histogram(self._y_true, self._y_score, threshold=0.0, ax=histogram)
        histogram.set_title("scores of the pairs")
        self._line = histogram.lines[-1]
        plots.det_curve(self._y_true, self._y_score, ax=det)
        self._curve, self._eer = det.lines
        self._eer_text = det.texts[0]
        self._points = self._curve.get_data()
        # Symmetric around chance, to have room for flipped labels.
        self._end = -det.get_xlim()[0]
        det.tick_params(axis="x", labelrotation=90)
        det.set(xlim=(-self._end, self._end), ylim=(-self._end, self._end))
        det.set_title("DET curve: all thresholds")
        self._point = det.plot([], [], "s", color="black", markersize=8)[0]
        accepts, rejects, thresholds = metrics.det_curve(self._y_true, self._y_score)
        share = np.mean(self._y_true)
        right = share * (1 - rejects) + (1 - share) * (1 - accepts)
        self._right = thresholds[1:], right[1:]
        self._accuracy = accuracy.plot(*self._right)[0]
        self._height = accuracy.plot([], [], "s", color="black", markersize=8)[0]
        accuracy.axhline(max(share, 1 - share), color="0.5", linestyle=":")
        accuracy.set(xlabel="threshold (cosine)", ylabel="accuracy", ylim=(0, 1.02))
        accuracy.set_title("accuracy (dotted: constant answer)")
        curves = (self._curve, self._eer, self._eer_text, self._accuracy)
        return (*curves, self._line, self._point, self._height)

    def draw(self, result):
        """Move the line and the points."""
        self._line.set_xdata([result.threshold] * 2)
        errors = np.array([result.false_accepts, result.false_rejects])
        with np.errstate(divide="ignore"):
            x, y = np.clip(norm.ppf(errors), -self._end, self._end)
        self._point.set_data([x], [y])
        x, y = self._points
        # With flipped labels, each error rate is one minus the other one.
        self._curve.set_data(*((-y, -x) if result.flipped else (x, y)))
        for artist in (self._eer, self._eer_text):
            artist.set_visible(not result.flipped)
        thresholds, right = self._right
        self._accuracy.set_data(thresholds, 1 - right if result.flipped else right)
        self._height.set_data([result.threshold], [result.accuracy])


class ThresholdLab(Lab):
    """Move a decision threshold over the scores of pairs.

    Parameters
    ----------
    y_true : array_like of bool
        1 for the same speaker, shape (pairs,), as from `metrics.pair_scores`.
    y_score : array_like
        Similarities, shape (pairs,).

    Attributes
    ----------
    threshold : ipywidgets.FloatSlider
        From the lowest to the highest score.
    flipped : ipywidgets.ToggleButtons
        Which pairs are labeled 1.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.

    Examples
    --------
    >>> lab = ThresholdLab([1, 1, 0, 0], [0.9, 0.8, 0.3, 0.1])
    >>> lab.threshold.value = 0.5
    >>> lab.result.accuracy
    1.0
    """

    def __init__(self, y_true, y_score):
        y_true, y_score = check_scores(y_true, y_score)
        best = metrics.best_threshold(y_true, y_score)
        picture = _ThresholdPicture(y_true, y_score)
        low, high = score_range(y_score)
        step = (high - low) / 200
        first = low + step * round((best - low) / step)
        controls = {
            "threshold": ipywidgets.FloatSlider(
                first,
                min=low,
                max=high,
                step=step,
                description="threshold",
                readout_format=".3f",
            ),
            "flipped": ipywidgets.ToggleButtons(
                options=[("same speaker", False), ("different", True)],
                description="label 1 means",
            ),
        }
        super().__init__(
            controls,
            lambda threshold, flipped: decide(y_true, y_score, threshold, flipped),
            picture,
            "find the threshold with equal error rates, then the one with the best "
            "accuracy: how many same-speaker pairs does it reject? Then flip the "
            "labels.",
        )
