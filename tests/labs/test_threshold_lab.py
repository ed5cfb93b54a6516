import numpy as np
import pytest
from examples import scores
from hypothesis import given
from hypothesis import strategies as st

import siamlab as sl
from siamlab.labs.threshold import ThresholdLab, decide


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


@pytest.mark.parametrize("spread", [0.0, 1e-15])
def test_equal_scores_of_a_collapsed_network_are_shown(spread):
    y_true, _ = scores()
    lab = ThresholdLab(np.where(y_true, "1", "0"), 1 + spread * y_true)
    assert lab.result.positive_share == 0.2
    lab.threshold.value = 1.4
    assert (lab.result.false_accepts, lab.result.false_rejects) == (0.0, 1.0)


def test_the_lab_starts_at_equal_error_rates():
    lab = ThresholdLab(*scores())
    eer = sl.metrics.eer(*scores())
    assert lab.result.false_accepts == pytest.approx(eer, abs=0.03)
    assert lab.result.false_rejects == pytest.approx(eer, abs=0.03)
