import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab import ctc, errors, networks


def collapse(path, blank):
    return [k for k, _ in itertools.groupby(path) if k != blank]


def probabilities(logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def by_all_paths(logits, blank):
    """Probability of each labeling: every path, one after the other."""
    p, total = probabilities(logits), {}
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        labels = tuple(collapse(path, blank))
        weight = np.prod([row[k] for row, k in zip(p, path, strict=True)])
        total[labels] = total.get(labels, 0.0) + weight
    return total


@st.composite
def outputs(draw):
    frames, n = draw(st.integers(1, 5)), draw(st.integers(2, 3))
    seed = draw(st.integers(0, 10**6))
    logits = 2 * np.random.default_rng(seed).normal(size=(frames, n))
    return logits, draw(st.integers(0, n - 1))


@settings(deadline=None)
@given(outputs())
def test_the_loss_adds_all_paths_that_spell_the_labels(given_outputs):
    logits, blank = given_outputs
    for labels, probability in by_all_paths(logits, blank).items():
        posteriors, loss = ctc.lattice(logits, labels, blank)
        assert loss == pytest.approx(-np.log(probability), abs=1e-9)
        np.testing.assert_allclose(posteriors.sum(axis=1), 1)


@settings(deadline=None)
@given(outputs())
def test_a_wide_beam_finds_the_most_probable_labels(given_outputs):
    logits, blank = given_outputs
    total = by_all_paths(logits, blank)
    found = tuple(ctc.beam_decode(logits, blank, width=1000))
    assert total[found] == pytest.approx(max(total.values()))


@settings(deadline=None)
@given(outputs())
def test_greedy_collapses_the_best_path(given_outputs):
    logits, blank = given_outputs
    assert ctc.greedy_decode(logits, blank) == collapse(
        logits.argmax(axis=1).tolist(), blank
    )


@settings(deadline=None)
@given(outputs())
def test_the_alignment_is_the_best_path_that_spells_the_labels(given_outputs):
    logits, blank = given_outputs
    p = probabilities(logits)
    best = {}
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        weight = np.prod([row[k] for row, k in zip(p, path, strict=True)])
        labels = tuple(collapse(path, blank))
        if weight > best.get(labels, (0,))[0]:
            best[labels] = (weight, path)
    for labels, (_, path) in best.items():
        spans, t = [], 0
        for symbol, run in itertools.groupby(path):
            n = len(list(run))
            if symbol != blank:
                spans.append((t, t + n - 1))
            t += n
        assert ctc.forced_alignment(logits, labels, blank) == spans


def test_labels_without_a_path_are_named():
    with pytest.raises(errors.ArgumentError, match="2 frames are too few for 2 labels"):
        ctc.lattice(np.zeros((2, 3)), [1, 1], blank=0)
    with pytest.raises(errors.ArgumentError, match="2 frames are too few for 2 labels"):
        ctc.forced_alignment(np.zeros((2, 3)), [1, 1], blank=0)


def test_logits_of_another_shape_are_named():
    with pytest.raises(errors.ArgumentError, match=r"\(frames, outputs\); got \(3,\)"):
        ctc.greedy_decode(np.zeros(3), 0)
    with pytest.raises(errors.ArgumentError, match="width must be at least 1; got 0"):
        ctc.beam_decode(np.zeros((2, 3)), 0, width=0)


@given(
    st.lists(st.sampled_from("abcʃç"), max_size=9),
    st.one_of(st.none(), st.integers(-1, 5)),
)
def test_symbols_come_back_from_their_labels(text, blank):
    symbols = ctc.Vocabulary(tuple("abcʃç"), blank)
    labels = symbols.encode(text)
    assert symbols.decode(labels) == text
    assert symbols.blank not in labels.tolist()
    assert all(0 <= label < len(symbols) for label in labels)


def test_symbols_are_collected_from_a_corpus():
    symbols = ctc.Vocabulary.from_sequences([["b", "a"], ["c", "a"]], blank=0)
    assert symbols.symbols == ("a", "b", "c")
    assert (symbols.blank, len(symbols)) == (0, 4)
    assert ctc.Vocabulary.from_sequences(["ab"]).blank == 2


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ctc.Vocabulary(("a", "a")), "got twice: a"),
        (lambda: ctc.Vocabulary(()), "got none"),
        (lambda: ctc.Vocabulary(("a",), blank=2), "0 to 1, or -1 for the last; got 2"),
        (
            lambda: ctc.Vocabulary(("a",)).encode("ax"),
            "unknown symbols: x; known are a",
        ),
        (lambda: ctc.Vocabulary(("a",)).decode([1]), "not the blank, 1; got 1"),
        (lambda: ctc.Vocabulary(("a",)).decode([5]), "got 5"),
    ],
)
def test_symbols_that_cannot_be_are_named(make, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        make()


@pytest.fixture(scope="module")
def net():
    return networks.ctc_blstm(
        ctc.Vocabulary(("a", "b")), n_bins=3, units=(2,), stride=2
    )


def a_batch(frames=(10, 10), labels=((0, 1, -1), (0, 0, 1)), longest=10):
    spectrogram = np.zeros((len(labels), longest, 3))
    inputs = {"spectrogram": spectrogram, "frames": np.array(frames)}
    return inputs, np.array(labels)


def test_a_batch_that_is_well_passes_the_preflight(net):
    assert ctc.validate_batch(a_batch(), net) == []


@pytest.mark.parametrize(
    ("batch", "found"),
    [
        # Three outputs for two labels, one repeated: three are just enough.
        (a_batch(labels=((0, 0, -1), (0, 1, 0)), frames=(5, 6)), []),
        (
            a_batch(labels=((0, 0, -1), (0, 1, 0)), frames=(4, 4)),
            [(0, "C8"), (1, "C8")],
        ),
        (a_batch(frames=(10, 11)), [(1, "C9")]),
        (a_batch(frames=(0, 10)), [(0, "C9"), (0, "C8")]),
        (a_batch(labels=((0, 2, -1), (3, 1, 0))), [(0, "C13"), (1, "C13")]),
        (a_batch(frames=((10,), (10,))), [(0, "C10")]),
    ],
)
def test_what_is_wrong_with_a_batch_is_named(net, batch, found):
    problems = ctc.validate_batch(batch, net)
    assert [(p.utterance, p.code) for p in problems] == found
    for problem in problems:
        assert f"utterance {problem.utterance}: {problem.code}, " in str(problem)


def test_something_else_than_a_batch_is_named(net):
    with pytest.raises(errors.ArgumentError, match="a batch is"):
        ctc.validate_batch(np.zeros((3, 4)), net)
