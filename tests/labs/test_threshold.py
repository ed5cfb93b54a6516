import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import scores

import siamlab as sl
from siamlab.labs import ThresholdLab, decide


def test_a_decision_by_hand():
    found = decide([1, 1, 0, 0, 0], [0.9, 0.4, 0.6, 0.1, 0.0], 0.5)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.false_accepts == pytest.approx(1 / 3)
    assert found.false_rejects == pytest.approx(1 / 2)
    assert found.ones == pytest.approx(2 / 5)


@given(st.floats(-1, 2))
def test_it_is_a_point_of_the_det_curve(threshold):
    """Two ways to the same errors."""
    y_true, y_score = scores()
    found = decide(y_true, y_score, threshold)
    accepts, rejects, thresholds = sl.metrics.det_curve(y_true, y_score)
    last = np.flatnonzero(thresholds >= threshold)[-1]
    assert found.false_accepts == pytest.approx(accepts[last])
    assert found.false_rejects == pytest.approx(rejects[last])
    assert found.accuracy == pytest.approx(
        sl.metrics.accuracy_at(y_true, y_score, threshold)
    )


@given(st.floats(-1, 2))
def test_labels_turned_round_turn_every_figure(threshold):
    y_true, y_score = scores()
    right, turned = (
        decide(y_true, y_score, threshold, turned=t) for t in (False, True)
    )
    assert turned.accuracy == pytest.approx(1 - right.accuracy)
    assert turned.false_accepts == pytest.approx(1 - right.false_rejects)
    assert turned.false_rejects == pytest.approx(1 - right.false_accepts)


def test_the_lab_begins_where_both_errors_are_alike():
    lab = ThresholdLab(*scores())
    rate = sl.metrics.eer(*scores())
    assert lab.found.false_accepts == pytest.approx(rate, abs=0.03)
    assert lab.found.false_rejects == pytest.approx(rate, abs=0.03)


def test_the_lab_shows_the_plain_functions_numbers():
    lab = ThresholdLab(*scores())
    lab.set(threshold=lab.threshold.max, turned=True)
    assert lab.found == decide(*scores(), lab.threshold.max, turned=True)
    assert lab.readout.value == str(lab.found)
    assert f"accuracy <b>{lab.found.accuracy:.1%}</b>" in lab.readout.value


def test_scores_that_are_no_scores_are_named():
    with pytest.raises(sl.SiamlabError, match="1 of 3 scores are not"):
        ThresholdLab([1, 0, 1], [0.1, np.nan, 0.3])
