import contextlib
import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import siamlab as sl
from siamlab import errors, sampling
from siamlab.features.arrays import Arrays
from siamlab.sampling import _groups
from siamlab.sampling.speakers import _MANY


def some_features(lengths, speakers):
    """Each value of an array tells its utterance and its frame."""
    arrays = [
        np.tile((1000 * i + np.arange(n))[:, None], (1, 3)).astype(np.float32)
        for i, n in enumerate(lengths)
    ]
    return sl.Features(arrays, pd.DataFrame({"speaker": speakers}))


@pytest.fixture
def features():
    return some_features([100] * 30, np.arange(30) // 5)


def test_a_batch_holds_segments_of_its_speakers(features):
    batches = sampling.SpeakerBatches(features, n_speakers=4, n_segments=3, n_frames=40)
    x, ids = batches[0]
    assert x.shape == (12, 40, 3)
    assert x.dtype == np.float32
    assert ids.dtype == np.int32
    names, counts = np.unique(ids, return_counts=True)
    assert (len(names), set(counts)) == (4, {3})
    utterance, first = np.divmod(x[:, 0, 0], 1000)
    assert (utterance // 5 == ids).all()
    for segment, start in zip(x, first, strict=True):
        np.testing.assert_array_equal(np.diff(segment[:, 0]), 1)
        assert 0 <= start <= 60
    # Utterances of a speaker differ while there are enough.
    assert len(set(utterance)) == 12


def test_a_loop_over_batches_ends(features):
    batches = sampling.SpeakerBatches(
        features, n_speakers=2, n_segments=2, steps_per_epoch=3
    )
    assert len(list(iter(batches))) == 3
    np.testing.assert_array_equal(batches[-1][0], batches[2][0])
    labels = [np.array([1])] * 30
    assert len(list(iter(sampling.UtteranceBatches(features, labels, 8)))) == 4


def test_ids_count_the_names(features):
    batches = sampling.SpeakerBatches(features, n_speakers=6)
    x, ids = batches[0]
    assert (batches.names[ids].astype(int) == x[:, 0, 0] // 5000).all()


def test_a_batch_depends_on_seed_epoch_and_index_alone(features):
    first, second = (
        sampling.SpeakerBatches(features, n_speakers=4, steps_per_epoch=5, seed=3)
        for _ in range(2)
    )
    forwards = [first[i] for i in range(5)]
    backwards = [second[i] for i in reversed(range(5))][::-1]
    for (x, ids), (y, others) in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(ids, others)
    second.on_epoch_end()
    assert not np.array_equal(second[0][0], forwards[0][0])
    other = sampling.SpeakerBatches(features, n_speakers=4, steps_per_epoch=5, seed=4)
    assert not np.array_equal(other[0][0], forwards[0][0])
    assert len({x.tobytes() for x, _ in forwards}) == 5


def test_all_speakers_are_taken_where_there_are_fewer_than_asked_for(features):
    assert sampling.SpeakerBatches(features, n_speakers=99)[0][0].shape[0] == 24


def test_every_place_of_a_recording_is_seen():
    features = some_features([50, 50], ["a", "b"])
    batches = sampling.SpeakerBatches(
        features, n_segments=4, n_frames=40, steps_per_epoch=60
    )
    starts = {int(s) % 1000 for i in range(60) for s in batches[i][0][:, 0, 0]}
    assert starts == set(range(11))


def test_an_epoch_shows_as_much_as_there_is(features):
    # 30 utterances of 2 whole segments, 8 at a time.
    batches = sampling.SpeakerBatches(features, n_speakers=2, n_segments=4, n_frames=40)
    assert len(batches) == 8


def test_short_recordings_are_repeated():
    short = np.arange(7)[:, None]
    expected = np.tile(np.arange(7), 6)[:40]
    found = sampling.segment(short, 40, np.random.default_rng(0))
    np.testing.assert_array_equal(found[:, 0], expected)
    np.testing.assert_array_equal(sampling.segments(short, 40)[0, :, 0], expected)


@given(st.integers(1, 60), st.integers(1, 20), st.one_of(st.none(), st.integers(1, 9)))
def test_segments_are_those_of_a_loop(n, frames, hop):
    array = np.arange(2 * n).reshape(n, 2)
    found = sampling.segments(array, frames, hop)
    if n < frames:
        assert len(found) == 1
        return
    step = hop or frames
    expected = [array[i : i + frames] for i in range(0, n - frames + 1, step)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"segments": 1}, "segments must be at least 2; got 1"),
        ({"speakers": 1}, "speakers must be at least 2; got 1"),
        ({"frames": 0}, "frames must be at least 1; got 0"),
        ({"steps": 0}, "steps must be at least 1; got 0"),
    ],
)
def test_numbers_out_of_range_are_named(features, arguments, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        sampling.SpeakerBatches(features, **arguments)


@pytest.mark.parametrize("workers", [1, 3])
def test_however_many_workers_draw_training_sees_the_same(features, workers):
    import keras

    class Seen(keras.metrics.Metric):
        """Sum of what a batch holds, so that the order of batches counts."""

        def __init__(self):
            super().__init__()
            self.total = self.add_variable((), "zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            # Keras hands labels over as a column.
            ids = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "float32")
            first = keras.ops.sum(ids * y_pred[:, 0])
            self.total.assign(self.total * 1.5 + first / 1e4)

        def result(self):
            return self.total + 0.0

    model = keras.Sequential([keras.Input((40, 3)), keras.layers.Flatten()])

    def loss(y_true, y_pred):
        return keras.ops.mean(y_pred) * 0.0

    model.compile(loss=loss, metrics=[Seen()])
    batches = sampling.SpeakerBatches(
        features, n_speakers=4, steps_per_epoch=6, workers=workers, max_queue_size=4
    )
    again = sampling.SpeakerBatches(features, n_speakers=4, steps_per_epoch=6)
    again.on_epoch_end()  # Keras looks at two batches first, and starts anew
    seen = model.evaluate(batches, verbose=0)[1]
    expected = 0.0
    for x, ids in (again[i] for i in range(6)):
        expected = expected * 1.5 + np.sum(ids * x[:, 0, 0]) / 1e4
    assert seen == pytest.approx(expected, rel=1e-4)


def test_batches_survive_pickling(features):
    batches = sampling.SpeakerBatches(features, n_speakers=4)
    again = pickle.loads(pickle.dumps(batches))
    np.testing.assert_array_equal(again[2][0], batches[2][0])


def test_utterances_are_padded_and_their_labels_too():
    features = some_features([10, 4, 7], list("abc"))
    labels = [np.array([1, 2]), np.array([3]), np.array([1, 1, 1])]
    batches = sampling.UtteranceBatches(features, labels, batch_size=2, shuffle=False)
    assert len(batches) == 2
    x, y = batches[0]
    assert x["frames"].tolist() == [10, 4]
    np.testing.assert_array_equal(x["spectrogram"][1, :4], features[1])
    assert not x["spectrogram"][1, 4:].any()
    assert y.tolist() == [[1, 2], [3, -1]]


def test_an_epoch_shows_every_utterance_once_in_an_order_of_its_own():
    features = some_features(range(5, 25), ["a"] * 20)
    labels = [np.array([i]) for i in range(20)]
    batches = sampling.UtteranceBatches(features, labels, batch_size=3, seed=1)
    orders = []
    for _ in range(2):
        orders.append([y for i in range(len(batches)) for y in batches[i][1][:, 0]])
        batches.on_epoch_end()
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1] != list(range(20))


def test_labels_have_to_be_as_many_as_utterances():
    features = some_features([5, 5], ["a", "a"])
    with pytest.raises(errors.ArgumentError, match="2 utterances and 1 labels"):
        sampling.UtteranceBatches(features, [[1]])


def test_a_frame_has_the_phone_of_its_centre():
    spectrogram = sl.Spectrogram()
    phones = [("a", 0.0, 0.05), ("b", 0.05, 0.09), ("a", 0.12, 0.2)]
    table = pd.DataFrame({"speaker": ["x"], "phones": [phones]})
    features = sl.Features([np.zeros((18, 2))], table, spectrogram)
    symbols = sl.ctc.Vocabulary(("a", "b"), blank=None)
    same, (labels,) = sampling.frame_labels(features, symbols)
    assert same is features
    # Centers at 12.5 ms, 22.5 ms and so on.
    assert labels.tolist() == [0] * 4 + [1] * 4 + [-1] * 3 + [0] * 7


def test_frames_without_times_of_phones_are_named():
    table = pd.DataFrame({"speaker": ["x"], "phones": [None]})
    features = sl.Features([np.zeros((18, 2))], table, sl.Spectrogram())
    with pytest.raises(errors.ArgumentError, match="row 0: it has no phones"):
        sampling.frame_labels(features, sl.ctc.Vocabulary(("a",), blank=None))


def test_one_speaker_is_too_few_and_named():
    features = some_features([50, 50], ["anna", "anna"])
    with pytest.raises(errors.ArgumentError, match=r"2 speakers; got 1 \(anna\)"):
        sampling.SpeakerBatches(features)


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=5),
    st.integers(2, 6),
    st.integers(2, 5),
    st.integers(0, 99),
)
def test_a_batch_is_p_speakers_by_k_segments(utterances, speakers, segments, seed):
    names = np.repeat([f"s{i}" for i in range(len(utterances))], utterances)
    features = some_features([12] * len(names), names)
    batches = sampling.SpeakerBatches(features, speakers, segments, 5, seed=seed)
    x, ids = batches[0]
    p = min(speakers, len(utterances))
    assert x.shape == (p * segments, 5, 3)
    found, counts = np.unique(ids, return_counts=True)
    assert len(found) == p
    assert set(counts) == {segments}
    of = (x[:, 0, 0] // 1000).astype(int)
    assert (names[of] == batches.names[ids]).all()
    for speaker in found:
        # Each utterance at most once, where a speaker has as many as are drawn.
        if utterances[speaker] >= segments:
            assert len(set(of[ids == speaker])) == segments


@pytest.mark.parametrize("workers", [1, 2])
def test_each_epoch_of_a_training_is_an_epoch_of_batches(features, workers):
    import keras

    seen = []

    class Watched(keras.Model):
        def call(self, inputs):
            if hasattr(inputs, "numpy"):  # Keras builds with a symbol first
                seen.append(float(keras.ops.sum(inputs)))
            return keras.ops.mean(inputs, axis=(1, 2))[:, None]

        def train_step(self, data):
            self(data[0])
            return {"loss": 0.0}

    settings = {"speakers": 3, "segments": 2, "steps": 3}
    model = Watched()
    model.compile(run_eagerly=True)
    batches = sampling.SpeakerBatches(features, **settings, workers=workers)
    model.fit(batches, epochs=3, verbose=0)

    again = sampling.SpeakerBatches(features, **settings)
    epochs = []
    for _ in range(4):
        epochs.append(sorted(float(np.sum(x)) for x, _ in (again[i] for i in range(3))))
        again.on_epoch_end()
    # Keras shuffles the batches of an epoch, and ends one before the first.
    found = [sorted(seen[-9:][i : i + 3]) for i in (0, 3, 6)]
    np.testing.assert_allclose(found, epochs[1:], rtol=1e-5)


@pytest.mark.parametrize("ending", ["interrupted", "stopped"])
def test_batches_train_again_after_a_training_that_broke_off(features, ending):
    import keras

    class Breaks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2 and ending == "interrupted":
                raise KeyboardInterrupt
            self.model.stop_training = batch == 2

    class Counts(keras.callbacks.Callback):
        steps = 0

        def on_train_batch_begin(self, batch, logs=None):
            self.steps += 1

    model = keras.Sequential(
        [keras.Input((40, 3)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model.compile(loss="mse")
    batches = sampling.SpeakerBatches(
        features, n_speakers=3, n_segments=2, steps_per_epoch=9
    )
    with contextlib.suppress(KeyboardInterrupt):
        model.fit(batches, epochs=3, verbose=0, callbacks=[Breaks()])
    counts = Counts()
    model.fit(batches, epochs=2, verbose=0, callbacks=[counts])
    assert counts.steps == 18


@pytest.mark.parametrize(
    ("cut", "sentence"),
    [
        (lambda x: sampling.segments(x, 0), "frames must be at least 1; got 0"),
        (lambda x: sampling.segments(x, 4, 0), "hop must be at least 1; got 0"),
        (lambda x: sampling.segments(x, 4, -1), "hop must be at least 1; got -1"),
        (lambda x: sampling.segments(x[:0], 4), r"nothing to cut .* shape \(0, 3\)"),
        (
            lambda x: sampling.segment(x[:0], 4, np.random.default_rng(0)),
            r"nothing to cut .* shape \(0, 3\)",
        ),
    ],
)
def test_segments_that_cannot_be_cut_are_named(cut, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        cut(np.zeros((20, 3)))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 5))
def test_padding_comes_after_and_is_the_lowest_value(lengths, more):
    rng = np.random.default_rng(sum(lengths))
    arrays = [rng.normal(-40, 10, size=(n, 2)) for n in lengths]
    lowest = min(array.min() for array in arrays)
    padded, frames = sampling.pad(arrays, length=max(lengths) + more)
    assert padded.shape == (len(lengths), max(lengths) + more, 2)
    assert frames.tolist() == lengths
    for row, array in zip(padded, arrays, strict=True):
        np.testing.assert_allclose(row[: len(array)], array, rtol=1e-6)
        np.testing.assert_allclose(row[len(array) :], lowest, rtol=1e-6)


def test_padding_that_cannot_be_is_named():
    with pytest.raises(errors.ArgumentError, match="at least one array; got none"):
        sampling.pad([])
    with pytest.raises(errors.ArgumentError, match="the longest, 9, at least; got 5"):
        sampling.pad([np.zeros((9, 2))], length=5)


@pytest.fixture
def said():
    """Two utterances in order, one without a word, one with a foreign phone."""
    phones = [
        [("sil", 0.0, 0.2), ("a", 0.2, 0.5), ("b", 0.5, 0.9)],
        [("sil", 0.0, 1.0)],
        [("a", 0.0, 0.5), ("x", 0.5, 1.0)],
        [("b", 0.0, 1.0)],
    ]
    paths = [f"{name}.wav" for name in ("good", "silent", "foreign", "fine")]
    table = pd.DataFrame({"speaker": "anna", "path": paths, "phones": phones})
    return sl.Features([np.zeros((90, 4), np.float32)] * 4, table, sl.Spectrogram())


def test_what_cannot_be_labeled_is_named_and_the_others_come_out(said, capfd):
    symbols = sl.ctc.Vocabulary(("a", "b"))
    kept, labels = sampling.phone_labels(said, symbols)
    assert kept.table.path.tolist() == ["good.wav", "fine.wav"]
    assert [each.tolist() for each in labels] == [[0, 1], [1]]
    assert kept.rejected.path.tolist() == ["silent.wav", "foreign.wav"]
    assert kept.rejected.reason[0] == "its transcript is empty"
    assert "unknown symbols: x; known are a b" in kept.rejected.reason[1]
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("2 of 4 utterances cannot be labeled (silent.wav: its")
    with pytest.raises(errors.ArgumentError, match="its transcript is em"):
        sampling.phone_labels(said, symbols, strict=True)
    with pytest.raises(errors.ArgumentError, match="none of 4 utterances can be"):
        sampling.phone_labels(said, sl.ctc.Vocabulary(("q",)))


def test_frames_of_what_cannot_be_labeled_are_named_too(said):
    said.table.at[0, "phones"] = None
    symbols = sl.ctc.Vocabulary(("a", "b", "sil"), blank=None)
    kept, labels = sampling.frame_labels(said, symbols)
    assert kept.table.path.tolist() == ["silent.wav", "fine.wav"]
    assert [set(each.tolist()) for each in labels] == [{2}, {1}]
    assert kept.rejected.path.tolist() == ["good.wav", "foreign.wav"]
    assert kept.rejected.reason[0] == "it has no phones with times"


@given(st.lists(st.sampled_from(["b", "a", "", "ab", "c"]), min_size=1))
def test_groups_are_those_of_a_sort(column):
    names, numbers = _groups.groups(pd.Series(column))
    expected = np.unique(np.array(column, str), return_inverse=True)
    np.testing.assert_array_equal(names, expected[0])
    np.testing.assert_array_equal(numbers, expected[1])
    for i, rows in enumerate(_groups.members(numbers, len(names))):
        np.testing.assert_array_equal(rows, np.flatnonzero(numbers == i))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=30)
)
def test_others_of_a_group_are_counted_as_they_would_be_listed(rows):
    groups, speakers = np.array(rows).T
    of_others = _groups.OfOthers(groups, speakers)
    for i in range(len(rows)):
        listed = np.flatnonzero((groups == groups[i]) & (speakers != speakers[i]))
        found = of_others(i)
        assert [found[k] for k in range(len(found))] == listed.tolist()


def test_an_order_is_drawn_once_for_an_epoch(features, monkeypatch):
    batches = sampling.UtteranceBatches(features, [[1]] * 30, 7, seed=2)
    seen = []
    rows = batches._rows
    monkeypatch.setattr(
        batches, "_rows", lambda *ends: seen.append(rows(*ends)) or seen[-1]
    )
    for epoch in range(2):
        seen.clear()
        assert len(list(iter(batches))) == 5
        expected = np.random.default_rng((2, epoch)).permutation(np.arange(30))
        np.testing.assert_array_equal(np.concatenate(seen), expected)
        order = batches._order[1]
        assert batches[3] is not None
        assert batches._order[1] is order
        batches.on_epoch_end()


class Unread:
    """A spectrogram that counts how often something was cut out of it."""

    def __init__(self, array):
        self._array, self.cuts = array, 0

    def __len__(self):
        return len(self._array)

    def __getitem__(self, frames):
        self.cuts += 1
        return self._array[frames]


@given(
    workers=st.integers(1, 6),
    share=st.integers(1, 5),
    segments=st.integers(2, 6),
    seed=st.integers(0, 2**32 - 1),
    index=st.integers(0, 3),
)
def test_the_shares_of_the_workers_are_the_batch_of_one(
    workers, share, segments, seed, index
):
    # So many speakers that the rows can be shared out; some utterances are too short.
    speakers = max(2, workers * share)
    features = some_features([100, 30, 41] * speakers, np.arange(3 * speakers) // 3)
    settings = {
        "speakers": speakers,
        "segments": segments,
        "steps": 4,
        "seed": seed,
        "epoch": 2,
    }
    x, ids = sampling.SpeakerBatches(features, **settings)[index]
    shares = [
        sampling.SpeakerBatches(features, shard=(rank, workers), **settings)[index]
        for rank in range(workers)
    ]
    np.testing.assert_array_equal(np.concatenate([s[0] for s in shares]), x)
    np.testing.assert_array_equal(np.concatenate([s[1] for s in shares]), ids)


def test_a_worker_reads_its_own_rows_alone():
    plain = some_features([100] * 30, np.arange(30) // 5)
    counted = sl.Features([Unread(array) for array in plain], plain.table)
    batches = sampling.SpeakerBatches(counted, n_speakers=6, n_segments=5, shard=(1, 3))
    x, _ = batches[0]
    cuts = np.array([array.cuts for array in counted])
    assert cuts.sum() == len(x) == 10
    np.testing.assert_array_equal(np.flatnonzero(cuts), np.unique(x[:, 0, 0] // 1000))


def test_a_batch_that_cannot_be_shared_evenly_says_what_to_do(features):
    with pytest.raises(
        errors.ArgumentError, match="4 workers cannot share the 18 rows"
    ):
        sampling.SpeakerBatches(features, n_speakers=6, n_segments=3, shard=(0, 4))
    with pytest.raises(errors.ArgumentError, match=r"got \(2, 2\)"):
        sampling.SpeakerBatches(features, shard=(2, 2))


class OnDemand(Arrays):
    """A corpus too large to look at: only stretches can be had, and are counted."""

    def __init__(self, lengths):
        self._lengths = lengths
        self.cuts = []

    def __len__(self):
        return len(self._lengths)

    def __getitem__(self, index):
        raise AssertionError("a whole utterance was read")

    @property
    def lengths(self):
        return self._lengths

    def cut(self, index, first, frames):
        self.cuts.append((index, first))
        return np.zeros((frames, 2), np.float32)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (sampling.SpeakerBatches, {"speakers": 4, "segments": 3}),
        (sampling.PairBatches, {"batch_size": 6}),
        (sampling.PairBatches, {"batch_size": 6, "hard": "sex"}),
    ],
)
def test_a_large_corpus_costs_some_bytes_an_utterance_and_no_reading(kind, arguments):
    n = 100_000
    speaker = np.arange(n) // 100
    table = pd.DataFrame(
        {
            "speaker": np.array([f"s{k}" for k in range(1000)], object)[speaker],
            "sex": np.array(["F", "M"], object)[speaker % 2],
        }
    )
    features = sl.Features(OnDemand(np.full(n, 800, np.int32)), table)
    tracemalloc.start()
    try:
        batches = kind(features, **arguments)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / n < 100
    assert len(batches) > 1000
    assert features.arrays.cuts == []
    batches[7]
    assert len(features.arrays.cuts) == 12
    if kind is sampling.PairBatches:
        sampling.audit(kind(features, steps=2, **arguments))
    assert len(features.arrays.cuts) == 12


@pytest.mark.parametrize("n", [1000, _MANY + 1])
def test_speakers_of_a_batch_differ_and_are_drawn_by_chance(n):
    table = pd.DataFrame({"speaker": [f"s{k:05}" for k in range(n) for _ in range(2)]})
    features = sl.Features(OnDemand(np.full(2 * n, 50, np.int32)), table)
    size = n // 5
    batches = sampling.SpeakerBatches(
        features, n_speakers=size, n_segments=2, n_frames=1, steps_per_epoch=40
    )
    drawn, orders = np.zeros(n, int), []
    for _, ids in batches:
        names = ids[::2]
        assert len(set(names)) == size
        drawn[names] += 1
        orders.append(np.corrcoef(names, np.arange(size))[0, 1])
    # Binomial: 40 draws of a fifth each. Limits are five standard deviations or more.
    assert drawn.sum() == 40 * size
    assert drawn.var() == pytest.approx(40 * 0.2 * 0.8, rel=5 * np.sqrt(2 / n))
    assert abs(np.corrcoef(drawn, np.arange(n))[0, 1]) < 5 / np.sqrt(n)
    assert abs(np.mean(orders)) < 5 / np.sqrt(40 * size)
