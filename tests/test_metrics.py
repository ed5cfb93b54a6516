import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from siamlab import errors, metrics

PERFECT = ([0.9, 0.8, 0.2, 0.1], [True, True, False, False])


@st.composite
def scored_pairs(draw):
    """Scores with ties, and at least one pair of each kind."""
    n = draw(st.integers(2, 60))
    # Halves and quarters: sums and ties are exact.
    scores = draw(st.lists(st.integers(-20, 20), min_size=n, max_size=n))
    same = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    same[0], same[1] = True, False
    return np.array(scores) / 4, np.array(same)


def crossing_by_scanning(scores, same):
    """The equal error rate, by walking along the ROC one threshold at a time."""
    points = [(0.0, 1.0)]
    for threshold in sorted(set(scores), reverse=True):
        accepted = scores >= threshold
        points.append((accepted[~same].mean(), (~accepted)[same].mean()))
    for (fa0, fr0), (fa1, fr1) in itertools.pairwise(points):
        if fa1 >= fr1:
            share = (fr0 - fa0) / ((fr0 - fa0) + (fa1 - fr1))
            return fa0 + share * (fa1 - fa0)
    raise AssertionError("the curve ends at (1, 0)")


def test_perfect_scores_have_no_error():
    assert metrics.eer(*PERFECT) == 0.0
    assert metrics.auc(*PERFECT) == 1.0
    assert metrics.min_dcf(*PERFECT) == 0.0


def test_inverted_scores_are_always_wrong():
    scores, same = PERFECT
    assert metrics.eer(scores, np.invert(same)) == 1.0
    assert metrics.auc(scores, np.invert(same)) == 0.0


def test_scores_that_are_all_tied_are_guesses():
    same = [True, False, False, False]
    assert metrics.eer([0.3] * 4, same) == pytest.approx(0.5)
    assert metrics.auc([0.3] * 4, same) == pytest.approx(0.5)
    assert metrics.min_dcf([0.3] * 4, same) == 1.0


def test_a_case_worked_out_by_hand():
    # From the top: different, same, same, different. The curve steps from (0, 1)
    # to (1/2, 1), (1/2, 1/2): there both errors are one half.
    assert metrics.eer([4, 3, 2, 1], [False, True, True, False]) == 0.5


@pytest.mark.parametrize("same", [[True] * 3, [False] * 3])
def test_one_kind_of_pairs_alone_is_named(same):
    with pytest.raises(errors.ArgumentError, match=r"need pairs of the same and"):
        metrics.eer([0.1, 0.2, 0.3], same)


def test_scores_that_are_not_finite_are_named():
    with pytest.raises(errors.ArgumentError, match=r"finite; 1 of 2 are not"):
        metrics.auc([0.1, np.nan], [True, False])


def test_shapes_that_differ_are_named():
    with pytest.raises(errors.ArgumentError, match=r"got \(2,\) and \(3,\)"):
        metrics.eer([0.1, 0.2], [True, False, True])


@given(scored_pairs())
def test_the_rate_is_what_scanning_finds(pairs):
    assert metrics.eer(*pairs) == pytest.approx(crossing_by_scanning(*pairs))


@given(scored_pairs())
def test_the_area_is_scikit_learns(pairs):
    scores, same = pairs
    expected = reference.roc_auc_score(same, scores)
    assert metrics.auc(scores, same) == pytest.approx(expected)


@given(scored_pairs())
def test_the_curve_holds_the_points_of_scikit_learns(pairs):
    scores, same = pairs
    accepts, rejects, thresholds = metrics.det_curve(scores, same)
    ours = {
        round(float(t), 9): (pytest.approx(a), pytest.approx(r))
        for t, a, r in zip(thresholds, accepts, rejects, strict=True)
    }
    for a, r, t in zip(*reference.det_curve(same, scores), strict=True):
        if np.isfinite(t):
            assert (a, r) == ours[round(float(t), 9)]


@given(scored_pairs())
def test_only_the_order_of_scores_counts(pairs):
    scores, same = pairs
    assert metrics.eer(np.exp(scores), same) == pytest.approx(metrics.eer(*pairs))


@given(scored_pairs())
def test_both_kinds_can_change_places(pairs):
    scores, same = pairs
    assert metrics.eer(-scores, ~same) == pytest.approx(metrics.eer(*pairs))


@given(scored_pairs())
def test_no_threshold_is_more_accurate_than_the_best(pairs):
    scores, same = pairs
    best = metrics.best_threshold(scores, same, criterion="accuracy")
    candidates = [*scores, np.inf]
    most = max(metrics.accuracy_at(scores, same, t) for t in candidates)
    assert metrics.accuracy_at(scores, same, best) == pytest.approx(most)


def test_the_detection_cost_is_normalized_by_always_saying_different():
    # A system that accepts one false pair in two to find all same ones loses.
    assert metrics.min_dcf([3, 2, 1], [False, True, False]) == 1.0
    assert metrics.min_dcf([3, 2, 1], [False, True, False], p_target=0.9) < 1.0


def test_an_unknown_criterion_is_named():
    with pytest.raises(errors.ArgumentError, match=r'"eer" or "accuracy"; got \'f1\''):
        metrics.best_threshold(*PERFECT, criterion="f1")


def test_pair_scores_are_the_cosines_of_all_pairs(rng):
    embeddings, speakers = rng.normal(size=(7, 5)), np.array([0, 0, 1, 1, 1, 2, 3])
    scores, same = metrics.pair_scores(embeddings, speakers)
    for (i, j), score, alike in zip(
        itertools.combinations(range(7), 2), scores, same, strict=True
    ):
        a, b = embeddings[i], embeddings[j]
        assert score == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        assert alike == (speakers[i] == speakers[j])


@pytest.fixture
def speakers_in_clouds(rng):
    centers = rng.normal(size=(12, 16)).repeat(6, axis=0)
    return centers + rng.normal(size=(72, 16)), np.arange(12).repeat(6)


def test_verify_agrees_with_the_functions_it_is_made_of(speakers_in_clouds):
    result = metrics.verify(*speakers_in_clouds)
    scores, same = metrics.pair_scores(*speakers_in_clouds)
    assert result.eer == pytest.approx(metrics.eer(scores, same))
    assert result.auc == pytest.approx(metrics.auc(scores, same))
    assert result.min_dcf == pytest.approx(metrics.min_dcf(scores, same))
    assert result.threshold == pytest.approx(metrics.best_threshold(scores, same))
    assert (result.n_same, result.n_different) == (12 * 15, 72 * 71 // 2 - 12 * 15)


def test_verify_is_the_same_for_a_seed_and_its_intervals_hold_it(speakers_in_clouds):
    first, second = (metrics.verify(*speakers_in_clouds, seed=3) for _ in range(2))
    assert first == second
    for name in ("eer", "auc", "threshold", "min_dcf"):
        estimate = getattr(first, name)
        assert (estimate.low, estimate.high) == (
            getattr(second, name).low,
            getattr(second, name).high,
        )
        assert estimate.low <= estimate <= estimate.high
    assert first.eer.low < first.eer.high


def test_a_resample_counts_pairs_as_often_as_their_speakers_were_drawn(
    speakers_in_clouds,
):
    x, speakers = speakers_in_clouds
    scores, same = metrics.pair_scores(x, speakers)
    i, j = np.triu_indices(len(x), k=1)
    drawn = np.random.default_rng(5).integers(12, size=12)
    times = np.array([np.count_nonzero(drawn == s) for s in range(12)])
    a, b = times[speakers[i]], times[speakers[j]]
    weights = np.where(same, a, a * b)
    slow = metrics.eer(np.repeat(scores, weights), np.repeat(same, weights))
    found = metrics.verify(x, speakers, resamples=1, seed=5).eer
    assert slow == pytest.approx(found.low if slow < found else found.high)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    # The truth: the rate of 400 speakers from the same source.
    def exam(rng, speakers):
        x = rng.normal(size=(speakers, 8)).repeat(4, axis=0)
        return x + 0.7 * rng.normal(size=x.shape), np.arange(speakers).repeat(4)

    truth = metrics.verify(*exam(np.random.default_rng(0), 400), resamples=2).eer
    exams = [exam(np.random.default_rng(seed), 25) for seed in range(1, 61)]
    rates = [metrics.verify(*each, resamples=100).eer for each in exams]
    covered = np.mean([rate.low <= truth <= rate.high for rate in rates])
    assert 0.8 <= covered <= 1.0
    # Not because it is as wide as the world.
    assert np.mean([rate.high - rate.low for rate in rates]) < 0.15


def test_pairs_within_a_session_are_left_out_where_sessions_are_given():
    # Each speaker: two sessions, which differ more than speakers do.
    embeddings = np.eye(4)[[0, 0, 1, 1, 2, 2, 3, 3]]
    speakers = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    sessions = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    assert metrics.verify(embeddings, speakers).eer < 0.5
    across = metrics.verify(embeddings, speakers, sessions=sessions)
    assert across.eer == pytest.approx(0.5)
    assert across.n_same == 8


@pytest.mark.parametrize(
    ("embeddings", "speakers", "sentence"),
    [
        (np.ones((3, 2)), [0, 0], r"speakers .*\(3,\).*got \(2,\)"),
        (np.ones(3), [0, 0, 1], r"got \(3,\)"),
        ([[1.0, np.nan], [1, 1], [1, 1]], [0, 0, 1], "first is row 0"),
        ([[1.0, 0], [0, 0], [1, 1]], [0, 0, 1], "all zeros, the first is row 1"),
        (np.ones((3, 2)), [0, 0, 0], "all 3 pairs are of the same speaker"),
        (np.ones((3, 2)), [0, 1, 2], "all 3 pairs are of different speakers"),
    ],
)
def test_what_cannot_be_verified_is_named(embeddings, speakers, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        metrics.verify(embeddings, speakers)


def test_a_result_becomes_plain_numbers(speakers_in_clouds):
    result = metrics.verify(*speakers_in_clouds)
    figures = result.as_dict()
    assert figures["eer"]["value"] == result.eer
    assert type(figures["eer"]["value"]) is float
    assert figures["n_same"] == 180


def test_an_estimate_is_a_number_and_survives_pickling():
    estimate = metrics.Estimate(0.25, 0.125, 0.5, 0.9)
    again = pickle.loads(pickle.dumps(estimate))
    assert (again, again.low, again.high, again.confidence) == (0.25, 0.125, 0.5, 0.9)
    assert estimate * 2 == 0.5
    assert f"{estimate:.0%}" == "25%"


def misclassified_by_trying_all(speakers, clusters):
    """Best one-to-one assignment, by trying each of them."""
    names, ids = list(set(speakers)), list(set(clusters))
    longer, shorter = (names, ids) if len(names) >= len(ids) else (ids, names)
    best = 0
    for order in itertools.permutations(longer, len(shorter)):
        given = dict(zip(shorter, order, strict=True))
        pairs = zip(speakers, clusters, strict=True)
        if shorter is ids:
            best = max(best, sum(given[c] == s for s, c in pairs))
        else:
            best = max(best, sum(given[s] == c for s, c in pairs))
    return 1 - best / len(speakers)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=15)
)
def test_the_misclassification_rate_is_that_of_the_best_assignment(pairs):
    speakers, clusters = zip(*pairs, strict=True)
    expected = misclassified_by_trying_all(speakers, clusters)
    assert metrics.misclassification_rate(speakers, clusters) == pytest.approx(expected)


def test_names_of_clusters_do_not_matter():
    assert metrics.misclassification_rate(list("aabb"), [7, 7, 3, 3]) == 0.0
    assert metrics.misclassification_rate(list("aabb"), [0, 0, 0, 0]) == 0.5


def test_clusters_of_another_length_are_named():
    with pytest.raises(errors.ArgumentError, match=r"got \(2,\) and \(1,\)"):
        metrics.misclassification_rate([0, 1], [0])


def posteriors(rng, utterances, frames=30, labels=5):
    logits = rng.normal(0, 3, size=(utterances, frames, labels))
    p = np.exp(logits)
    return p / p.sum(axis=-1, keepdims=True)


def test_outputs_that_are_alike_do_not_depend_on_the_input(rng):
    # They move in time, and are the same for every utterance (FAULTS C1).
    same = posteriors(rng, 1).repeat(6, axis=0)
    assert metrics.input_dependence(list(same)) == pytest.approx(0, abs=1e-12)
    longer = [np.concatenate([p, p[: 3 * i]]) for i, p in enumerate(same)]
    assert metrics.input_dependence(longer) == pytest.approx(0, abs=1e-12)


def test_outputs_without_a_doubt_that_differ_depend_on_the_input_alone(rng):
    certain = np.eye(5)[rng.integers(5, size=(40, 30))]
    assert metrics.input_dependence(list(certain)) == pytest.approx(1)


def test_dependence_is_the_variance_over_the_most_there_could_be(rng):
    p = posteriors(rng, 7)
    found = most = 0.0
    for t in range(30):
        for k in range(5):
            mean = sum(p[u, t, k] for u in range(7)) / 7
            found += sum((p[u, t, k] - mean) ** 2 for u in range(7)) / 7
            most += mean * (1 - mean)
    assert metrics.input_dependence(list(p)) == pytest.approx(found / most)
    assert 0 < found / most < 1


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ([np.eye(2)], "at least 2; got 1"),
        ([np.ones((3, 4)), np.ones((3, 4))], "apply a softmax"),
        ([-np.eye(2), 2 * np.eye(2)], "apply a softmax"),
    ],
)
def test_outputs_that_are_no_probabilities_are_named(outputs, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        metrics.input_dependence(outputs)
