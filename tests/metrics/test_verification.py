import itertools
import pickle

import numpy as np
import pytest

from siamlab import distances, errors, metrics

EYE = np.eye(3)


@pytest.fixture
def labeled_embeddings(rng):
    """Twelve speakers with six utterances each."""
    centers = rng.normal(size=(12, 16)).repeat(6, axis=0)
    return centers + rng.normal(size=centers.shape), np.arange(12).repeat(6)


def test_pair_scores_are_the_cosines_of_all_pairs(rng):
    embeddings, speakers = rng.normal(size=(7, 5)), np.array([0, 0, 1, 1, 1, 2, 3])
    pairs = itertools.combinations(range(7), 2)
    for (i, j), same, score in zip(
        pairs, *metrics.pair_scores(embeddings, speakers), strict=True
    ):
        a, b = embeddings[i], embeddings[j]
        assert score == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        assert same == (speakers[i] == speakers[j])


def test_a_network_is_scored_by_the_distance_that_it_was_trained_with(rng):
    outputs, speakers = rng.dirichlet(np.ones(5), size=12), np.arange(12) % 3

    def similarity(outputs):
        return -distances.pairwise_euclidean(outputs)

    y_true, y_score = metrics.pair_scores(outputs, speakers, similarity)
    i, j = np.triu_indices(12, k=1)
    expected = -np.linalg.norm(outputs[i] - outputs[j], axis=1)
    np.testing.assert_allclose(y_score, expected, atol=1e-6)
    found = metrics.verify(outputs, speakers, similarity=similarity).eer
    assert found == pytest.approx(metrics.eer(y_true, y_score))


def test_verify_agrees_with_the_single_metrics(labeled_embeddings):
    result = metrics.verify(*labeled_embeddings)
    pairs = metrics.pair_scores(*labeled_embeddings)
    functions = (metrics.eer, metrics.auc, metrics.min_dcf, metrics.best_threshold)
    expected = [function(*pairs) for function in functions]
    found = [result.eer, result.auc, result.min_dcf, result.threshold]
    assert found == pytest.approx(expected)
    assert (result.n_same, result.n_different) == (12 * 15, 72 * 71 // 2 - 12 * 15)


def test_intervals_are_reproducible_and_contain_the_estimate(labeled_embeddings):
    first, second = (
        metrics.verify(*labeled_embeddings, seed=3, n_resamples=40).as_dict()
        for _ in range(2)
    )
    assert first == second
    assert type(first["eer"]["value"]) is float
    assert first["eer"]["low"] < first["eer"]["high"]
    for name in ("eer", "auc", "threshold", "min_dcf"):
        assert first[name]["low"] <= first[name]["value"] <= first[name]["high"]


def test_intervals_equal_a_slow_bootstrap_over_speakers(labeled_embeddings):
    speakers = labeled_embeddings[1]
    y_true, y_score = metrics.pair_scores(*labeled_embeddings)
    first, second = np.triu_indices(len(speakers), k=1)
    rng, resampled = np.random.default_rng(5), []
    for _ in range(20):
        counts = np.bincount(rng.integers(12, size=12), minlength=12)
        a, b = counts[speakers[first]], counts[speakers[second]]
        # A pair of one speaker counts as often as the speaker was drawn.
        repeats = np.where(y_true, a, a * b)
        pairs = np.repeat(y_true, repeats), np.repeat(y_score, repeats)
        resampled.append(metrics.eer(*pairs))
    found = metrics.verify(*labeled_embeddings, n_resamples=20, seed=5).eer
    expected = np.quantile(resampled, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_two_speakers_give_no_interval(rng):
    """Every resample would contain both, and the interval would have no width."""
    result = metrics.verify(rng.normal(size=(8, 3)), list("aaaabbbb"))
    assert np.isnan([result.eer.low, result.eer.high, result.auc.low]).all()
    assert result.as_dict()["eer"] == {"value": result.eer, "low": None, "high": None}


def test_pairs_within_a_session_are_left_out():
    # Two sessions per speaker, which differ more than the speakers do.
    embeddings = np.eye(4)[[0, 0, 1, 1, 2, 2, 3, 3]]
    speakers = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    sessions = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    assert metrics.verify(embeddings, speakers).eer < 0.5
    across = metrics.verify(embeddings, speakers, sessions=sessions)
    assert across.eer == pytest.approx(0.5)
    assert across.n_same == 8


def test_an_estimate_is_a_float_and_can_be_pickled():
    estimate = metrics.Estimate(0.25, 0.125, 0.5)
    again = pickle.loads(pickle.dumps(estimate))
    assert again == estimate
    assert vars(again) == vars(estimate)
    assert f"{estimate:.0%}" == "25%"
    assert repr(estimate) == "0.250 [0.125, 0.500]"


def test_trial_scores_do_not_depend_on_the_block_size(rng, monkeypatch):
    embeddings = rng.normal(size=(50, 4))
    first, second = rng.integers(50, size=(2, 1000))
    whole = metrics.trial_scores(embeddings, first, second)
    monkeypatch.setattr("siamlab.metrics.verification._BLOCK", 7)
    in_blocks = metrics.trial_scores(embeddings, first, second)
    np.testing.assert_array_equal(in_blocks, whole)


INVALID = {
    r"speakers .*\(3,\).*got \(2,\)": lambda: metrics.verify(EYE, [0, 0]),
    r"\(utterances, dim\).*got \(3,\)": lambda: metrics.verify(EYE[0], [0, 0, 1]),
    "3 of 3 rows .* first is row 0": lambda: metrics.verify(EYE * np.nan, [0, 0, 1]),
    "must not be all zeros.* row 2": lambda: metrics.verify(EYE[:, :2], [0, 0, 1]),
    "1 of 3 are None .* is row 1": lambda: metrics.verify(EYE, ["a", None, "a"]),
    "1 of 3 are None or NaN": lambda: metrics.pair_scores(EYE, [0.0, np.nan, 1]),
    "2 of 3 speakers are empty": lambda: metrics.pair_scores(EYE, ["a", "", ""]),
    "all 3 pairs are of the same speaker": lambda: metrics.verify(EYE, [0, 0, 0]),
    r"\(trials,\); got \(2,\) and": lambda: metrics.trial_scores(EYE, [0, 1], [1]),
    "rows from 0 to 2; got 5": lambda: metrics.trial_scores(EYE, [0, 5], [1, 1]),
    "got -1": lambda: metrics.trial_scores(EYE, [0, 1], [1, -1]),
    "at least 1; got 0": lambda: metrics.verify(EYE, [0, 0, 1], n_resamples=0),
}


@pytest.mark.parametrize(("message", "call"), INVALID.items())
def test_invalid_arguments_raise(call, message):
    with pytest.raises(errors.ArgumentError, match=message):
        call()
