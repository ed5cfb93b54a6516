import keras
import numpy as np
import pytest
import tensorflow as tf

import siamlab as sl
from siamlab.labs.scaling import _random_lstm, first_step, scaling_steps

STEPS = ("raw", "+20", "min-max", "standardized")


def in_keras(lstm):
    """Make the same LSTM as a Keras layer, in float64."""
    kernel, recurrent, _ = lstm
    layer = keras.layers.LSTM(len(recurrent), return_sequences=True, dtype="float64")
    layer.build((None, None, len(kernel)))
    layer.set_weights(lstm)
    return layer


def test_the_gradient_is_that_of_automatic_differentiation(rng):
    x = rng.normal(-3, 2, size=(12, 7))
    lstm, errors = _random_lstm(12, 7, 5, seed=3)
    layer = in_keras(lstm)
    inputs = tf.constant(x[None])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(errors * layer(inputs))
    at_input, at_kernel = tape.gradient(loss, [inputs, layer.cell.kernel])
    result = first_step(x, units=5, seed=3)
    np.testing.assert_allclose(result.gradient, at_kernel, atol=1e-12)
    assert result.gradient_norm == pytest.approx(np.linalg.norm(at_input))


def test_saturation_is_that_of_gate_saturation(rng):
    x = rng.normal(-12, 3, size=(30, 50))
    lstm, _ = _random_lstm(30, 50, 16, seed=1)
    model = keras.Sequential([keras.Input((30, 50)), in_keras(lstm)])
    (expected,) = sl.scaling.gate_saturation(model, x[None]).values()
    assert first_step(x, units=16, seed=1).saturated == pytest.approx(expected)
    assert expected > 0.3


def test_the_scalers_are_their_formulas():
    x = np.array([[-90.0, -40.0], [0.0, 10.0]])
    scalers = scaling_steps(floor_db=-80, reference_db=10)
    floored = np.array([[-80.0, -40.0], [0.0, 10.0]])
    log_power = np.log(10 ** ((floored - 10) / 10))
    expected = {
        "raw": log_power,
        "+20": log_power + 20,
        "min-max": 2 * (floored + 80) / 90 - 1,
        "standardized": (floored - floored.mean(axis=0)) / floored.std(axis=0),
    }
    assert tuple(scalers) == STEPS == tuple(expected)
    for name, scaler in scalers.items():
        found = scaler.fit(x).transform(x)
        np.testing.assert_allclose(found, expected[name], rtol=1e-5)
