"""The threshold lab: error rates and accuracy at a decision threshold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

import siamlab as sl
from siamlab import errors
from siamlab.labs.threshold import ThresholdLab, decide


def scores(n=300):
    """Labels and scores of pairs that overlap; a fifth is of the same speaker."""
    rng = np.random.default_rng(0)
    same = np.arange(n) < n // 5
    return same, rng.normal(np.where(same, 0.7, 0.1), 0.2)


def make():
    return ThresholdLab(*scores())


def settings(rng):
    """Random values of all controls; often the threshold is one of the scores."""
    of_a_pair = float(np.float32(rng.choice(scores()[1])))
    threshold = rng.choice([of_a_pair, rng.uniform(-0.5, 1.5)])
    return {"threshold": float(threshold), "flipped": bool(rng.integers(2))}


def numbers(result):
    """What the view computes, too."""
    return {
        "accuracy": result.accuracy,
        "falseAccepts": result.false_accepts,
        "falseRejects": result.false_rejects,
        "positiveShare": result.positive_share,
    }


@given(st.floats(-1, 2))
def test_a_decision_is_a_point_of_the_det_curve(threshold):
    y_true, y_score = scores()
    result = decide(y_true, y_score, threshold)
    accepts, rejects, thresholds = sl.metrics.det_curve(y_true, y_score)
    last = np.flatnonzero(thresholds >= threshold)[-1]
    assert result.false_accepts == pytest.approx(accepts[last])
    assert result.false_rejects == pytest.approx(rejects[last])
    assert result.accuracy == pytest.approx(np.mean((y_score >= threshold) == y_true))
    flipped = decide(y_true, y_score, threshold, flipped=True)
    assert flipped.accuracy == pytest.approx(1 - result.accuracy)
    assert flipped.false_accepts == pytest.approx(1 - result.false_rejects)
    assert flipped.false_rejects == pytest.approx(1 - result.false_accepts)


def test_the_view_gets_the_det_curve_in_normal_deviates():
    lab = make()
    low, high = lab.data["domain"]
    deviates = np.frombuffer(lab.data["deviates"]["data"], np.float32).reshape(2, -1)
    for i in (0, 100, 250, 400):
        result = lab._compute(low + (high - low) * i / 400, flipped=False)
        rates = np.clip([result.false_accepts, result.false_rejects], 0.001, 0.999)
        np.testing.assert_allclose(norm.cdf(deviates[:, i]), rates, rtol=1e-5)


@pytest.mark.parametrize("spread", [0.0, 1e-15])
def test_equal_scores_of_a_collapsed_network_are_shown(spread):
    y_true, _ = scores()
    lab = ThresholdLab(np.where(y_true, "1", "0"), 1 + spread * y_true)
    assert lab.result.positive_share == 0.2
    lab.threshold = 1.4
    assert (lab.result.false_accepts, lab.result.false_rejects) == (0.0, 1.0)


def test_the_lab_starts_at_equal_error_rates():
    lab, eer = make(), sl.metrics.eer(*scores())
    assert lab.result.false_accepts == pytest.approx(eer, abs=0.03)
    assert lab.result.false_rejects == pytest.approx(eer, abs=0.03)


def test_at_the_ends_of_the_axis_all_pairs_get_one_answer():
    lab = make()
    lab.threshold = np.inf
    assert lab.threshold < 2
    assert (lab.result.false_accepts, lab.result.false_rejects) == (0.0, 1.0)
    assert lab.readout.endswith(
        "accuracy 80.0% (always the more frequent label: 80.0%)"
    )
    lab.threshold = -np.inf
    assert (lab.result.false_accepts, lab.result.false_rejects) == (1.0, 0.0)


def test_both_kinds_of_pairs_and_finite_scores_are_needed():
    with pytest.raises(errors.ArgumentError, match="all 2 pairs are of the same"):
        ThresholdLab([1, 1], [0.5, 0.6])
    with pytest.raises(errors.ArgumentError, match="1 of 3 scores"):
        ThresholdLab([1, 0, 1], [0.1, np.nan, 0.3])
