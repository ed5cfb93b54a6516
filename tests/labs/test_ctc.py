import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import recorded
from matplotlib.colors import to_rgb

import siamlab as sl
from siamlab.labs import CTCLab, collapse, read_off

SYMBOLS = sl.ctc.Vocabulary(("a", "b"), blank=0)
paths = st.lists(st.sampled_from([None, "a", "b"]), min_size=1, max_size=12)


def certain(path, symbols=SYMBOLS):
    """Logits of a network that has no doubt about its path."""
    labels = [symbols.blank if p is None else symbols.encode([p])[0] for p in path]
    return 20.0 * np.eye(len(symbols))[labels]


@pytest.fixture
def lab():
    outputs, symbols, truth, phones = recorded()
    return CTCLab(outputs, symbols, truth, hop_seconds=0.01, phones=phones)


def test_a_path_is_collapsed_rule_by_rule():
    path = [None, "a", "a", None, "a", "b", "b", None]
    assert collapse(path, stage=0) == list(range(8))
    assert collapse(path, stage=1) == [0, 1, 3, 4, 5, 7]
    assert collapse(path, stage=2) == [1, 4, 5]


@given(paths)
def test_both_rules_are_what_greedy_decoding_does(path):
    decoded = sl.ctc.greedy_decode(certain(path), SYMBOLS.blank)
    assert [path[t] for t in collapse(path)] == SYMBOLS.decode(decoded)


@given(paths)
def test_each_rule_only_takes_away(path):
    stages = [set(collapse(path, stage)) for stage in (0, 1, 2)]
    assert stages[0] >= stages[1] >= stages[2]
    for t in stages[0] - stages[1]:
        assert path[t] == path[t - 1]
    for t in stages[1] - stages[2]:
        assert path[t] is None


def test_the_numbers_by_hand():
    path = [None, "a", "a", None, "b", "b", None, None]
    found = read_off([[certain(path)]], SYMBOLS, ["aa"])
    assert found.heard == ("a", "b")
    assert found.error_rate == 1 / 2
    assert found.blank_share == 4 / 8
    # Frames 4 and 5 are 20 nats off each, on three paths: a a, a blank, blank a.
    assert found.loss == pytest.approx(40 - np.log(3), abs=1e-4)


def test_the_loss_is_that_of_all_paths_that_spell_the_phones(rng):
    """The slow, obvious way: go through all 3 ** 5 paths."""
    logits = rng.normal(size=(5, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = [None, "a", "b"]
    spelt = 0.0
    for labels in itertools.product(range(3), repeat=5):
        path = [names[label] for label in labels]
        if [path[t] for t in collapse(path)] == ["a", "b"]:
            spelt += np.prod(p[np.arange(5), labels])
    found = read_off([[logits]], SYMBOLS, ["ab"])
    assert found.loss == pytest.approx(-np.log(spelt))
    np.testing.assert_allclose(found.posteriors, p)
    np.testing.assert_allclose(found.lattice.sum(axis=1), 1)


def test_the_readout_strikes_out_what_the_last_rule_took():
    logits = [[certain([None, "a", "a", "b"])]]
    struck = '<s style="color:#999">{}</s>'.format
    lines = [
        str(read_off(logits, SYMBOLS, ["ab"], stage=stage)).split("<br>")[-1]
        for stage in (0, 1, 2)
    ]
    assert lines == [
        "path as it is, 4 left: <b>-</b> <b>a</b> <b>a</b> <b>b</b>",
        f"repeats joined, 3 left: <b>-</b> <b>a</b> {struck('a')} <b>b</b>",
        f"blanks dropped, 2 left: {struck('-')} <b>a</b> <b>b</b>",
    ]


def test_symbols_that_mean_something_to_a_browser_are_shown():
    symbols = sl.ctc.Vocabulary(("<", " "))
    found = read_off([[certain(["<", " "], symbols)]], symbols, ["< "])
    assert "<b>&lt;</b> <b>␣</b>" in str(found)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_the_picture_writes_and_strikes_the_same_letters(lab, stage):
    lab.stage.value = stage
    path = lab.found.path
    left = [len(collapse(path, s)) for s in range(stage + 1)]
    places = lab._picture._letters.get_offsets()
    rows = np.round(2 - places[:, 1]).astype(int)
    assert np.bincount(rows).tolist() == left
    strokes = np.isnan(lab._picture._strokes.get_xdata()).sum()
    assert strokes == left[0] - left[-1]
    colors = lab._picture._letters.get_facecolors()[:, :3]
    standing = (colors == to_rgb("#0072B2")).all(axis=1)
    assert standing.sum() == len(places) - strokes


def test_the_lab_shows_the_plain_functions_numbers(lab):
    outputs, symbols, truth, _ = recorded()
    lab.set(network="scaled", utterance=1, epoch=1, stage=1)
    expected = read_off(outputs["scaled"], symbols, truth, 1, epoch=1, stage=1)
    assert lab.found == expected
    assert lab.readout.value == str(expected)
    assert f"loss <b>{expected.loss:.1f} nats</b>" in lab.readout.value


def test_it_begins_with_the_trained_network_and_its_decoded_text(lab):
    assert lab.epoch.value == lab.epoch.max == 2
    assert lab.found.heard == tuple("banana")
    lab.epoch.value = 0
    assert lab.found.error_rate > 0.5
    assert "before training" in lab.readout.value


def test_a_network_that_was_trained_for_less_stays_as_it_was(lab):
    lab.network.value = "unscaled"
    assert lab.found.epoch == 1
    assert "after epoch 1 of 1" in lab.readout.value
    picture = lab.image.value
    lab.epoch.value = 1
    assert lab.image.value == picture


def test_there_is_no_choice_of_networks_where_there_is_one():
    outputs, symbols, truth, _ = recorded()
    lab = CTCLab({"scaled": outputs["scaled"]}, symbols, truth, hop_seconds=0.01)
    assert not hasattr(lab, "network")
    assert lab.found.heard == tuple("banana")


def test_columns_of_a_table_will_do():
    outputs, symbols, truth, phones = recorded()
    rows = {"said": truth, "phones": phones, "name": ["one", "two"]}
    table = pd.DataFrame(rows, index=[7, 3])
    truth, phones, names = table.said, table.phones, table.name
    lab = CTCLab(outputs, symbols, truth, hop_seconds=0.01, phones=phones, names=names)
    lab.utterance.label = "two"
    assert lab.found.said == tuple("abba")


def test_silences_and_sentences_that_were_never_timed_have_no_borders():
    outputs, symbols, truth, phones = recorded()
    timed = [("sil", -0.1, 0.0), *phones[0], ("sil", 0.3, 0.4)]
    lab = CTCLab(outputs, symbols, truth, hop_seconds=0.01, phones=[timed, []])
    borders = lab._picture._borders[0]
    times = [segment[0, 0] for segment in borders.get_segments()]
    np.testing.assert_allclose(times, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
    lab.utterance.value = 1
    assert borders.get_segments() == []


def test_an_epoch_before_the_first_is_refused():
    with pytest.raises(sl.SiamlabError, match="0, before training, or more; got -1"):
        read_off([[certain("ab")]], SYMBOLS, ["ab"], epoch=-1)
    with pytest.raises(sl.SiamlabError, match="0, 1 or 2 rules; got 3"):
        collapse(["a"], stage=3)


def test_what_does_not_fit_is_named():
    sure = certain(["a", None, "b"])

    def refused(message, outputs, truth=("ab",), symbols=SYMBOLS, **more):
        with pytest.raises(sl.SiamlabError, match=message):
            CTCLab(outputs, symbols, truth, hop_seconds=0.01, **more)

    refused("got 1 utterances and these epochs by network: {}", {})
    refused("got 1 utterances .* {'small': 0}", {"small": []})
    refused("got 0 utterances", {"small": [[]]}, truth=())
    refused(
        r"outputs\['small'\]\[0\] must hold .* 1 true .*; got 2",
        {"small": [[sure] * 2]},
    )
    other = {"small": [[sure], [sure[:2]]]}
    refused(r"\[1\]\[0\] must have shape \(3, 3\), .*; got \(2, 3\)", other)
    diverged = {"small": [[sure], [np.full_like(sure, np.nan)]]}
    refused(r"outputs\['small'\]\[1\]\[0\] must be finite", diverged)
    refused("frames for 4 labels", {"small": [[sure]]}, truth=("abab",))
    refused("unknown symbols: c", {"small": [[sure]]}, truth=("c",))
    refused("reference must contain at least one phone", {"small": [[sure]]}, truth=("",))
    unblanked = sl.ctc.Vocabulary(("a", "b", "c"), blank=None)
    refused("needs symbols with a blank", {"small": [[sure]]}, symbols=unblanked)
    refused("names must have .* 1 utterances; got 2", {"small": [[sure]]}, names="xy")
    refused("phones must have .*; got 0", {"small": [[sure]]}, phones=[])
