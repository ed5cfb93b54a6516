import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from siamlab import errors, metrics

SEPARATED = ([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1])


@st.composite
def scored_pairs(draw):
    """Scores with ties, and at least one pair of each kind."""
    n = draw(st.integers(2, 60))
    y_true = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    y_true[0], y_true[1] = True, False
    # Multiples of 1/4: sums and ties are exact in floating point.
    y_score = draw(st.lists(st.integers(-20, 20), min_size=n, max_size=n))
    return np.array(y_true), np.array(y_score) / 4


def eer_by_scanning(y_true, y_score):
    """Walk along the ROC curve one threshold at a time until the errors cross."""
    points = [(0.0, 1.0)]
    for threshold in sorted(set(y_score), reverse=True):
        accepted = y_score >= threshold
        points.append((accepted[~y_true].mean(), (~accepted)[y_true].mean()))
    for (fpr0, fnr0), (fpr1, fnr1) in itertools.pairwise(points):
        if fpr1 >= fnr1:
            fraction = (fnr0 - fpr0) / ((fnr0 - fpr0) + (fpr1 - fnr1))
            return fpr0 + fraction * (fpr1 - fpr0)
    raise AssertionError("the curve ends at (1, 0)")


@pytest.mark.parametrize(
    ("y_true", "y_score", "eer", "auc", "min_dcf"),
    [
        (*SEPARATED, 0.0, 1.0, 0.0),
        ([0, 0, 1, 1], SEPARATED[1], 1.0, 0.0, 1.0),
        ([1, 0, 0, 0], [0.3] * 4, 0.5, 0.5, 1.0),
        # The curve steps from (0, 1) to (1/2, 1) to (1/2, 1/2): both errors are 1/2.
        ([0, 1, 1, 0], [4, 3, 2, 1], 0.5, 0.5, 1.0),
    ],
)
def test_known_cases(y_true, y_score, eer, auc, min_dcf):
    assert metrics.eer(y_true, y_score) == pytest.approx(eer)
    assert metrics.auc(y_true, y_score) == pytest.approx(auc)
    assert metrics.min_dcf(y_true, y_score) == pytest.approx(min_dcf)


@given(scored_pairs())
def test_eer_equals_the_slow_scan(pairs):
    assert metrics.eer(*pairs) == pytest.approx(eer_by_scanning(*pairs))


@given(scored_pairs())
def test_auc_and_det_curve_equal_those_of_scikit_learn(pairs):
    fpr, tpr, thresholds = sklearn_metrics.roc_curve(*pairs, drop_intermediate=False)
    expected = (fpr, 1 - tpr, thresholds)
    np.testing.assert_allclose(metrics.det_curve(*pairs), expected, atol=1e-12)
    assert metrics.auc(*pairs) == pytest.approx(sklearn_metrics.roc_auc_score(*pairs))


def test_the_eer_threshold_makes_both_errors_equal(rng):
    y_true = np.arange(4000) < 1000
    y_score = y_true + rng.normal(size=4000)
    accepted = y_score >= metrics.best_threshold(y_true, y_score)
    eer = metrics.eer(y_true, y_score)
    assert accepted[~y_true].mean() == pytest.approx(eer, abs=2e-3)
    assert (~accepted)[y_true].mean() == pytest.approx(eer, abs=2e-3)


@pytest.mark.parametrize("words", [("1", "0"), ("target", "nontarget")])
def test_the_words_of_trial_lists_are_labels(words):
    y_true, y_score = [1, 0, 1, 0], [0.9, 0.6, 0.4, 0.1]
    named = [words[0] if same else words[1] for same in y_true]
    assert metrics.eer(named, y_score) == metrics.eer(y_true, y_score) == 0.5


def test_detection_cost_depends_on_the_prior():
    # Accepting one false pair out of two to find every target is too expensive when
    # targets are rare.
    assert metrics.min_dcf([0, 1, 0], [3, 2, 1]) == 1.0
    # Otherwise it costs 0.1 * 1/2, half as much as accepting everything.
    assert metrics.min_dcf([0, 1, 0], [3, 2, 1], p_target=0.9) == pytest.approx(0.5)


INVALID = {
    "all 3 pairs are of the same speaker": ([1, 1, 1], [0.1, 0.2, 0.3]),
    "all 3 pairs are of different speakers": ([0, 0, 0], [0.1, 0.2, 0.3]),
    "finite; 1 of 2 scores are not": ([1, 0], [0.1, np.nan]),
    r"got \(3,\) and \(2,\)": ([1, 0, 1], [0.1, 0.2]),
    "only 0 and 1 .*got yes": (["yes", "no"], [1, 0]),
    "only 0 and 1 .*got None": ([1, None], [1, 0]),
    "y_score must be numbers": ([1, 0], ["high", "low"]),
    "only 0 and 1 .*got 0.9. The labels come first": ([0.9, 0.1], [1, 0]),
}


@pytest.mark.parametrize(("message", "pairs"), INVALID.items())
def test_invalid_pairs_raise(pairs, message):
    with pytest.raises(errors.ArgumentError, match=message):
        metrics.eer(*pairs)
