import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labs import decibels

import siamlab as sl
from siamlab.labs import ScalingLab, first_step, ladder
from siamlab.labs._lstm import FreshLSTM
from siamlab.labs.scaling import _fresh

FULL_SCALE = 22.8  # of a 32 ms window, as in notebook 02
RUNGS = ("raw", "+20", "min-max", "standardized")


@pytest.fixture(scope="module")
def speech():
    """Five sentences as log power, with a floor that is as good as none."""
    corpus = sl.corpora.voices("de", n_speakers=2, n_utterances=3, rooms=False)
    spectrogram = sl.Spectrogram(
        n_fft=512, n_mels=None, win_length=512, hop_length=256, floor_db=-200
    )
    return [spectrogram(*corpus[i]) for i in range(5)]


def in_keras(lstm):
    """The same LSTM as a Keras layer, in double precision."""
    bands, units = lstm.kernel.shape[0], lstm.recurrent.shape[0]
    layer = keras.layers.LSTM(units, return_sequences=True, dtype="float64")
    layer.build((None, None, bands))
    layer.set_weights([lstm.kernel, lstm.recurrent, lstm.bias])
    return layer


def test_the_gradient_is_that_of_automatic_differentiation(rng):
    x = rng.normal(-3, 2, size=(12, 7))
    lstm, errors = _fresh(12, 7, 5, seed=3)
    layer = in_keras(lstm)
    inputs = tf.constant(x[None])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(errors * layer(inputs))
    at_input, at_kernel = tape.gradient(loss, [inputs, layer.cell.kernel])
    found = first_step(x, units=5, seed=3)
    np.testing.assert_allclose(found.gradient, at_kernel, atol=1e-12)
    assert found.arriving == pytest.approx(np.linalg.norm(at_input))


def test_the_gradient_is_that_of_finite_differences(rng):
    x = rng.normal(size=(6, 4))
    lstm, errors = _fresh(6, 4, 3, seed=0)
    _, deltas = lstm.backpropagate(x, errors)

    def loss(kernel):
        moved = FreshLSTM(kernel, lstm.recurrent, lstm.bias)
        return np.sum(errors * in_keras(moved)(x[None])[0].numpy())

    for place in ((0, 0), (3, 4), (2, 7), (1, 11)):  # one of each part
        step = np.zeros_like(lstm.kernel)
        step[place] = 1e-5
        slope = (loss(lstm.kernel + step) - loss(lstm.kernel - step)) / 2e-5
        assert (x.T @ deltas)[place] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_gates_are_counted_as_everywhere(rng):
    """Two ways to one number."""
    x = rng.normal(-12, 3, size=(30, 50))
    lstm, _ = _fresh(30, 50, 16, seed=1)
    model = keras.Sequential([keras.Input((30, 50)), in_keras(lstm)])
    (expected,) = sl.scaling.gate_saturation(model, x[None]).values()
    assert first_step(x, units=16, seed=1).saturated == pytest.approx(expected)
    assert expected > 0.3


def test_weights_are_drawn_as_keras_draws_them(rng):
    ours = FreshLSTM.draw(100, 32, rng)
    layer = keras.layers.LSTM(32)
    layer.build((None, None, 100))
    kernel, recurrent, bias = layer.get_weights()
    np.testing.assert_array_equal(ours.bias, bias)
    assert np.abs(ours.kernel).max() == pytest.approx(np.abs(kernel).max(), rel=0.01)
    assert ours.kernel.std() == pytest.approx(kernel.std(), rel=0.02)
    for rows in (ours.recurrent, recurrent):
        np.testing.assert_allclose(rows @ rows.T, np.eye(32), atol=1e-5)


def test_statistics_by_hand():
    found = first_step([[-3.0, 1.0], [1.0, 5.0]], units=2)
    assert (found.mean, found.negative) == (1.0, 0.25)
    assert found.spread == pytest.approx(np.sqrt(8))


@given(hnp.arrays(float, (9, 4), elements=st.floats(-20, 20)))
def test_shares_are_shares(x):
    found = first_step(x, units=3)
    assert 0 <= found.common <= 1 + 1e-9
    assert 0 <= found.saturated <= 1
    assert found.arriving >= 0


def test_bands_that_are_all_alike_have_one_step_in_common(rng):
    found = first_step(np.repeat(rng.normal(size=(20, 1)), 30, axis=1))
    assert found.common == pytest.approx(1)


def test_silence_at_zero_has_no_gradient_at_the_weights():
    found = first_step(np.zeros((20, 30)))
    assert found.common == 0
    assert not found.gradient.any()


def test_the_same_seed_draws_the_same(rng):
    x = rng.normal(size=(20, 30))
    assert first_step(x, seed=5) == first_step(x, seed=5)
    assert first_step(x, seed=5) != first_step(x, seed=6)


def test_the_ladder_is_its_formulas():
    x = np.array([[-90.0, -40.0], [0.0, 10.0]])
    rungs = ladder(floor=-80, reference=10)
    floored = np.array([[-80.0, -40.0], [0.0, 10.0]])
    power = 10 ** ((floored - 10) / 10)
    np.testing.assert_allclose(rungs["raw"].transform(x), np.log(power), rtol=1e-6)
    np.testing.assert_allclose(rungs["+20"].transform(x), np.log(power) + 20, rtol=1e-5)
    by_hand = 2 * (floored + 80) / 90 - 1
    np.testing.assert_allclose(rungs["min-max"].transform(x), by_hand, rtol=1e-6)
    by_hand = (floored - floored.mean(axis=0)) / floored.std(axis=0)
    np.testing.assert_allclose(
        rungs["standardized"].fit(x).transform(x), by_hand, rtol=1e-6
    )
    assert tuple(rungs) == RUNGS


@pytest.mark.parametrize("seed", range(3))
def test_the_story_of_notebook_02(speech, seed):
    """What was measured over 10 seeds and 5 sentences leaves room on every side.

    Saturated: 0.66 to 0.81 raw, 0.50 to 0.73 with +20, at most 0.001 and 0.004 after.
    Arriving: 0.06 to 0.21 raw, 0.25 to 0.30 standardized. Common: 0.90 to 0.97 raw,
    0.28 to 0.69 standardized.
    """
    lab = ScalingLab(speech, reference=FULL_SCALE, seed=seed)
    found = {}
    for rung in RUNGS:
        lab.scaling.value = rung
        found[rung] = lab.found
    assert found["raw"].negative > 0.98
    assert min(found["raw"].saturated, found["+20"].saturated) > 0.3
    assert max(found["min-max"].saturated, found["standardized"].saturated) < 0.01
    assert found["raw"].arriving < found["standardized"].arriving
    assert found["raw"].common > 0.85
    assert found["standardized"].common < 0.75
    assert found["standardized"].spread == pytest.approx(1, abs=0.2)


def test_a_deep_floor_squeezes_what_min_max_leaves_for_speech(speech):
    lab = ScalingLab(speech, reference=FULL_SCALE)
    lab.scaling.value = "min-max"
    shallow = lab.found
    lab.floor.value = -200
    assert lab.found.spread < 0.85 * shallow.spread
    assert lab.found.common > shallow.common
    assert lab.found.saturated == shallow.saturated == 0


def test_the_lab_shows_the_plain_functions_numbers():
    features = decibels()
    lab = ScalingLab(features, reference=5.0, units=16, seed=2)
    lab.set(scaling="standardized", floor=-100)
    scaler = ladder(floor=-95, reference=5.0)["standardized"].fit(features)
    assert lab.found == first_step(scaler.transform(features[0]), units=16, seed=2)
    assert lab.readout.value == str(lab.found)
    assert f"<b>{lab.found.saturated:.1%}</b>" in lab.readout.value


def test_features_do_as_well_as_a_list():
    arrays = decibels()
    table = sl.corpora.voices("de", n_speakers=1, n_utterances=2, rooms=False).table
    features = sl.Features(arrays, table)
    one, other = ScalingLab(features), ScalingLab(arrays)
    for lab in (one, other):
        lab.scaling.value = "standardized"
    assert one.found == other.found


def test_min_max_sees_the_whole_utterance_where_the_lab_shows_its_beginning(rng):
    frames = rng.normal(-50, 5, size=(200, 10))
    frames[150] = 20.0
    lab = ScalingLab([frames])
    lab.scaling.value = "min-max"
    assert lab.found.values.shape == (125, 10)
    assert lab.found.values.max() < 0
    np.testing.assert_array_equal(
        lab.found.values, ladder(floor=-80)["min-max"].transform(frames)[:125]
    )


def test_the_picture_shows_what_was_found():
    lab = ScalingLab(decibels())
    (given, values), (sums, step) = lab._picture.axes
    for rung in RUNGS:
        lab.scaling.value = rung
        np.testing.assert_array_equal(given.images[0].get_array(), lab.found.values.T)
        shown = np.asarray(step.images[0].get_array())
        np.testing.assert_allclose(np.abs(shown).max(axis=0), 1)
        assert np.all(np.diff(shown.mean(axis=0)) >= -1e-12)
        near, far = (patch.get_data().values for patch in sums.patches[-2:])
        assert not np.any(near * far)
        share = far.sum() / (near + far).sum()
        assert share == pytest.approx(lab.found.saturated)
        assert values.patches[-1].get_data().values.max() == 1


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([], "at least one spectrogram"),
        (np.zeros((60, 40)), r"shape \(frames, bands\); got \(40,\)"),
        ([np.full((60, 40), np.nan)], "2400 of 2400 are not. Give Spectrogram a floor"),
        ([np.full((60, 40), -np.inf)], "must be finite"),
    ],
)
def test_what_is_no_spectrogram_is_refused(features, message):
    with pytest.raises(sl.SiamlabError, match=message):
        ScalingLab(features)


def test_what_was_found_can_be_compared_but_not_changed():
    found = first_step(np.zeros((5, 4)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.mean = 1.0
