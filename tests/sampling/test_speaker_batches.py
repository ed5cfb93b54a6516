import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numbered import numbered_features

import siamlab as sl
from siamlab import errors, sampling


@pytest.fixture
def features():
    """Six speakers with five utterances each."""
    return numbered_features(np.arange(30) // 5)


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=5),
    st.integers(2, 5),
    st.integers(0, 99),
    st.data(),
)
def test_a_batch_has_k_segments_of_each_of_p_speakers(n_utterances, k, seed, data):
    p = data.draw(st.integers(2, len(n_utterances)))
    names = np.repeat([f"s{i}" for i in range(len(n_utterances))], n_utterances)
    features = numbered_features(names, 12)
    batches = sampling.SpeakerBatches(features, p, k, 5, seed=seed)
    x, ids = batches[0]
    assert x.shape == (p * k, 5, 4)
    assert (x.dtype, ids.dtype) == (np.float32, np.int32)
    np.testing.assert_array_equal(np.diff(x[:, :, 0], axis=1), 1)
    speakers, counts = np.unique(ids, return_counts=True)
    assert len(speakers) == p
    assert set(counts) == {k}
    utterances = (x[:, 0, 0] // 1000).astype(int)
    assert (names[utterances] == batches.names[ids]).all()
    for speaker in speakers:
        if n_utterances[speaker] >= k:
            assert len(set(utterances[ids == speaker])) == k


def test_a_batch_depends_only_on_seed_epoch_and_index(features):
    def batches(seed, epoch=0):
        return sampling.SpeakerBatches(features, 4, seed=seed, epoch=epoch)

    earlier = batches(seed=3)
    x = earlier[2][0]
    np.testing.assert_array_equal(batches(seed=3)[2][0], x)
    for other in (earlier[1], batches(seed=4)[2], batches(seed=3, epoch=1)[2]):
        assert not np.array_equal(other[0], x)
    earlier.on_epoch_end()
    again = pickle.loads(pickle.dumps(earlier))
    for each in (earlier, again):
        np.testing.assert_array_equal(each[2][0], batches(seed=3, epoch=1)[2][0])


def test_a_for_loop_over_batches_ends(features):
    batches = sampling.SpeakerBatches(features, 2, 2, steps_per_epoch=3)
    assert len(list(iter(batches))) == 3
    np.testing.assert_array_equal(batches[-1][0], batches[2][0])


def test_segments_start_at_every_position():
    features = numbered_features(["a", "b"], 50)
    batches = sampling.SpeakerBatches(features, 2, n_frames=40, steps_per_epoch=60)
    starts = {int(s) % 1000 for x, _ in batches for s in x[:, 0, 0]}
    assert starts == set(range(11))


def test_by_default_an_epoch_has_as_many_segments_as_the_corpus(features):
    # 30 utterances of two segments each, six segments per batch.
    batches = sampling.SpeakerBatches(features, 2, 3, n_frames=40)
    assert len(batches) == 10
    assert {i for _, ids in batches for i in ids} == set(range(6))  # all speakers
    assert len(sampling.PairBatches(features, batch_size=3 * 2, n_frames=40)) == 5


INVALID = {
    "n_segments must be at least 2; got 1": {"n_segments": 1},
    "n_speakers must be at least 2; got 1": {"n_speakers": 1},
    "n_speakers must be at most 6, .*got 7": {"n_speakers": 7},
    "n_frames must be at least 1; got 0": {"n_frames": 0},
    "steps_per_epoch must be at least 1; got 0": {"steps_per_epoch": 0},
    "epoch must be at least 0; got -1": {"epoch": -1},
    "divisible by the 4 processes; got 18": {"n_segments": 3, "shard": (0, 4)},
    r"got \(2, 2\)": {"shard": (2, 2)},
}


@pytest.mark.parametrize(("message", "arguments"), INVALID.items())
def test_invalid_arguments_raise(features, arguments, message):
    with pytest.raises(errors.ArgumentError, match=message):
        sampling.SpeakerBatches(features, **{"n_speakers": 6, **arguments})


@pytest.mark.parametrize("kind", [sampling.SpeakerBatches, sampling.PairBatches])
def test_no_speaker_and_a_single_speaker_raise(kind):
    message = r"must be Features; got a list\. Call siamlab\.extract, or Features\("
    with pytest.raises(errors.ArgumentError, match=message):
        kind([np.zeros((50, 8))])
    with pytest.raises(errors.ArgumentError, match=r"2 speakers; got 1 \(anna\)"):
        kind(numbered_features(["anna", "anna"]))


@given(
    n_processes=st.integers(1, 6),
    speakers_per_process=st.integers(1, 5),
    n_segments=st.integers(2, 6),
    seed=st.integers(0, 2**32 - 1),
)
def test_shards_together_are_the_batch_of_one_process(
    n_processes, speakers_per_process, n_segments, seed
):
    n_speakers = max(2, n_processes * speakers_per_process)
    # Some utterances are shorter than a segment.
    speakers = np.arange(3 * n_speakers) // 3
    features = numbered_features(speakers, [100, 30, 41] * n_speakers)
    arguments = (features, n_speakers, n_segments, 40, 4, seed)
    x, ids = sampling.SpeakerBatches(*arguments)[2]
    shards = [
        sampling.SpeakerBatches(*arguments, shard=(rank, n_processes))[2]
        for rank in range(n_processes)
    ]
    np.testing.assert_array_equal(np.concatenate([s[0] for s in shards]), x)
    np.testing.assert_array_equal(np.concatenate([s[1] for s in shards]), ids)


class SegmentsOnly:
    """An array that cannot be read as a whole; counts the segments cut from it."""

    n_cuts = 0

    def __len__(self):
        return 800

    def __getitem__(self, frames):
        assert frames.stop - frames.start < 800, "a whole utterance was read"
        self.n_cuts += 1
        return np.zeros((frames.stop - frames.start, 2), np.float32)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (sampling.SpeakerBatches, {"n_speakers": 9, "n_segments": 4, "shard": (1, 3)}),
        (sampling.PairBatches, {"batch_size": 6}),
    ],
)
def test_only_the_segments_of_a_batch_are_read(kind, arguments):
    table = pd.DataFrame({"speaker": np.arange(10_000) // 100})
    array = SegmentsOnly()
    batches = kind(sl.Features([array] * 10_000, table), **arguments)
    assert array.n_cuts == 0
    batches[7]
    assert array.n_cuts == 12
