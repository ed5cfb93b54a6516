import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import siamlab as sl
from siamlab import errors, sampling


def test_utterances_and_labels_are_padded():
    arrays = [np.full((n, 3), float(n)) for n in (10, 4, 7)]
    labels = [np.array([1, 2]), np.array([3]), np.array([1, 1, 1])]
    batches = sampling.UtteranceBatches(arrays, labels, batch_size=2, shuffle=False)
    inputs, y = batches[0]
    assert inputs["frames"].tolist() == [10, 4]
    assert inputs["spectrogram"].shape == (2, 10, 3)
    assert (inputs["spectrogram"][1] == 4).all()  # the lowest value of the batch
    assert y.tolist() == [[1, 2], [3, -1]]


def test_an_epoch_has_every_utterance_once_in_an_order_of_its_own():
    arrays, labels = [np.zeros((5, 3))] * 20, [[i] for i in range(20)]
    batches = sampling.UtteranceBatches(arrays, labels, batch_size=3, seed=2)
    first = np.concatenate([y[:, 0] for _, y in batches])
    batches.on_epoch_end()
    second = np.concatenate([y[:, 0] for _, y in batches])
    assert sorted(first) == sorted(second) == list(range(20))
    assert not np.array_equal(first, second)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 5))
def test_padding_is_at_the_end_and_is_the_lowest_value(lengths, extra):
    rng = np.random.default_rng(sum(lengths))
    arrays = [rng.normal(-40, 10, size=(n, 2)) for n in lengths]
    lowest = min(array.min() for array in arrays)
    padded, frames = sampling.pad(arrays, length=max(lengths) + extra)
    assert padded.shape == (len(lengths), max(lengths) + extra, 2)
    assert frames.tolist() == lengths
    for row, array in zip(padded, arrays, strict=True):
        np.testing.assert_allclose(row[: len(array)], array, rtol=1e-6)
        np.testing.assert_allclose(row[len(array) :], lowest, rtol=1e-6)


INVALID = {
    "got 2 and 1": lambda x: sampling.UtteranceBatches(x, [[1]]),
    "got 0 and 0": lambda x: sampling.UtteranceBatches([], []),
    "at least 1; got 0": lambda x: sampling.UtteranceBatches(x, [[1], [1]], 0),
    "at least one array; got none": lambda x: sampling.pad([]),
    "length must be at least 9; got 5": lambda x: sampling.pad(x, length=5),
}


@pytest.mark.parametrize(("message", "call"), INVALID.items())
def test_invalid_arguments_raise(call, message):
    with pytest.raises(errors.ArgumentError, match=message):
        call([np.zeros((9, 2)), np.zeros((9, 2))])


def features_with_phones(*phones, n_frames=90):
    paths = [f"{i}.wav" for i in range(len(phones))]
    table = pd.DataFrame({"speaker": "anna", "path": paths, "phones": phones})
    arrays = [np.zeros((n_frames, 4), np.float32)] * len(phones)
    return sl.Features(arrays, table, sl.Spectrogram())


GOOD = [("sil", 0.0, 0.2), ("a", 0.2, 0.5), ("b", 0.5, 0.9)]
SILENT = [("sil", 0.0, 1.0)]
UNKNOWN = [("a", 0.0, 0.5), ("x", 0.5, 1.0)]


def test_phone_labels_leave_out_and_report_what_cannot_be_labeled(capfd):
    features = features_with_phones(GOOD, SILENT, UNKNOWN, [("b", 0.0, 1.0)])
    vocabulary = sl.ctc.Vocabulary(("a", "b"))
    selected, labels = sampling.phone_labels(features, vocabulary)
    assert selected.table.path.tolist() == ["0.wav", "3.wav"]
    assert [each.tolist() for each in labels] == [[0, 1], [1]]
    assert selected.rejected.path.tolist() == ["1.wav", "2.wav"]
    assert selected.rejected.reason[0] == "its transcript is empty"
    assert "unknown symbols: x" in selected.rejected.reason[1]
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("2 of 4 utterances cannot be labeled (1.wav: its")
    with pytest.raises(errors.ArgumentError, match="none of 4 utterances can be"):
        sampling.phone_labels(features, sl.ctc.Vocabulary(("q",)))


def test_frame_labels_are_the_phones_at_the_centers():
    phones = [("a", 0.0, 0.05), ("b", 0.05, 0.09), ("a", 0.12, 0.2)]
    features = features_with_phones(phones, n_frames=18)
    vocabulary = sl.ctc.Vocabulary(("a", "b"), blank=None)
    _, (labels,) = sampling.frame_labels(features, vocabulary)
    # The centers are at 12.5 ms, 22.5 ms and so on.
    assert labels.tolist() == [0] * 4 + [1] * 4 + [-1] * 3 + [0] * 7


def test_frame_labels_report_what_cannot_be_labeled():
    features = features_with_phones(GOOD, None, UNKNOWN)
    vocabulary = sl.ctc.Vocabulary(("a", "b", "sil"), blank=None)
    selected, labels = sampling.frame_labels(features, vocabulary)
    assert [set(each.tolist()) for each in labels] == [{-1, 0, 1, 2}]
    assert selected.rejected.path.tolist() == ["1.wav", "2.wav"]
    assert selected.rejected.reason[0] == "it has no phones with times"
