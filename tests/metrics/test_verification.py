import itertools
import pickle

import numpy as np
import pytest

from siamlab import errors, metrics


def random_speakers(rng, n_speakers, n_utterances, dim=16, spread=1.0):
    centers = rng.normal(size=(n_speakers, dim)).repeat(n_utterances, axis=0)
    noise = spread * rng.normal(size=centers.shape)
    return centers + noise, np.arange(n_speakers).repeat(n_utterances)


@pytest.fixture
def labeled_embeddings(rng):
    return random_speakers(rng, n_speakers=12, n_utterances=6)


def test_pair_scores_are_the_cosines_of_all_pairs(rng):
    embeddings, speakers = rng.normal(size=(7, 5)), np.array([0, 0, 1, 1, 1, 2, 3])
    pairs = itertools.combinations(range(7), 2)
    for (i, j), same, score in zip(
        pairs, *metrics.pair_scores(embeddings, speakers), strict=True
    ):
        a, b = embeddings[i], embeddings[j]
        assert score == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        assert same == (speakers[i] == speakers[j])


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


def test_a_resample_weights_pairs_by_how_often_their_speakers_were_drawn(
    labeled_embeddings,
):
    embeddings, speakers = labeled_embeddings
    y_true, y_score = metrics.pair_scores(embeddings, speakers)
    i, j = np.triu_indices(len(embeddings), k=1)
    drawn = np.random.default_rng(5).integers(12, size=12)
    counts = np.array([np.count_nonzero(drawn == s) for s in range(12)])
    a, b = counts[speakers[i]], counts[speakers[j]]
    weights = np.where(y_true, a, a * b)
    slow = metrics.eer(np.repeat(y_true, weights), np.repeat(y_score, weights))
    found = metrics.verify(embeddings, speakers, n_resamples=1, seed=5).eer
    assert slow == pytest.approx(found.low if slow < found else found.high)


def test_intervals_cover_the_true_eer():
    def sample(seed, n_speakers):
        rng = np.random.default_rng(seed)
        return random_speakers(rng, n_speakers, 4, dim=8, spread=0.7)

    true_eer = metrics.verify(*sample(0, 300), n_resamples=1).eer
    estimates = [
        metrics.verify(*sample(seed, 25), n_resamples=60).eer for seed in range(1, 41)
    ]
    covered = np.mean([each.low <= true_eer <= each.high for each in estimates])
    assert 0.8 <= covered <= 1.0
    assert np.mean([each.high - each.low for each in estimates]) < 0.15


def test_pairs_within_a_session_are_left_out():
    # Two sessions per speaker, which differ more than the speakers do.
    embeddings = np.eye(4)[[0, 0, 1, 1, 2, 2, 3, 3]]
    speakers = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    sessions = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    assert metrics.verify(embeddings, speakers).eer < 0.5
    across = metrics.verify(embeddings, speakers, sessions=sessions)
    assert across.eer == pytest.approx(0.5)
    assert across.n_same == 8


@pytest.mark.parametrize(
    ("embeddings", "speakers", "message"),
    [
        (np.ones((3, 2)), [0, 0], r"speakers .*\(3,\).*got \(2,\)"),
        (np.ones(3), [0, 0, 1], r"\(utterances, dim\).*got \(3,\)"),
        ([[1.0, np.nan], [1, 1]], [0, 1], "1 of 2 rows .* the first is row 0"),
        ([[1.0, 0], [0, 0]], [0, 1], "all zeros, the first is row 1"),
        (np.ones((3, 2)), [0, 0, 0], "all 3 pairs are of the same speaker"),
    ],
)
def test_invalid_embeddings_raise(embeddings, speakers, message):
    with pytest.raises(errors.ArgumentError, match=message):
        metrics.verify(embeddings, speakers)


def test_an_invalid_confidence_level_raises(labeled_embeddings):
    with pytest.raises(errors.ArgumentError, match="between 0 and 1; got 95"):
        metrics.verify(*labeled_embeddings, confidence_level=95)


def test_an_estimate_is_a_float_and_can_be_pickled():
    estimate = metrics.Estimate(0.25, 0.125, 0.5, 0.9)
    again = pickle.loads(pickle.dumps(estimate))
    assert again == estimate
    assert vars(again) == vars(estimate)
    assert estimate * 2 == 0.5
    assert f"{estimate:.0%}" == "25%"
    assert repr(estimate) == "0.250 [0.125, 0.500]"


def test_trial_scores_do_not_depend_on_the_block_size(rng, monkeypatch):
    embeddings = rng.normal(size=(50, 4))
    first, second = rng.integers(50, size=(2, 1000))
    whole = metrics.trial_scores(embeddings, first, second)
    monkeypatch.setattr("siamlab.metrics.verification._BLOCK", 7)
    np.testing.assert_array_equal(
        metrics.trial_scores(embeddings, first, second), whole
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (([0, 1], [1]), r"shape \(trials,\); got \(2,\) and \(1,\)"),
        (([0, 5], [1, 1]), "rows from 0 to 2; got 5"),
        (([0, 1], [1, -1]), "got -1"),
    ],
)
def test_trials_of_missing_rows_raise(rows, message):
    with pytest.raises(errors.ArgumentError, match=message):
        metrics.trial_scores(np.eye(3), *rows)
