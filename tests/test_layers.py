import json

import keras
import numpy as np
import pytest
from gradients import value_and_gradient

from siamlab import errors, layers, scaling

SCALERS = [
    scaling.StandardScaler(),
    scaling.StandardScaler(per_band=False),
    scaling.MinMaxScaler(),
    scaling.MinMaxScaler(per_band=True),
    scaling.StandardScaler(floor_db=-40),
    scaling.AffineScaler(-40, 20),
]


def described(scaler):
    bands = "bands" if getattr(scaler, "per_band", False) else "whole"
    floor = "" if scaler.floor is None else "-floor"
    return f"{type(scaler).__name__}-{bands}{floor}"


@pytest.fixture
def decibels(rng):
    """Two utterances of unequal length, each band with a level of its own."""
    level = np.linspace(-70, -20, 5)
    return [rng.normal(level, 9, size=(n, 5)).astype(np.float32) for n in (40, 25)]


def saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.saving.load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("scaler", SCALERS, ids=described)
def test_a_saved_scale_is_the_scaler_still(scaler, decibels, tmp_path):
    scaler.fit(decibels)
    model = keras.Sequential([keras.Input((None, 5)), layers.Scale.from_scaler(scaler)])
    again = saved_and_loaded(model, tmp_path)
    for array in decibels:
        before = np.asarray(model(array[None]))[0]
        np.testing.assert_allclose(before, scaler.transform(array), atol=1e-5)
        np.testing.assert_array_equal(np.asarray(again(array[None]))[0], before)


def test_a_scale_is_described_without_its_numbers(decibels):
    layer = layers.Scale.from_scaler(
        scaling.StandardScaler().fit(decibels), name="scale"
    )
    config = json.loads(json.dumps(layer.get_config()))
    assert layers.Scale.from_config(config).name == "scale"


def test_training_leaves_the_scale_alone(decibels):
    scale = layers.Scale.from_scaler(scaling.StandardScaler().fit(decibels))
    model = keras.Sequential([keras.Input((5,)), scale, keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    before = scale.get_weights()
    assert len(before) == 3
    model.fit(decibels[0], np.zeros(40), epochs=2, verbose=0)
    for was, now in zip(before, scale.get_weights(), strict=True):
        np.testing.assert_array_equal(now, was)


def test_half_precision_still_scales_decibels(decibels):
    scaler = scaling.StandardScaler().fit(decibels)
    layer = layers.Scale.from_scaler(scaler, dtype="mixed_float16")
    scaled = layer(decibels[0][None])
    assert keras.backend.standardize_dtype(scaled.dtype) == "float16"
    np.testing.assert_allclose(
        np.asarray(scaled, np.float32)[0], scaler.transform(decibels[0]), atol=0.01
    )


def test_one_number_serves_all_bands():
    layer = layers.Scale(shift=-40.0, scale=20.0)
    scaled = np.asarray(layer(np.array([[-60.0, -40.0, 0.0]])))
    np.testing.assert_allclose(scaled, [[-1, 0, 2]])


@pytest.mark.parametrize("bands", [1, 4, 6])
def test_a_scale_of_other_bands_is_named(decibels, bands):
    layer = layers.Scale.from_scaler(scaling.StandardScaler().fit(decibels))
    sentence = rf"each of {bands} bands; got shape \(5,\)"
    with pytest.raises(errors.ArgumentError, match=sentence):
        layer(np.zeros((1, 3, bands)))


def test_lengths_become_a_mask():
    found = layers.SequenceMask()(np.zeros((3, 4, 2)), np.array([4, 1, 0]))
    expected = [[True] * 4, [True, False, False, False], [False] * 4]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_every_nth_frame_and_its_mask_are_kept(rng, n):
    x, mask = rng.normal(size=(2, 8, 3)), rng.random((2, 8)) < 0.5
    layer = layers.TemporalSubsampling(n)
    np.testing.assert_allclose(layer(x), x[:, ::n], rtol=1e-6)
    np.testing.assert_array_equal(layer.compute_mask(x, mask), mask[:, ::n])
    assert layer.compute_mask(x, None) is None
    described = layer.compute_output_spec(keras.KerasTensor((2, 8, 3)))
    assert described.shape == x[:, ::n].shape


def test_a_saved_stride_is_the_stride_still(rng, tmp_path):
    model = keras.Sequential([keras.Input((None, 3)), layers.TemporalSubsampling(3)])
    x = rng.normal(size=(2, 8, 3)).astype(np.float32)
    again = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(again(x), x[:, ::3])


@pytest.mark.parametrize("floor", [None, -60.0])
def test_a_scaler_scales_in_a_network_that_was_built_again(rng, floor):
    x = rng.normal(-40, 20, size=(9, 8)).astype(np.float32)
    scaler = scaling.StandardScaler(floor_db=floor).fit(x)
    inputs = keras.Input((None, 8))
    model = keras.Model(inputs, layers.Scale.from_scaler(scaler)(inputs))
    again = keras.models.clone_model(model)
    np.testing.assert_allclose(again(x[None])[0], scaler.transform(x), atol=1e-5)
    model.layers[1].set_weights([w + 1 for w in model.layers[1].get_weights()])
    later = keras.Model.from_config(model.get_config())
    np.testing.assert_array_equal(later(x[None]), model(x[None]))


def test_statistics_are_those_of_numpy_whatever_the_length(rng):
    pool = layers.StatisticsPooling()
    for frames in (1, 7, 40):
        x = rng.normal(3, 2, size=(2, frames, 5)).astype(np.float32)
        expected = np.concatenate([x.mean(axis=1), x.std(axis=1)], axis=1)
        np.testing.assert_allclose(np.asarray(pool(x)), expected, atol=4e-3)


def test_a_silent_unit_has_a_gradient():
    """The root of a variance of 0 has none (FAULTS S15)."""
    x = np.zeros((1, 6, 2), dtype=np.float32)
    _, gradient = value_and_gradient(layers.StatisticsPooling(), x)
    assert np.isfinite(gradient).all()


def test_statistics_do_not_overflow_in_half_precision():
    x = np.array([[[-300.0], [300.0]]], dtype=np.float16)
    pooled = layers.StatisticsPooling(dtype="float16")(x)
    np.testing.assert_allclose(np.asarray(pooled), [[0.0, 300.0]], rtol=1e-3)
