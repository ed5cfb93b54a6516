import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamlab import errors, metrics


def edit_distance(a, b):
    """Levenshtein distance by the textbook table."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i, j] = min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (x != y)
            )
    return table[-1, -1]


phones = st.lists(st.sampled_from(["a", "ʃ", "pf", "aɪ"]), max_size=8)


@given(st.lists(st.tuples(phones, phones), min_size=1, max_size=4))
def test_phone_error_rate_counts_the_edit_distance(utterances):
    reference, hypothesis = zip(*utterances, strict=True)
    if not any(reference):
        with pytest.raises(errors.ArgumentError, match="at least one phone"):
            metrics.phone_error_rate(reference, hypothesis)
        return
    n_errors = sum(map(edit_distance, reference, hypothesis))
    expected = n_errors / sum(map(len, reference))
    assert metrics.phone_error_rate(reference, hypothesis) == pytest.approx(expected)


def test_a_missing_transcription_raises():
    with pytest.raises(errors.ArgumentError, match="as many utterances; got 2 and 1"):
        metrics.phone_error_rate([["a"], ["b"]], [["a"]])


def posteriors(rng, n_utterances, n_frames=30, n_labels=5):
    p = np.exp(rng.normal(0, 3, size=(n_utterances, n_frames, n_labels)))
    return p / p.sum(axis=-1, keepdims=True)


def test_identical_outputs_do_not_depend_on_the_input(rng):
    # They vary over time, but are the same for every utterance.
    same = posteriors(rng, 1).repeat(6, axis=0)
    assert metrics.input_dependence(list(same)) == pytest.approx(0, abs=1e-12)
    unequal_lengths = [np.concatenate([p, p[: 3 * i]]) for i, p in enumerate(same)]
    assert metrics.input_dependence(unequal_lengths) == pytest.approx(0, abs=1e-12)


def test_one_hot_outputs_that_differ_depend_only_on_the_input(rng):
    one_hot = np.eye(5)[rng.integers(5, size=(40, 30))]
    assert metrics.input_dependence(list(one_hot)) == pytest.approx(1)


def test_input_dependence_equals_the_slow_loop(rng):
    p = posteriors(rng, 7)
    variance = maximum = 0.0
    for t in range(30):
        for k in range(5):
            mean = sum(p[u, t, k] for u in range(7)) / 7
            variance += sum((p[u, t, k] - mean) ** 2 for u in range(7)) / 7
            maximum += mean * (1 - mean)
    assert metrics.input_dependence(list(p)) == pytest.approx(variance / maximum)
    assert 0 < variance / maximum < 1


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([np.eye(2)], "at least 2 utterances; got 1"),
        ([np.ones((3, 4)), np.ones((3, 4))], "apply a softmax"),
        ([-np.eye(2), 2 * np.eye(2)], "apply a softmax"),
    ],
)
def test_outputs_that_are_not_probabilities_raise(outputs, message):
    with pytest.raises(errors.ArgumentError, match=message):
        metrics.input_dependence(outputs)
