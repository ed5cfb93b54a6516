import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab import errors, layers

EACH = [
    layers.RandomEQ(seed=1),
    layers.RandomGain(seed=1),
    layers.RandomNoise(seed=1),
    layers.RandomReverb(seed=1),
]
IDS = [type(layer).__name__ for layer in EACH]


@pytest.fixture
def x(rng):
    return rng.normal(-40, 10, size=(6, 30, 16)).astype(np.float32)


@pytest.mark.parametrize("layer", EACH, ids=IDS)
def test_nothing_changes_except_in_training(layer, x):
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    changed = np.asarray(layer(x, training=True))
    assert changed.shape == x.shape
    assert np.isfinite(changed).all()
    assert (np.abs(changed - x).max(axis=(1, 2)) > 0.01).all()


@pytest.mark.parametrize("layer", EACH, ids=IDS)
def test_every_segment_is_changed_in_its_own_way_and_anew(layer, x):
    same = np.repeat(x[:1], 6, axis=0)
    first, second = (np.asarray(layer(same, training=True)) for _ in range(2))
    assert np.abs(first[0] - first[1]).max() > 1e-3
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("layer", EACH, ids=IDS)
def test_a_share_of_the_segments_is_left_alone(layer, x):
    config = {**layer.get_config(), "share": 0.3}
    some = type(layer).from_config(config)
    many = np.repeat(x[:1], 2000, axis=0)
    changed = np.abs(np.asarray(some(many, training=True)) - many).max(axis=(1, 2)) > 0
    assert changed.mean() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("layer", EACH, ids=IDS)
def test_it_survives_saving_and_a_seed_repeats_it(layer, x, tmp_path):
    twin = type(layer).from_config(layer.get_config())
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(twin(x, training=True), again(x, training=True))
    model = keras.Sequential([keras.Input((30, 16)), again])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].get_config() == again.get_config()


@pytest.mark.parametrize("layer", EACH, ids=IDS)
def test_keras_trains_through_it_with_segments_of_any_length(layer, rng):
    inputs = keras.Input((None, 16))
    pooled = keras.layers.GlobalAveragePooling1D()(layer(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(pooled))
    model.compile(loss="mse")
    for frames in (30, 7):
        x = rng.normal(-40, 10, size=(8, frames, 16)).astype(np.float32)
        history = model.fit(x, np.ones((8, 1)), verbose=0).history
        assert np.isfinite(history["loss"]).all()


@settings(deadline=None, max_examples=8)
@given(st.floats(0.5, 12.0), st.integers(1, 8))
def test_filters_are_as_deep_as_they_say_and_the_same_in_all_frames(depth, waves):
    layer = layers.RandomEQ(range_db=depth, n_waves=waves, seed=0)
    curves = np.asarray(layer(np.zeros((3000, 2, 32), np.float32), training=True))
    np.testing.assert_array_equal(curves[:, 0], curves[:, 1])
    assert curves.mean() == pytest.approx(0, abs=0.1 * depth)
    assert np.sqrt(np.mean(np.square(curves))) == pytest.approx(depth, rel=0.05)


def test_a_filter_is_smooth():
    curves = np.asarray(
        layers.RandomEQ(6.0, n_waves=6)(np.zeros((50, 1, 128)), training=True)
    )
    assert np.abs(np.diff(curves, axis=-1)).max() < 3.0  # dB from band to band


def test_noise_has_the_level_that_was_asked_for():
    x = np.full((400, 40, 64), -30.0, np.float32)
    noisy = np.asarray(
        layers.RandomNoise(snr_db=(10, 10), color_db=0.0, seed=0)(x, training=True)
    )
    added = 10 ** (noisy / 10) - 10 ** (x / 10)
    assert 10 * np.log10(added.mean()) == pytest.approx(-40.0, abs=0.1)
    # Power of Gaussian noise in one bin: its deviation is its mean.
    assert added.std() == pytest.approx(added.mean(), rel=0.02)


def test_a_room_falls_by_60_db_in_its_time_and_has_its_ratio():
    x = np.full((1, 120, 4), -200.0, np.float32)
    x[:, 3] = 0.0
    y = np.asarray(
        layers.RandomReverb(rt60=(0.5, 0.5), drr_db=(6, 6))(x, training=True)
    )[0, :, 0]
    assert y[3] == pytest.approx(0.0, abs=1e-3)  # the direct sound
    assert y[10] - y[60] == pytest.approx(60.0, abs=0.1)  # 50 frames are 0.5 s
    reverberant = 10 * np.log10(np.sum(10 ** (y[4:] / 10)))
    assert reverberant == pytest.approx(-6.0, abs=0.1)
    assert (y[:3] < -150).all()  # nothing before it


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: layers.RandomGain(probability=0), "above 0 and at most 1; got 0"),
        (lambda: layers.RandomGain(max_gain_db=-1), "positive, in dB; got -1"),
        (lambda: layers.RandomEQ(range_db=0), "depth=0, waves=6"),
        (lambda: layers.RandomEQ(n_n_waves=0), "depth=6.0, waves=0"),
        (
            lambda: layers.RandomNoise(snr_db=(9, 3)),
            r"\(low, high\) in dB; got \(9, 3\)",
        ),
        (lambda: layers.RandomNoise(color_db=-1), "not be negative, in dB; got -1"),
        (lambda: layers.RandomReverb(rt60=(0, 1)), "must be positive; got"),
        (lambda: layers.RandomReverb(hop_rt60=0), "must be positive; got"),
    ],
)
def test_numbers_out_of_range_are_named(make, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        make()
