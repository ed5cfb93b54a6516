"""The scaling lab: gates of an untrained LSTM on scaled spectrograms."""

import dataclasses

import examples
import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab import errors
from siamlab.labs.scaling import ScalingLab, draw_gates, first_step

DB_PER_NEPER = 20 / np.log(10)
N = 60  # settings that are compared with the view: Python needs 0.1 s for each
SCALERS = {  # for a reference of -30 dB
    "raw": sl.scaling.AffineScaler(-30, DB_PER_NEPER),
    "plus 20": sl.scaling.AffineScaler(-30 - 20 * DB_PER_NEPER, DB_PER_NEPER),
    "min-max": sl.scaling.MinMaxScaler(per="utterance"),
    "standardized": sl.scaling.StandardScaler(),
}


def make():
    return ScalingLab(examples.spectrograms())


def settings(rng):
    """Random values of all controls."""
    low = rng.uniform(-30, 0)
    return {
        "low": low,
        "high": low + rng.uniform(1, 30),
        "per_band": bool(rng.integers(2)),
    }


def numbers(result):
    """What the view computes, too."""
    return dataclasses.asdict(result)


def lstm(bands, units, seed):
    """Make a Keras LSTM with the gates of the lab, in float64."""
    layer = keras.layers.LSTM(units, return_sequences=True, dtype="float64")
    layer.build((None, None, bands))
    kernel, recurrent, bias = layer.get_weights()
    gates, gate_bias = draw_gates(bands, units, seed)
    is_gate = np.repeat([True, True, False, True], units)
    kernel[:, is_gate], bias[is_gate] = gates, gate_bias
    layer.set_weights([kernel, recurrent, bias])
    return layer


def test_saturation_is_that_of_gate_saturation(rng):
    x = rng.normal(-12, 3, size=(30, 50))
    # Each frame is an utterance, whose first state is 0.
    model = keras.Sequential([keras.Input((1, 50)), lstm(50, 16, seed=1)])
    (expected,) = sl.scaling.gate_saturation(model, x[:, None]).values()
    result = first_step(x, units=16, seed=1)
    assert result.saturated == pytest.approx(expected)
    assert expected > 0.3
    assert result.expected == pytest.approx(expected, abs=0.15)


def test_the_weights_have_the_variance_of_keras():
    ours, bias = draw_gates(300, 64)
    layer = lstm(300, 64, seed=0)
    theirs = layer.get_weights()[0][:, 2 * 64 : 3 * 64]  # the candidate: as drawn
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    assert ours.std() == pytest.approx(np.sqrt(2 / (300 + 4 * 64)), rel=0.03)
    np.testing.assert_equal(
        bias, lstm(300, 64, 0).get_weights()[2][np.r_[:128, 192:256]]
    )


def test_shift_and_scale_are_those_of_the_input(rng):
    x = rng.normal(-9, 2, size=(40, 30))
    found, scaled = first_step(x, -7.0, 2.5), first_step((x + 7.0) / 2.5)
    found, scaled = (np.hstack(dataclasses.astuple(r)) for r in (found, scaled))
    np.testing.assert_allclose(found, scaled, atol=1e-3)
    assert first_step(x).mean == pytest.approx(x.mean())
    assert first_step(x).middle == pytest.approx(np.percentile(x, (5, 95)))


def test_the_shared_part_is_that_of_the_gradient(rng):
    x = rng.normal(1.0, 2.0, size=(400, 30))
    deltas = rng.normal(size=(400, 500))  # of the loss at the pre-activations
    gradient = x[:, :, None] * deltas[:, None]
    alike = np.square(gradient.mean(axis=1)).sum() * 30
    expected = alike / np.square(gradient).sum()
    assert first_step(x).shared == pytest.approx(expected, rel=0.03)
    assert first_step(np.zeros((5, 3))).shared == 0


@pytest.mark.parametrize("name", SCALERS)
def test_the_settings_are_the_scalers_of_the_notebook(name):
    features = examples.spectrograms()
    lab = ScalingLab(features, reference_db=-30)
    lab.set(**lab.settings[name])
    scaled = SCALERS[name].fit(features).transform(features[0])
    found, expected = (
        np.hstack(dataclasses.astuple(r)) for r in (lab.result, first_step(scaled))
    )
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_low_floor_squeezes_the_values():
    lab = make()
    lab.set(**lab.settings["min-max"])
    before = lab.result
    lab.set(**lab.settings["min-max, floor 100 dB lower"])
    assert lab.result.change < 0.8 * before.change
    assert np.ptp(lab.result.middle) < 0.8 * np.ptp(before.middle)


def test_the_readout_is_plain_text():
    lab = make()
    assert lab.low == -1
    assert lab.readout.startswith("mean -5.")
    assert "% saturated (formula: " in lab.readout


def test_what_cannot_be_scaled_is_an_error():
    with pytest.raises(errors.ArgumentError, match=r"got shape \(0,\)"):
        ScalingLab([])
    with pytest.raises(errors.ArgumentError, match="2400 not finite"):
        ScalingLab([np.full((60, 40), np.nan)])
    with pytest.raises(errors.ArgumentError, match=r"\(time, mel\)"):
        first_step(np.zeros(3))
    with pytest.raises(errors.ArgumentError, match="scale -"):
        make().high = -2.0


def test_a_constant_spectrogram_has_a_range():
    lab = ScalingLab([np.full((20, 10), -60.0)])
    for values in lab.settings.values():
        lab.set(**values)
        assert np.isfinite(np.hstack(dataclasses.astuple(lab.result))).all()
