import numpy as np
import pytest
from examples import ctc_lab
from hypothesis import given
from hypothesis import strategies as st

import siamlab as sl
from siamlab.labs.ctc import collapse, decode_utterance

VOCABULARY = sl.ctc.Vocabulary(("a", "b"), blank=0)
paths = st.lists(st.sampled_from([None, "a", "b"]), min_size=1, max_size=12)


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
    result = decode_utterance([[certain(path)]], VOCABULARY, ["aa"])
    assert result.decoded == ("a", "b")
    assert result.error_rate == 1 / 2
    assert result.blank_share == 4 / 8
    # Frames 4 and 5 cost 20 nats each, on three paths: a a, a blank, blank a.
    assert result.loss == pytest.approx(40 - np.log(3), abs=1e-4)


def test_symbols_are_escaped_in_the_readout():
    vocabulary = sl.ctc.Vocabulary(("<", " "))
    result = decode_utterance([[certain("< ", vocabulary)]], vocabulary, ["< "])
    assert "<b>&lt;</b> <b>␣</b>" in str(result)


def test_the_lab_shows_the_last_epoch_first():
    lab = ctc_lab()
    assert lab.epoch.value == lab.epoch.max == 2
    assert lab.result.decoded == tuple("banana")
    lab.epoch.value = 0
    assert "before training" in lab.readout.value
    # A network that was trained for fewer epochs stays as it was.
    lab.set(network="unscaled", epoch=2)
    assert "after epoch 1 of 1" in lab.readout.value
