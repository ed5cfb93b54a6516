import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered import numbered_features

from siamlab import errors, sampling


@pytest.fixture
def features():
    """Six speakers, alternately male and female, with two sessions each."""
    return numbered_features(
        [f"s{i // 4}" for i in range(24)],
        session=[f"s{i // 4}-{i % 2}" for i in range(24)],
        sex=["F" if i // 4 % 2 else "M" for i in range(24)],
        path=[f"{i}.wav" for i in range(24)],
        start=[0.0] * 24,
    )


def draw_all(pairs):
    return pd.concat([pairs.draw(i) for i in range(len(pairs))], ignore_index=True)


def test_batches_hold_the_segments_that_were_drawn(features):
    pairs = sampling.PairBatches(features, batch_size=8, n_frames=20, steps_per_epoch=3)
    drawn = pairs.draw(1)
    (first, second), y_true = pairs[1]
    assert first.shape == second.shape == (8, 20, 4)
    assert y_true.shape == (8, 1)
    begin = 1000 * drawn["first"] + drawn.first_frame
    np.testing.assert_array_equal(first[:, 0, 0], begin)
    end = 1000 * drawn.second + drawn.second_frame + 19
    np.testing.assert_array_equal(second[:, -1, 0], end)
    same = features.speakers[drawn["first"]] == features.speakers[drawn.second]
    np.testing.assert_array_equal(y_true[:, 0], same)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 20), st.integers(0, 99), st.integers(2, 6))
def test_half_of_each_batch_is_from_the_same_speaker(half, seed, n_speakers):
    features = numbered_features([f"s{i % n_speakers}" for i in range(13)])
    pairs = sampling.PairBatches(features, 2 * half, steps_per_epoch=2, seed=seed)
    assert [y_true.sum() for _, y_true in pairs] == [half, half]


def test_same_speaker_pairs_are_from_two_sessions_if_possible(features):
    result = sampling.audit(sampling.PairBatches(features, steps_per_epoch=10))
    assert (result.same_session, result.same_recording) == (0, 0)
    assert result.problems == ()
    one_session = numbered_features(list("aabb"), session=list("aabb"))
    result = sampling.audit(sampling.PairBatches(one_session, steps_per_epoch=5))
    assert (result.same_session, result.same_recording) == (1, 0)
    assert any("one session" in problem for problem in result.problems)


def test_segments_of_a_single_recording_do_not_overlap():
    features = numbered_features(["a", "b", "c"])
    pairs = sampling.PairBatches(features, batch_size=32, n_frames=20)
    drawn = pairs.draw(0)
    same = drawn[drawn.same]
    assert (same["first"] == same.second).all()
    assert (np.abs(same.first_frame - same.second_frame) >= 20).all()
    assert any("S24: 100%" in problem for problem in sampling.audit(pairs).problems)


def test_all_speakers_are_equally_likely():
    features = numbered_features(["a"] * 50 + ["b"] * 2 + ["c"] * 2)
    drawn = draw_all(sampling.PairBatches(features, steps_per_epoch=30))
    for side in (drawn["first"], drawn.second):
        fraction = np.mean(features.speakers[side] == "a")
        assert fraction == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize(("hard_fraction", "low", "high"), [(1, 1, 1), (0.5, 0.6, 0.8)])
def test_hard_pairs_of_the_same_sex(features, hard_fraction, low, high):
    pairs = sampling.PairBatches(
        features, steps_per_epoch=20, hard="sex", hard_fraction=hard_fraction
    )
    assert low <= sampling.audit(pairs).same_sex <= high


def test_hard_pairs_are_among_the_nearest_of_other_speakers():
    angle = np.linspace(0, np.pi, 40)
    pairs = sampling.PairBatches(
        numbered_features([f"s{i}" for i in range(40)]),
        steps_per_epoch=20,
        hard=np.stack([np.cos(angle), np.sin(angle)], axis=1),
        hard_fraction=1,
    )
    drawn = draw_all(pairs)
    different = drawn[~drawn.same]
    distance = np.abs(different["first"] - different.second)
    assert distance.min() == 1
    assert distance.max() <= 10  # at both ends all ten are on one side


@pytest.mark.parametrize("resample", [True, False])
def test_pairs_depend_only_on_seed_epoch_and_index(features, resample):
    pairs = sampling.PairBatches(features, steps_per_epoch=5, resample=resample)
    again = pickle.loads(pickle.dumps(pairs))
    first, last = pairs.draw(0), pairs.draw(4)
    pd.testing.assert_frame_equal(again.draw(4), last)
    assert not first.equals(last)
    pairs.on_epoch_end()
    assert first.equals(pairs.draw(0)) is not resample


INVALID = {
    "batch_size must be even.*got 5": {"batch_size": 5},
    "batch_size must be at least 2; got 0": {"batch_size": 0},
    "hard_fraction must be from 0 to 1; got 1.5": {"hard_fraction": 1.5},
    "hard must be None, \"sex\" or embeddings.*got 'age'": {"hard": "age"},
    r"shape \(4, dim\).*got \(3, 2\)": {"hard": np.ones((3, 2))},
    "needs the sex of every speaker": {"hard": "sex"},
}


@pytest.mark.parametrize(("message", "arguments"), INVALID.items())
def test_invalid_arguments_raise(arguments, message):
    with pytest.raises(errors.ArgumentError, match=message):
        sampling.PairBatches(numbered_features(list("aabb")), **arguments)


SWAPPED = ["second", "first", "second_frame", "first_frame", "same"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.assign(same=~d.same), "320 labels contradict"),
        (lambda d: d[d.same], "S11: 100%"),
        (lambda d: d.assign(first_frame=0, second_frame=0), "S27: 100%"),
        (lambda d: pd.concat([d, d]), "S25"),
        (lambda d: pd.concat([d, d.set_axis(SWAPPED, axis=1)]), "S25"),
        # Speakers alternate in sex: even numbers are male.
        (lambda d: d[d.same | ((d["first"] // 4 + d.second // 4) % 2 == 1)], "S26: "),
    ],
)
def test_an_audit_reports_problems(features, change, problem):
    pairs = sampling.PairBatches(features, batch_size=32, steps_per_epoch=10)
    draw = pairs.draw
    pairs.draw = lambda index: change(draw(index))
    problems = sampling.audit(pairs).problems
    assert any(problem in each for each in problems)


def test_an_audit_reports_what_two_splits_share(features):
    pairs = sampling.PairBatches(features, batch_size=8, steps_per_epoch=2)
    result = sampling.audit(pairs, against=features.select(features.speakers == "s0"))
    assert (result.shared_speakers, result.shared_recordings) == (1, 4)
    assert any("also in the other split" in each for each in result.problems)
    others = numbered_features(["x", "y"], path=["x.wav", "y.wav"], start=[0.0, 0.0])
    assert sampling.audit(pairs, against=others).problems == ()


def test_an_audit_of_several_epochs_does_not_change_the_pairs(features):
    pairs = sampling.PairBatches(features, batch_size=8, steps_per_epoch=2)
    before = pairs.draw(0)
    assert sampling.audit(pairs, epochs=3).n_pairs == 3 * 2 * 8
    pd.testing.assert_frame_equal(pairs.draw(0), before)
    with pytest.raises(errors.ArgumentError, match="epochs must be at least 1; got 0"):
        sampling.audit(pairs, epochs=0)
