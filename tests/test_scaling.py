import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from siamlab import Features, errors, layers
from siamlab.scaling import (
    AffineScaler,
    MeanNormalizer,
    MinMaxScaler,
    StandardScaler,
    gate_saturation,
)


def named(scaler):
    """What a test is called after: the same in each process that collects it."""
    per = getattr(scaler, "per_band", getattr(scaler, "per", ""))
    return f"{type(scaler).__name__}-{per}"


SCALERS = [
    StandardScaler(),
    StandardScaler(per_band=False),
    MinMaxScaler(),
    MinMaxScaler(per_band=True),
]
decibels = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 20), st.just(5)),
    elements=st.floats(-100, 40, width=32),
)


@pytest.fixture
def spectrograms(rng):
    """Three utterances of unequal length, in dB, with loud and with quiet bands."""
    level = np.linspace(-10, -80, 16)
    return [(level + rng.normal(0, 12, size=(n, 16))) for n in (40, 90, 7)]


# A spread that is none in single precision.
@example(np.array([[0.0] * 5, [1e-45] * 5], dtype=np.float32))
@given(decibels)
@pytest.mark.parametrize("scaler", SCALERS, ids=named)
def test_the_inverse_gives_back_what_was_scaled(scaler, x):
    scaler.fit(x)
    np.testing.assert_allclose(scaler.inverse(scaler.transform(x)), x, atol=1e-3)


def test_standard_is_scikit_learns(spectrograms):
    frames = np.concatenate(spectrograms)
    ours = StandardScaler().fit(spectrograms)
    expected = StandardScaler().fit(frames).transform(frames)
    scaled = np.concatenate(ours.transform(spectrograms))
    np.testing.assert_allclose(scaled, expected, atol=1e-4)
    assert scaled.dtype == np.float32


def test_standard_as_a_whole_has_mean_0_and_deviation_1(spectrograms):
    scaler = StandardScaler(per_band=False).fit(spectrograms)
    scaled = np.concatenate(scaler.transform(spectrograms))
    assert scaled.mean() == pytest.approx(0, abs=1e-5)
    assert scaled.std() == pytest.approx(1, abs=1e-5)


def test_min_max_per_band_is_scikit_learns(spectrograms):
    frames = np.concatenate(spectrograms)
    expected = MinMaxScaler((-1, 1)).fit(frames).transform(frames)
    scaled = MinMaxScaler(per_band=True).fit(spectrograms).transform(spectrograms)
    np.testing.assert_allclose(np.concatenate(scaled), expected, atol=1e-5)


def test_min_max_as_a_whole_is_the_formula(spectrograms):
    frames = np.concatenate(spectrograms)
    low, high = frames.min(), frames.max()
    scaled = MinMaxScaler().fit(spectrograms).transform(frames)
    np.testing.assert_allclose(scaled, 2 * (frames - low) / (high - low) - 1, atol=1e-5)


def test_min_max_per_utterance_scales_each_by_its_own(spectrograms):
    scaled = MinMaxScaler(per="utterance").fit(spectrograms).transform(spectrograms)
    for x, y in zip(spectrograms, scaled, strict=True):
        expected = 2 * (x - x.min()) / (x.max() - x.min()) - 1
        np.testing.assert_allclose(y, expected, atol=1e-5)


def test_min_max_per_utterance_erases_loudness(spectrograms):
    quiet = [x - 20 for x in spectrograms]
    scaler = MinMaxScaler(per="utterance")
    for a, b in zip(
        scaler.transform(spectrograms), scaler.transform(quiet), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("scaler", [*SCALERS, MinMaxScaler(per="utterance")], ids=named)
def test_silence_is_scaled_without_dividing_by_zero(scaler):
    silence = np.full((10, 4), -100.0, dtype=np.float32)
    np.testing.assert_array_equal(scaler.fit(silence).transform(silence), 0.0)


def test_a_band_that_never_changes_is_shifted_only(spectrograms):
    for x in spectrograms:
        x[:, 3] = -100.0
    scaler = StandardScaler().fit(spectrograms)
    assert scaler.scale[3] == 1.0
    np.testing.assert_array_equal(scaler.transform(spectrograms[0])[:, 3], 0.0)


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test_what_kind_goes_in_comes_out(spectrograms, scaler):
    table = pd.DataFrame({"speaker": list("abc")})
    features = Features(spectrograms, table)
    fitted = scaler().fit(features)
    scaled = fitted.transform(features)
    assert isinstance(scaled, Features)
    assert scaled.speakers.tolist() == list("abc")
    again = scaler().fit(spectrograms).transform(spectrograms)
    assert isinstance(again, list)
    batch = fitted.transform(np.stack([spectrograms[0]] * 2))
    assert batch.shape == (2, 40, 16)
    for one in (again[0], batch[1], fitted.transform(spectrograms[0])):
        np.testing.assert_allclose(one, scaled[0], atol=1e-6)


def test_fitting_one_array_is_fitting_a_list_of_it(spectrograms):
    one, listed = (StandardScaler().fit(x) for x in (spectrograms[0], spectrograms[:1]))
    np.testing.assert_array_equal(one.shift, listed.shift)
    np.testing.assert_array_equal(one.scale, listed.scale)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_scaling_before_fitting_is_named(scaler):
    with pytest.raises(errors.NotFittedError, match="call fit with the features"):
        scaler.transform(np.zeros((3, 4)))


def test_extremes_of_an_utterance_cannot_be_undone():
    with pytest.raises(errors.ArgumentError, match="forgets the extremes"):
        MinMaxScaler(per="utterance").inverse(np.zeros((3, 4)))


def test_an_unknown_per_is_named():
    with pytest.raises(errors.ArgumentError, match="got 'band'"):
        MinMaxScaler(per="band")


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_nothing_to_fit_is_named(scaler):
    with pytest.raises(errors.ArgumentError, match="at least one array; got none"):
        scaler.fit([])


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_an_array_of_another_shape_is_named(scaler):
    with pytest.raises(errors.ArgumentError, match=r"\(frames, bands\); got \(3,\)"):
        scaler.fit([np.zeros(3)])


@given(decibels, st.floats(-90, 30))
@pytest.mark.parametrize("kind", [StandardScaler, MinMaxScaler])
def test_a_floor_is_the_same_as_clipping_first(kind, x, floor):
    clipped = np.maximum(x, np.float32(floor))
    np.testing.assert_array_equal(
        kind(floor=floor).fit(x).transform(x), kind().fit(clipped).transform(clipped)
    )


def test_a_floor_keeps_the_bottom_from_ruling_the_scale(rng):
    speech = rng.uniform(-60, 0, size=(100, 8))
    speech[3, 2] = -160.0  # one bin that is digitally silent (FAULTS C4)
    squeezed = MinMaxScaler().fit(speech).transform(speech)
    assert np.median(squeezed) > 0.5
    scaled = MinMaxScaler(floor_db=-60).fit(speech).transform(speech)
    assert abs(np.median(scaled)) < 0.1


def test_an_utterances_floor_counts_for_its_own_extremes():
    x = np.array([[-160.0, -60.0], [-30.0, 0.0]])
    scaled = MinMaxScaler(per="utterance", floor_db=-60).transform(x)
    np.testing.assert_allclose(scaled, [[-1, -1], [0, 1]])


def test_fixed_turns_decibels_into_the_natural_logarithm(rng):
    power = rng.uniform(1e-6, 10, size=(20, 4))
    natural = AffineScaler(0, 10 / np.log(10)).transform(10 * np.log10(power))
    np.testing.assert_allclose(natural, np.log(power), rtol=1e-5, atol=1e-5)
    with pytest.raises(errors.ArgumentError, match="must not be 0"):
        AffineScaler(scale=[1.0, 0.0])


def slow_gates(lstm, x):
    """Sums of input, forget and output gate of one utterance, frame by frame."""
    kernel, recurrent, bias = (np.asarray(w, np.float64) for w in lstm.get_weights())
    h = c = np.zeros(lstm.units)
    sums = []
    for frame in x[::-1] if lstm.go_backwards else x:
        z = frame @ kernel + h @ recurrent + bias
        i, f, g, o = (z[k * lstm.units : (k + 1) * lstm.units] for k in range(4))
        sums.append([i, f, o])
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    return np.array(sums), h


def test_saturated_gates_are_those_of_a_slow_loop(rng):
    lstm = keras.layers.LSTM(5, name="lstm")
    model = keras.Sequential([keras.Input((None, 3)), lstm])
    x = rng.normal(0, 9, size=(4, 20, 3)).astype(np.float32)
    gates, last = zip(*(slow_gates(lstm, one) for one in x), strict=True)
    # The loop is right: it ends where Keras' does.
    np.testing.assert_allclose(np.array(last), model(x), atol=1e-5)
    for beyond in (1, 4, 10):
        share = np.mean(np.abs(gates) > beyond)
        assert gate_saturation(model, x, beyond=beyond) == {
            "lstm": pytest.approx(share)
        }


def test_both_directions_of_a_pair_count_and_masked_frames_do_not(rng):
    pair = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))
    sound = keras.Input((None, 3))
    model = keras.Model(sound, pair(keras.layers.Masking(name="mask")(sound)))
    x = rng.normal(0, 9, size=(1, 15, 3)).astype(np.float32)
    gates = [
        slow_gates(lstm, x[0])[0] for lstm in (pair.forward_layer, pair.backward_layer)
    ]
    padded = np.concatenate([x, np.zeros((1, 30, 3), np.float32)], axis=1)
    share = pytest.approx(np.mean(np.abs(gates) > 4))
    assert gate_saturation(model, x) == {pair.name: share}
    assert gate_saturation(model, padded) == {pair.name: share}


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.lstm = keras.layers.LSTM(4, name="inner")
        self.unused = keras.layers.LSTM(4, name="unused")

    def build(self, input_shape):
        self.lstm.build(input_shape)
        self.unused.build(input_shape)

    def call(self, inputs):
        return self.lstm(inputs)


def test_a_model_is_left_as_it_was_and_may_be_of_any_kind(rng):
    x = rng.normal(0, 9, size=(2, 15, 3)).astype(np.float32)
    model = Subclassed()
    model(x)
    before = [np.asarray(w) for w in model.get_weights()]
    # A tuple is a batch of `fit`; only what is used has gates.
    assert list(gate_saturation(model, (x, np.zeros(2)))) == ["inner"]
    assert "call" not in vars(model.lstm)
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


class Failing(Subclassed):
    def call(self, inputs):
        self.lstm(inputs)
        raise RuntimeError("of the reader's own making")


def test_a_model_that_fails_is_left_as_it_was():
    model = Failing()
    with pytest.raises(RuntimeError, match="own making"):
        gate_saturation(model, np.zeros((2, 5, 7), np.float32))
    assert "call" not in vars(model.lstm)


def test_a_model_without_gates_is_named():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)], name="dense")
    with pytest.raises(errors.ArgumentError, match="dense has none"):
        gate_saturation(model, np.zeros((2, 3)))


@pytest.mark.parametrize("per_band", [True, False])
def test_a_mean_of_the_utterance_takes_the_microphone_with_it(rng, per_band):
    scaler = MeanNormalizer(per_band).fit(None)
    arrays = [rng.normal(-50, 10, size=(n, 6)).astype(np.float32) for n in (30, 7)]
    added = rng.normal(0, 6, size=6) if per_band else 4.0
    found = scaler.transform(arrays)
    moved = scaler.transform([array + added for array in arrays])
    for one, other, array in zip(found, moved, arrays, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=1e-4)
        axis = 0 if per_band else None
        np.testing.assert_allclose(one.mean(axis=axis), 0, atol=1e-4)
        np.testing.assert_allclose(
            np.diff(one, axis=0), np.diff(array, axis=0), atol=1e-4
        )


def test_a_mean_that_was_removed_does_not_come_back(rng):
    scaler = MeanNormalizer()
    with pytest.raises(errors.ArgumentError, match="has no inverse"):
        scaler.inverse(rng.normal(size=(3, 4)))
    with pytest.raises(errors.ArgumentError, match="frames, bands"):
        scaler.transform([np.zeros(3)])
    with pytest.raises(errors.ArgumentError, match="cannot be part of a network"):
        layers.Scale.from_scaler(scaler)
