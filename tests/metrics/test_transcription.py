import numpy as np
import pytest

from siamlab import errors, metrics


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        (["halo"], ["halo"], 0),
        (["halo"], [""], 1),
        # One substitution, one deletion, two insertions; seven reference phones.
        (["halo", "abc"], ["hel", "abcde"], 4 / 7),
        ([["pf", "aɪ"]], [["p", "f", "aɪ"]], 1),
    ],
)
def test_phone_error_rate(reference, hypothesis, expected):
    assert metrics.phone_error_rate(reference, hypothesis) == pytest.approx(expected)


def test_missing_transcriptions_raise():
    with pytest.raises(errors.ArgumentError, match="utterances; got 2 and 1"):
        metrics.phone_error_rate(["a", "b"], ["a"])
    with pytest.raises(errors.ArgumentError, match="at least one phone"):
        metrics.phone_error_rate(["", ""], ["a", ""])


def posteriors(rng, n_utterances, n_frames=30, n_labels=5):
    p = np.exp(rng.normal(0, 3, size=(n_utterances, n_frames, n_labels)))
    return p / p.sum(axis=-1, keepdims=True)


def test_identical_outputs_do_not_depend_on_the_input(rng):
    # They vary over time, but are the same for every utterance.
    same = posteriors(rng, 1).repeat(6, axis=0)
    unequal_lengths = [p[: 30 - i] for i, p in enumerate(same)]
    assert metrics.input_dependence(unequal_lengths) == pytest.approx(0, abs=1e-12)


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


def test_outputs_that_are_not_probabilities_raise():
    with pytest.raises(errors.ArgumentError, match="at least 2 utterances; got 1"):
        metrics.input_dependence([np.eye(2)])
    with pytest.raises(errors.ArgumentError, match="apply a softmax"):
        metrics.input_dependence(np.ones((2, 3, 4)))
