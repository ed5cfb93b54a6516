"""The CTC lab: outputs of a phone recognizer, decoded with the two rules of CTC."""

import numpy as np
import pytest
from examples import phone_outputs
from hypothesis import given
from hypothesis import strategies as st

import siamlab as sl
from siamlab.labs.ctc import CTCLab, collapse, decode_utterance

VOCABULARY = sl.ctc.Vocabulary(("a", "b"), blank=0)
N_EPOCHS = 15
paths = st.lists(st.sampled_from([None, "a", "b"]), min_size=1, max_size=12)


def make():
    """A network that learns for 15 epochs, and one that stops after the first."""
    outputs, vocabulary, _, times = phone_outputs()
    before, _, after = outputs["scaled"]
    learns = [
        [a + epoch / N_EPOCHS * (b - a) for a, b in zip(before, after, strict=True)]
        for epoch in range(N_EPOCHS + 1)
    ]
    outputs["scaled"] = learns
    return CTCLab(outputs, vocabulary, times, hop_seconds=0.01)


def settings(rng):
    """Random values of all controls."""
    return {
        "network": str(rng.choice(["scaled", "unscaled"])),
        "epoch": int(rng.integers(N_EPOCHS + 1)),
        "utterance": int(rng.integers(2)),
        "stage": int(rng.integers(3)),
    }


def numbers(result):
    """What the view computes, too."""
    return {
        "kept": collapse(result.path, result.stage),
        "loss": result.loss,
        "error_rate": result.error_rate,
        "blank_share": result.blank_share,
    }


def certain(path, vocabulary=VOCABULARY):
    """Logits of a network that gives its path a probability near 1."""
    labels = [
        vocabulary.blank if symbol is None else vocabulary.encode([symbol])[0]
        for symbol in path
    ]
    return 20.0 * np.eye(len(vocabulary))[labels]


@given(paths)
def test_the_rules_give_what_greedy_decoding_gives(path):
    decoded = sl.ctc.greedy_decode(certain(path), VOCABULARY.blank)
    assert [path[t] for t in collapse(path)] == VOCABULARY.decode(decoded)
    stages = [set(collapse(path, stage)) for stage in (0, 1, 2)]
    assert stages[0] >= stages[1] >= stages[2]
    assert all(path[t] == path[t - 1] for t in stages[0] - stages[1])
    assert all(path[t] is None for t in stages[1] - stages[2])


def test_numbers_by_hand():
    path = [None, "a", "a", None, "b", "b", None, None]
    result = decode_utterance(certain(path), VOCABULARY, "aa")
    assert result.decoded == ["a", "b"]
    assert result.error_rate == 1 / 2
    assert result.blank_share == 4 / 8
    # Frames 4 and 5 cost 20 nats each, on three paths: a a, a blank, blank a.
    assert result.loss == pytest.approx(40 - np.log(3), abs=1e-4)


def test_the_lab_shows_the_last_epoch_first():
    lab = make()
    assert lab.epoch == N_EPOCHS
    assert lab.result.decoded == list("banana")
    # A network that was trained for fewer epochs stays as it was.
    lab.set(network="unscaled", epoch=2)
    assert lab.readout.endswith("blanks removed: (nothing)")


UNSUITABLE = {
    "must be finite": {"logits": np.full((3, 3), np.nan)},
    "frames for 4 labels": {"phones": "abab"},
    "unknown symbols: c": {"phones": "c"},
    "one for each of": {"vocabulary": sl.ctc.Vocabulary(("a", "b"), None)},
}


@pytest.mark.parametrize(("message", "changes"), UNSUITABLE.items())
def test_unsuitable_data_are_refused(message, changes):
    data = {"logits": np.ones((3, 3)), "vocabulary": VOCABULARY, "phones": "ab"}
    with pytest.raises(sl.SiamlabError, match=message):
        decode_utterance(**data | changes)


def test_there_is_a_name_for_each_utterance():
    outputs, vocabulary, _, times = phone_outputs()
    with pytest.raises(sl.SiamlabError, match="names of 2 utterances; got"):
        CTCLab(outputs, vocabulary, times, hop_seconds=0.01, names=["one"])
