import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from siamlab import ctc, errors, networks


@st.composite
def short_outputs(draw):
    """Logits that are short enough to try all paths; the blank; all paths.

    A path is its labels, the spans of frames of its labels, and its probability.
    """
    n_frames, n_outputs = draw(st.integers(1, 5)), draw(st.integers(2, 3))
    blank = draw(st.integers(0, n_outputs - 1))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    logits = 2 * rng.normal(size=(n_frames, n_outputs))
    p, paths = softmax(logits, axis=1), []
    for path in itertools.product(range(n_outputs), repeat=n_frames):
        labels, spans = (), []
        for label, run in itertools.groupby(range(n_frames), path.__getitem__):
            frames = list(run)
            if label != blank:
                labels += (label,)
                spans.append((frames[0], frames[-1]))
        paths.append((labels, spans, np.prod(p[range(n_frames), path])))
    return logits, blank, paths


def total_probabilities(paths):
    totals = {}
    for labels, _, probability in paths:
        totals[labels] = totals.get(labels, 0.0) + probability
    return totals


@settings(deadline=None)
@given(short_outputs())
def test_the_loss_sums_over_all_paths_of_the_labels(outputs):
    logits, blank, paths = outputs
    for labels, probability in total_probabilities(paths).items():
        posteriors, loss = ctc.lattice(logits, labels, blank)
        assert loss == pytest.approx(-np.log(probability), abs=1e-9)
        np.testing.assert_allclose(posteriors.sum(axis=1), 1)


@settings(deadline=None)
@given(short_outputs())
def test_a_wide_beam_finds_the_most_probable_labels(outputs):
    logits, blank, paths = outputs
    totals = total_probabilities(paths)
    found = tuple(ctc.beam_decode(logits, blank, width=1000))
    assert totals[found] == pytest.approx(max(totals.values()))


@settings(deadline=None)
@given(short_outputs())
def test_greedy_decoding_and_alignment_find_the_best_paths(outputs):
    logits, blank, paths = outputs
    best_first = sorted(paths, key=lambda path: -path[2])
    assert ctc.greedy_decode(logits, blank) == list(best_first[0][0])
    best = {labels: spans for labels, spans, _ in reversed(best_first)}
    for labels, spans in best.items():
        assert ctc.forced_alignment(logits, labels, blank) == spans


@given(st.lists(st.sampled_from("abcʃç"), max_size=9), st.none() | st.integers(-1, 5))
def test_encoded_symbols_can_be_decoded(text, blank):
    vocabulary = ctc.Vocabulary.from_sequences(["ʃcba", "açb"], blank)
    labels = vocabulary.encode(text)
    assert vocabulary.decode([*labels, -1]) == text
    assert vocabulary.blank not in labels.tolist()
    assert all(0 <= label < len(vocabulary) for label in labels)


AB = ctc.Vocabulary(("a", "b"))


INVALID = {
    "at least one; got repeated: a": lambda: ctc.Vocabulary(("a", "a")),
    "got none": lambda: ctc.Vocabulary(()),
    "0 to 1, or -1 for the last output; got 2": lambda: ctc.Vocabulary(("a",), 2),
    "unknown symbols: x; known are a b": lambda: AB.encode("ax"),
    "except the blank 2; got 2": lambda: AB.decode([2]),
    "at least 3 frames for 2": lambda: ctc.lattice(np.zeros((2, 3)), [1, 1], 0),
    r"\(time, outputs\); got \(3,\)": lambda: ctc.greedy_decode(np.zeros(3), 0),
    "at least 1; got 0": lambda: ctc.beam_decode(np.zeros((2, 3)), 0, 0),
    "batch must be": lambda: ctc.validate_batch(np.zeros((3, 4)), None),
}


@pytest.mark.parametrize(("message", "call"), INVALID.items())
def test_invalid_arguments_raise(call, message):
    with pytest.raises(errors.ArgumentError, match=message):
        call()


@pytest.fixture(scope="module")
def net():
    return networks.ctc_blstm(AB, n_bins=3, units=(2,), stride=2)


@pytest.mark.parametrize(
    ("frames", "labels", "expected"),
    [
        ((10, 10), ((0, 1, -1), (0, 0, 1)), []),
        # Two labels, one repeated, need three outputs: five frames are just enough.
        ((5, 6), ((0, 0, -1), (0, 1, 0)), []),
        ((4, 4), ((0, 0, -1), (0, 1, 0)), [(0, "C8"), (1, "C8")]),
        ((10, 11), ((0, 1, -1), (0, 0, 1)), [(1, "C9")]),
        ((0, 10), ((0, 1, -1), (0, 0, 1)), [(0, "C9"), (0, "C8")]),
        ((10, 10), ((0, 2, -1), (3, 1, 0)), [(0, "C13"), (1, "C13")]),
        (((10,), (10,)), ((0, 1, -1), (0, 0, 1)), [(0, "C10")]),
    ],
)
def test_problems_of_a_batch_are_found(net, frames, labels, expected):
    inputs = {"spectrogram": np.zeros((2, 10, 3)), "frames": np.array(frames)}
    problems = ctc.validate_batch((inputs, np.array(labels)), net)
    assert [(p.utterance, p.code) for p in problems] == expected
    for problem in problems:
        assert f"utterance {problem.utterance}: {problem.code}, " in str(problem)
