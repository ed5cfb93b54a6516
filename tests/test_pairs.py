import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab import errors, sampling


def features_of(speakers, frames=100, **columns):
    """Spectrograms whose value is their utterance, counted up by frame."""
    arrays = [
        np.full((frames, 4), 1000.0 * i) + np.arange(frames)[:, None]
        for i in range(len(speakers))
    ]
    table = pd.DataFrame({"speaker": speakers, **columns})
    return sl.Features([a.astype(np.float32) for a in arrays], table)


@pytest.fixture
def features():
    speakers = [f"s{i // 4}" for i in range(24)]
    sessions = [f"{s}-{i % 2}" for i, s in enumerate(speakers)]
    sexes = ["F" if i // 4 % 2 else "M" for i in range(24)]
    paths = [f"{i}.wav" for i in range(24)]
    return features_of(
        speakers, session=sessions, sex=sexes, path=paths, start=[0.0] * 24
    )


def test_segments_are_those_that_were_drawn(features):
    pairs = sampling.PairBatches(features, batch_size=8, n_frames=20, steps_per_epoch=3)
    drawn = pairs.draw(1)
    (first, second), same = pairs[1]
    assert first.shape == second.shape == (8, 20, 4)
    assert same.shape == (8, 1)
    for k, row in drawn.iterrows():
        assert first[k, 0, 0] == 1000 * row["first"] + row.first_frame
        assert second[k, -1, 0] == 1000 * row.second + row.second_frame + 19
        assert same[k, 0] == (
            features.speakers[row["first"]] == features.speakers[row.second]
        )


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 20), st.integers(0, 99), st.integers(2, 6))
def test_half_of_every_batch_is_of_the_same_speaker(half, seed, speakers):
    features = features_of([f"s{i % speakers}" for i in range(13)])
    pairs = sampling.PairBatches(
        features, batch_size=2 * half, steps_per_epoch=2, seed=seed
    )
    for _, same in (pairs[0], pairs[1]):
        assert same.sum() == half


def test_pairs_of_a_speaker_go_across_his_sessions(features):
    audit = sampling.audit(
        sampling.PairBatches(features, batch_size=32, steps_per_epoch=20)
    )
    assert audit.same_session == 0
    assert audit.same_recording == 0
    assert audit.problems == ()


def test_without_a_second_session_they_go_across_recordings():
    features = features_of(["a", "a", "b", "b"], session=["a", "a", "b", "b"])
    audit = sampling.audit(
        sampling.PairBatches(features, batch_size=32, steps_per_epoch=5)
    )
    assert audit.same_recording == 0
    assert audit.same_session == 1
    assert any("one session" in problem for problem in audit.problems)


def test_of_one_recording_two_stretches_are_taken_and_named():
    features = features_of(["a", "b", "c"])
    pairs = sampling.PairBatches(
        features, batch_size=32, n_frames=20, steps_per_epoch=10
    )
    drawn = pairs.draw(0)
    same = drawn[drawn.same]
    assert (same["first"] == same.second).all()
    assert (np.abs(same.first_frame - same.second_frame) >= 20).all()
    problems = sampling.audit(pairs).problems
    assert any("S24: 100%" in problem for problem in problems)


def test_speakers_are_drawn_alike_however_much_they_said():
    features = features_of(["a"] * 50 + ["b"] * 2 + ["c"] * 2)
    pairs = sampling.PairBatches(features, batch_size=64, steps_per_epoch=30)
    drawn = pd.concat(pairs.draw(i) for i in range(30))
    share = np.mean(features.speakers[drawn["first"]] == "a")
    assert share == pytest.approx(1 / 3, abs=0.05)


def test_hard_negatives_of_the_same_sex(features):
    pairs = sampling.PairBatches(
        features, batch_size=32, steps_per_epoch=20, hard="sex", hard_fraction=1
    )
    assert sampling.audit(pairs).same_sex == 1
    mixed = sampling.PairBatches(
        features, batch_size=32, steps_per_epoch=20, hard="sex"
    )
    assert 0.5 < sampling.audit(mixed).same_sex < 0.9


def test_hard_negatives_among_the_nearest_of_other_speakers(rng):
    features = features_of([f"s{i}" for i in range(40)])
    angle = np.linspace(0, np.pi, 40)
    embeddings = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pairs = sampling.PairBatches(
        features, batch_size=32, steps_per_epoch=20, hard=embeddings, hard_fraction=1
    )
    drawn = pd.concat(pairs.draw(i) for i in range(20))
    different = drawn[~drawn.same]
    apart = np.abs(different["first"] - different.second)
    assert apart.max() <= 10  # ten neighbors, all on one side at the ends
    assert apart.min() == 1


def test_who_draws_a_batch_does_not_matter(features):
    pairs = sampling.PairBatches(features, batch_size=8, steps_per_epoch=5, seed=3)
    again = pickle.loads(pickle.dumps(pairs))
    pairs[0], pairs[1]
    pd.testing.assert_frame_equal(pairs.draw(4), again.draw(4))
    assert not pairs.draw(3).equals(pairs.draw(4))


def test_epochs_differ_unless_they_shall_not(features):
    for fresh in (True, False):
        pairs = sampling.PairBatches(
            features, batch_size=8, steps_per_epoch=2, fresh=fresh
        )
        before = pairs.draw(0)
        pairs.on_epoch_end()
        assert before.equals(pairs.draw(0)) is not fresh


def test_a_loop_over_the_pairs_ends(features):
    pairs = sampling.PairBatches(features, batch_size=8, steps_per_epoch=3)
    assert len(list(pairs)) == 3


def test_an_epoch_shows_as_much_as_there_is(features):
    # 24 recordings of two segments each, two segments a pair.
    assert len(sampling.PairBatches(features, batch_size=4, n_frames=50)) == 6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"batch_size": 5}, "batch_size must be even.*got 5"),
        ({"batch_size": 0}, "batch_size must be at least 2; got 0"),
        ({"hard_fraction": 1.5}, "hard_fraction must be from 0 to 1; got 1.5"),
        ({"hard": "age"}, "hard must be None, \"sex\" or embeddings.*got 'age'"),
        ({"hard": np.ones((3, 2))}, r"shape \(24, dim\).*got \(3, 2\)"),
    ],
)
def test_arguments_out_of_range_are_named(features, arguments, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        sampling.PairBatches(features, **arguments)


def test_sex_and_speakers_that_are_missing_are_named():
    with pytest.raises(errors.ArgumentError, match="needs the sex of every speaker"):
        sampling.PairBatches(features_of(["a", "b"]), hard="sex")
    with pytest.raises(errors.ArgumentError, match=r"at least 2 speakers; got 1 \(a\)"):
        sampling.PairBatches(features_of(["a", "a"]))


class Odd(sampling.PairBatches):
    """Pairs that somebody drew badly."""

    def __init__(self, features, change, **kwargs):
        super().__init__(features, **kwargs)
        self.change = change

    def draw(self, index):
        return self.change(super().draw(index).copy())


def spoil(drawn, **columns):
    for name, value in columns.items():
        drawn[name] = value
    return drawn


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: spoil(d, same=~d.same), "labels do not say what the speakers say"),
        (lambda d: d[d.same], "S11: 100%"),
        (lambda d: spoil(d, first_frame=0, second_frame=0), "S27: 100%"),
        (lambda d: pd.concat([d, d], ignore_index=True), "S25"),
        (
            # The same pairs, the other way round.
            lambda d: pd.concat(
                [d, d.rename(columns=lambda c: SWAP.get(c, c))], ignore_index=True
            ),
            "S25",
        ),
    ],
)
def test_an_audit_names_what_is_wrong(features, change, problem):
    pairs = Odd(features, change, batch_size=32, steps=10)
    assert any(problem in each for each in sampling.audit(pairs).problems)


SWAP = {
    "first": "second",
    "second": "first",
    "first_frame": "second_frame",
    "second_frame": "first_frame",
}


def test_an_audit_finds_leaks_between_splits(features):
    pairs = sampling.PairBatches(features, batch_size=8, steps_per_epoch=2)
    apart = features.select(features.speakers == "s0"), features
    for against in (apart[0], sampling.PairBatches(apart[1])):
        found = sampling.audit(pairs, against=against)
        assert found.shared_speakers > 0
        assert found.shared_recordings > 0
        assert any("in the other split" in each for each in found.problems)
    others = features_of(["x", "y"], path=["x.wav", "y.wav"], start=[0.0, 0.0])
    assert sampling.audit(pairs, against=others).problems == ()


def test_an_audit_of_several_epochs_changes_nothing(features):
    pairs = sampling.PairBatches(features, batch_size=8, steps_per_epoch=2)
    before = pairs.draw(0)
    found = sampling.audit(pairs, epochs=3)
    assert found.pairs == 3 * 2 * 8
    assert before.equals(pairs.draw(0))
    assert "no problem" in repr(found)


def test_only_mixed_pairs_of_men_and_women_are_named(features):
    def mixed(drawn):
        sexes = features.table.sex.to_numpy()
        other = sexes[drawn["first"]] != sexes[drawn["second"]]
        return drawn[drawn.same | other]

    found = sampling.audit(Odd(features, mixed, batch_size=32, steps=10))
    assert any("S26" in each for each in found.problems)


def test_keras_trains_on_them(features):
    base = sl.networks.blstm_encoder(n_frames=20, n_mels=4, units=3, output_dim=4)
    twins = sl.networks.Siamese(base, "kl")
    twins.compile("adam", loss=sl.losses.DistanceHinge())
    pairs = sampling.PairBatches(features, batch_size=8, n_frames=20, steps_per_epoch=3)
    history = twins.fit(pairs, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert keras.backend.is_float_dtype(twins.compute_dtype)
