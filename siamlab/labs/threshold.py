"""The threshold lab (notebook 06): what one number decides."""

import dataclasses

import ipywidgets
import numpy as np
from scipy.stats import norm

from .. import metrics, plots
from ._lab import Lab, Picture


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a threshold does to pairs.

    Parameters
    ----------
    threshold : float
        Pairs whose score is at least as high are accepted.
    accuracy : float
        Share of right answers.
    false_accepts, false_rejects : float
        Share of the pairs labeled 0 that are accepted, and of those labeled 1 that
        are not.
    ones : float
        Share of the pairs that are labeled 1.
    turned : bool
        Whether 1 is the label of different speakers.
    """

    threshold: float
    accuracy: float
    false_accepts: float
    false_rejects: float
    ones: float
    turned: bool

    def __str__(self):
        """One line of HTML."""
        return (
            f"threshold <b>{self.threshold:.3f}</b>: "
            f"false accepts <b>{self.false_accepts:.1%}</b>, "
            f"false rejects <b>{self.false_rejects:.1%}</b>, "
            f"accuracy <b>{self.accuracy:.1%}</b> "
            f"(always the commoner label: {max(self.ones, 1 - self.ones):.1%})"
        )


def decide(y_true, y_score, threshold, turned=False):
    """Accept the pairs whose score is at least the threshold.

    Parameters
    ----------
    y_true : array_like of bool
        1 for the same speaker, shape (pairs,).
    y_score : array_like
        Similarities, shape (pairs,).
    threshold : float
        In the scores' units.
    turned : bool
        Take 1 for the label of different speakers, while a high score still says
        "same": what becomes of a figure when labels and scores do not mean the same
        (FAULTS S3).

    Returns
    -------
    Decision
        Its error rates.

    Examples
    --------
    >>> decide([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1], 0.5).accuracy
    0.5
    >>> decide([1, 0], [0.9, 0.1], 0.5, turned=True).accuracy
    0.0
    """
    labels = np.asarray(y_true, dtype=bool) ^ turned
    accepted = np.asarray(y_score) >= threshold
    return Decision(
        float(threshold),
        float(np.mean(accepted == labels)),
        float(np.mean(accepted[~labels])),
        float(np.mean(~accepted[labels])),
        float(np.mean(labels)),
        bool(turned),
    )


class _ThresholdPicture(Picture):
    """Two histograms, the DET curve, and the accuracy at each threshold."""

    def __init__(self, y_true, y_score):
        self._y_true, self._y_score = np.asarray(y_true, bool), np.asarray(y_score)
        super().__init__((11, 3.4), ncols=3, width_ratios=(1.3, 1, 1.1))

    def prepare(self):
        """Draw histograms, axes, and what the labels cannot turn."""
        histogram, det, accuracy = self.axes
        plots.score_histogram(self._y_true, self._y_score, threshold=0.0, ax=histogram)
        histogram.set_title("where the pairs are")
        self._line = histogram.lines[-1]
        plots.det_curve(self._y_true, self._y_score, ax=det)
        self._curve, self._eer = det.lines
        self._eer_text = det.texts[0]
        self._points = self._curve.get_data()
        # As far beyond guessing as before it, for labels that are turned round.
        self._end = -det.get_xlim()[0]
        ticks = np.array([0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999])
        names = [f"{100 * tick:g}" for tick in ticks]
        det.set_xticks(norm.ppf(ticks), names, rotation=90)
        det.set_yticks(norm.ppf(ticks), names)
        det.set(xlim=(-self._end, self._end), ylim=(-self._end, self._end))
        det.set_title("all thresholds at once")
        self._point = det.plot([], [], "s", color="black", markersize=8)[0]
        accepts, rejects, thresholds = metrics.det_curve(self._y_true, self._y_score)
        share = np.mean(self._y_true)
        right = share * (1 - rejects) + (1 - share) * (1 - accepts)
        self._right = thresholds[1:], right[1:]
        self._accuracy = accuracy.plot(*self._right)[0]
        self._height = accuracy.plot([], [], "s", color="black", markersize=8)[0]
        accuracy.axhline(max(share, 1 - share), color="0.5", linestyle=":")
        accuracy.set(xlabel="threshold (cosine)", ylabel="accuracy", ylim=(0, 1.02))
        accuracy.set_title("accuracy (dotted: one answer for all)")
        curves = (self._curve, self._eer, self._eer_text, self._accuracy)
        return (*curves, self._line, self._point, self._height)

    def draw(self, found):
        """Move line and points."""
        self._line.set_xdata([found.threshold] * 2)
        errors = np.array([found.false_accepts, found.false_rejects])
        with np.errstate(divide="ignore"):
            x, y = np.clip(norm.ppf(errors), -self._end, self._end)
        self._point.set_data([x], [y])
        x, y = self._points
        # Friends are strangers now: each error becomes what was right about the other.
        self._curve.set_data(*((-y, -x) if found.turned else (x, y)))
        for artist in (self._eer, self._eer_text):
            artist.set_visible(not found.turned)
        thresholds, right = self._right
        self._accuracy.set_data(thresholds, 1 - right if found.turned else right)
        self._height.set_data([found.threshold], [found.accuracy])


class ThresholdLab(Lab):
    """Slide a threshold over the scores of pairs.

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
    turned : ipywidgets.ToggleButtons
        Which pairs have the label 1.

    Raises
    ------
    ArgumentError
        If shapes differ, a score is not finite, or one class is missing.

    Examples
    --------
    >>> lab = ThresholdLab([1, 1, 0, 0], [0.9, 0.8, 0.3, 0.1])
    >>> lab.threshold.value = 0.5
    >>> lab.found.accuracy
    1.0
    """

    def __init__(self, y_true, y_score):
        best = metrics.best_threshold(y_true, y_score)
        picture = _ThresholdPicture(y_true, y_score)
        low, high = float(np.min(y_score)), float(np.max(y_score))
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
            "turned": ipywidgets.ToggleButtons(
                options=[("same speaker", False), ("different", True)],
                description="label 1 means",
            ),
        }
        super().__init__(
            controls,
            lambda threshold, turned: decide(y_true, y_score, threshold, turned),
            picture,
            "find the threshold where both errors are alike; then the one with the "
            "best accuracy: what does it do to friends? Then turn the labels round.",
        )
