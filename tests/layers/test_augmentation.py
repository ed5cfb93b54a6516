import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab import errors, layers

KINDS = [layers.RandomEQ, layers.RandomGain, layers.RandomNoise, layers.RandomReverb]
each_kind = pytest.mark.parametrize("kind", KINDS)


def changed(layer, x):
    return np.asarray(layer(x, training=True))


@pytest.fixture
def x(rng):
    return rng.normal(-40, 10, size=(6, 30, 16)).astype(np.float32)


@each_kind
def test_segments_change_in_training_only(kind, x):
    layer = kind(seed=1)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    found = changed(layer, x)
    assert found.shape == x.shape
    assert np.isfinite(found).all()
    assert (np.abs(found - x).max(axis=(1, 2)) > 0.01).all()


@each_kind
def test_each_segment_and_each_batch_changes_in_its_own_way(kind, x):
    layer = kind(seed=1)
    equal_segments = np.repeat(x[:1], 6, axis=0)
    first, second = (changed(layer, equal_segments) for _ in range(2))
    assert np.abs(first[0] - first[1]).max() > 1e-3
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(changed(kind(seed=1), equal_segments), first)


@each_kind
def test_a_segment_changes_with_the_given_probability(kind, x):
    many = np.repeat(x[:1], 2000, axis=0)
    found = changed(kind(probability=0.3, seed=1), many)
    is_changed = np.abs(found - many).max(axis=(1, 2)) > 0
    assert is_changed.mean() == pytest.approx(0.3, abs=0.05)


@each_kind
def test_a_network_takes_segments_of_any_length(kind, x):
    inputs = keras.Input((None, 16))
    model = keras.Model(inputs, kind(seed=1)(inputs))
    for n_frames in (30, 7):
        found = model(x[:, :n_frames], training=True)
        assert found.shape == (6, n_frames, 16)


@settings(deadline=None, max_examples=8)
@given(st.floats(0.5, 12.0), st.integers(1, 8))
def test_eq_has_the_given_deviation_and_is_the_same_in_all_frames(range_db, n_waves):
    layer = layers.RandomEQ(range_db, n_waves, seed=0)
    curves = changed(layer, np.zeros((3000, 2, 32), np.float32))
    np.testing.assert_array_equal(curves[:, 0], curves[:, 1])
    assert curves.mean() == pytest.approx(0, abs=0.1 * range_db)
    assert np.sqrt(np.mean(np.square(curves))) == pytest.approx(range_db, rel=0.05)


def test_noise_has_the_given_level():
    x = np.full((400, 40, 64), -30.0, np.float32)
    noisy = changed(layers.RandomNoise(snr_db=(10, 10), color_db=0.0, seed=0), x)
    added = 10 ** (noisy / 10) - 10 ** (x / 10)
    assert 10 * np.log10(added.mean()) == pytest.approx(-40.0, abs=0.1)
    # Power of Gaussian noise in one bin: its deviation equals its mean.
    assert added.std() == pytest.approx(added.mean(), rel=0.02)


def test_reverb_decays_by_60_db_in_rt60_and_has_the_given_ratio():
    x = np.full((1, 120, 4), -200.0, np.float32)
    x[:, 3] = 0.0
    layer = layers.RandomReverb(rt60=(0.5, 0.5), drr_db=(6, 6), seed=0)
    y = changed(layer, x)[0, :, 0]
    assert y[3] == pytest.approx(0.0, abs=1e-3)  # the direct sound
    assert y[10] - y[60] == pytest.approx(60.0, abs=0.1)  # 50 frames are 0.5 s
    reverberant = 10 * np.log10(np.sum(10 ** (y[4:] / 10)))
    assert reverberant == pytest.approx(-6.0, abs=0.1)
    assert (y[:3] < -150).all()  # nothing before it


OUT_OF_RANGE = {
    "above 0 and at most 1; got 0": lambda: layers.RandomGain(probability=0),
    "positive; got -1": lambda: layers.RandomGain(max_gain_db=-1),
    "range_db=0, n_waves=6": lambda: layers.RandomEQ(range_db=0),
    r"\(low, high\) in dB; got \(9, 3\)": lambda: layers.RandomNoise((9, 3)),
    "not be negative; got -1": lambda: layers.RandomNoise(color_db=-1),
    "must be positive; got rt60": lambda: layers.RandomReverb(rt60=(0, 1)),
    "hop_seconds=0": lambda: layers.RandomReverb(hop_seconds=0),
}


@pytest.mark.parametrize(("message", "make"), OUT_OF_RANGE.items())
def test_numbers_out_of_range_are_named(make, message):
    with pytest.raises(errors.ArgumentError, match=message):
        make()
