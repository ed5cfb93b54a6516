import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import preprocessing
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from siamlab import Features
from siamlab.errors import ArgumentError
from siamlab.scaling import (
    AffineScaler,
    MeanNormalizer,
    MinMaxScaler,
    StandardScaler,
    gate_saturation,
    lstm_forward,
)

FITTED = [
    StandardScaler(),
    StandardScaler(per_band=False),
    MinMaxScaler(),
    MinMaxScaler(feature_range=(0, 5)),
]
OF_UTTERANCES = [MinMaxScaler(per="utterance"), MeanNormalizer()]
ALL = [*FITTED, *OF_UTTERANCES, AffineScaler(-40, 20)]
decibels = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 20), st.just(5)),
    elements=st.floats(-100, 40, width=32),
)


@pytest.fixture
def spectrograms(rng):
    """Three utterances of unequal length, in dB, with loud and with quiet bands."""
    level = np.linspace(-10, -80, 16)
    return [(level + rng.normal(0, 12, size=(n, 16))).astype("f4") for n in (40, 90, 7)]


@example(np.array([[0.0] * 5, [1e-45] * 5], np.float32))  # float32 spread: 0
@given(decibels)
@pytest.mark.parametrize("scaler", FITTED, ids=repr)
def test_inverse_transform_undoes_transform(scaler, x):
    scaled = scaler.fit_transform(x)
    np.testing.assert_allclose(scaler.inverse_transform(scaled), x, atol=1e-3)


def test_standardization_agrees_with_scikit_learn(spectrograms):
    everything = np.concatenate(spectrograms)
    expected = preprocessing.StandardScaler().fit_transform(everything)
    scaled = np.concatenate(StandardScaler().fit_transform(spectrograms))
    np.testing.assert_allclose(scaled, expected, atol=1e-4)
    assert scaled.dtype == np.float32


def test_one_mean_and_deviation_for_all_bands(spectrograms):
    scaled = np.concatenate(StandardScaler(per_band=False).fit_transform(spectrograms))
    assert (scaled.mean(), scaled.std()) == pytest.approx((0, 1), abs=1e-5)


def test_min_max_is_the_formula_over_the_corpus_or_the_utterance(spectrograms):
    def formula(x, low, high):
        return 2 * (x - low) / (high - low) - 1

    everything = np.concatenate(spectrograms)
    low, high = everything.min(), everything.max()
    of_corpus = MinMaxScaler().fit_transform(spectrograms)
    of_utterance = MinMaxScaler(per="utterance").fit_transform(spectrograms)
    quieter = MinMaxScaler(per="utterance").transform([x - 20 for x in spectrograms])
    for x, a, b, c in zip(spectrograms, of_corpus, of_utterance, quieter, strict=True):
        np.testing.assert_allclose(a, formula(x, low, high), atol=1e-5)
        np.testing.assert_allclose(b, formula(x, x.min(), x.max()), atol=1e-5)
        np.testing.assert_allclose(c, b, atol=1e-5)  # loudness is lost


@pytest.mark.parametrize("per_band", [True, False])
def test_mean_normalization_removes_the_microphone(rng, per_band):
    arrays = [rng.normal(-50, 10, size=(n, 6)).astype(np.float32) for n in (30, 7)]
    microphone = rng.normal(0, 6, size=6) if per_band else 4.0
    scaler = MeanNormalizer(per_band)
    found = scaler.fit_transform(arrays)
    colored = scaler.transform([x + microphone for x in arrays])
    for x, y, z in zip(arrays, found, colored, strict=True):
        np.testing.assert_allclose(y.mean(axis=0 if per_band else None), 0, atol=1e-4)
        np.testing.assert_allclose(np.diff(y, axis=0), np.diff(x, axis=0), atol=1e-4)
        np.testing.assert_allclose(z, y, atol=1e-4)


def test_affine_scaler_converts_decibels_into_natural_logarithms(rng):
    power = rng.uniform(1e-6, 10, size=(20, 4))
    found = AffineScaler(0, 10 / np.log(10)).transform(10 * np.log10(power))
    np.testing.assert_allclose(found, np.log(power), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scaler", [*FITTED[:3], *OF_UTTERANCES])
def test_silence_becomes_0_without_a_division_by_0(scaler):
    silence = np.full((10, 4), -100.0, np.float32)
    np.testing.assert_array_equal(scaler.fit_transform(silence), 0.0)


@given(decibels, st.floats(-90, 30))
@pytest.mark.parametrize(
    "scaler", [StandardScaler(), MinMaxScaler(), OF_UTTERANCES[0]], ids=repr
)
def test_a_floor_is_the_same_as_clipping_first(scaler, x, floor):
    expected = scaler.fit_transform(np.maximum(x, np.float32(floor)))
    found = clone(scaler).set_params(floor_db=floor).fit_transform(x)
    np.testing.assert_array_equal(found, expected)


def test_a_scaler_that_is_not_fitted_raises(spectrograms):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        StandardScaler().transform(spectrograms)


@pytest.mark.parametrize("scaler", ALL, ids=repr)
def test_scalers_follow_scikit_learns_conventions(scaler, spectrograms):
    features = Features(spectrograms, pd.DataFrame({"speaker": list("abc")}))
    pipeline = make_pipeline(AffineScaler(floor_db=-90), clone(scaler))
    scaled = pipeline.fit_transform(features)
    assert scaled.speakers.tolist() == list("abc")
    as_list, one = (pipeline.transform(x) for x in (spectrograms, spectrograms[0]))
    np.testing.assert_allclose(as_list[0], scaled[0], atol=1e-4)
    np.testing.assert_allclose(one, scaled[0], atol=1e-4)


INVALID = {
    "at least one array": lambda x: StandardScaler().fit([]),
    r"\(time, mel\); got \(4,\)": lambda x: MinMaxScaler().fit([x[0]]),
    "corpus, utterance; got 'band'": lambda x: MinMaxScaler(per="band").fit(x),
    r"low < high; got \(1, 1\)": lambda x: MinMaxScaler((1, 1)).fit(x),
    "does not store them": lambda x: OF_UTTERANCES[0].inverse_transform(x),
    "must not be 0": lambda x: AffineScaler(scale=0.0).transform(x),
}


@pytest.mark.parametrize(("message", "use"), INVALID.items())
def test_invalid_settings_and_inputs_raise(use, message):
    with pytest.raises(ArgumentError, match=message):
        use(np.zeros((3, 4)))


def slow_lstm(lstm, x):
    """Sums of the gates and last output of one utterance, frame by frame."""
    kernel, recurrent, bias = (np.asarray(w, np.float64) for w in lstm.get_weights())
    h = c = np.zeros(lstm.units)
    sums = []
    for frame in x:
        sums.append(frame @ kernel + h @ recurrent + bias)
        i, f, g, o = np.split(sums[-1], 4)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    return np.array(sums), h


def slow_saturation(lstm, x, threshold=4):
    """Fraction of the sums of input, forget and output gate beyond the threshold."""
    i, f, _, o = np.split(slow_lstm(lstm, x)[0], 4, axis=1)
    return np.mean(np.abs([i, f, o]) > threshold)


def test_lstm_forward_equals_a_slow_loop_and_keras(rng):
    lstm = keras.layers.LSTM(5)
    x = rng.normal(0, 2, size=(4, 20, 3))
    outputs = keras.ops.convert_to_numpy(lstm(x))
    weights = [np.asarray(w, np.float64) for w in lstm.get_weights()]
    sums, _ = lstm_forward(x, *weights)
    for i, one in enumerate(x):
        expected, last = slow_lstm(lstm, one)
        np.testing.assert_allclose(sums[i], expected, atol=1e-12)
        np.testing.assert_allclose(outputs[i], last, atol=1e-5)


@pytest.mark.parametrize("threshold", [1, 4, 10])
def test_gate_saturation_equals_a_slow_loop(rng, threshold):
    lstm = keras.layers.LSTM(5, name="lstm")
    model = keras.Sequential([keras.Input((None, 3)), lstm])
    x = rng.normal(0, 9, size=(1, 20, 3)).astype(np.float32)
    found = gate_saturation(model, (x, np.zeros(1)), threshold)
    assert found == {"lstm": pytest.approx(slow_saturation(lstm, x[0], threshold))}
    assert lstm.output is model.outputs[0]  # the layer was not called again


def test_gate_saturation_counts_both_directions_and_skips_masked_frames(rng):
    pair = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.Masking(), pair])
    x = rng.normal(0, 9, size=(1, 15, 3)).astype(np.float32)
    forward = slow_saturation(pair.forward_layer, x[0])
    backward = slow_saturation(pair.backward_layer, x[0, ::-1])
    padded = np.concatenate([x, np.zeros((1, 30, 3), np.float32)], axis=1)
    expected = pytest.approx((forward + backward) / 2)
    assert gate_saturation(model, padded) == {pair.name: expected}


def test_gate_saturation_of_a_shared_encoder_counts_both_inputs(rng):
    lstm = keras.layers.LSTM(4, name="lstm")
    encoder = keras.Sequential([keras.Input((None, 3)), lstm])
    a, b = keras.Input((None, 3)), keras.Input((None, 3))
    model = keras.Model([a, b], keras.layers.subtract([encoder(a), encoder(b)]))
    x, y = rng.normal(0, 9, size=(2, 1, 8, 3)).astype(np.float32)
    expected = (slow_saturation(lstm, x[0]) + slow_saturation(lstm, y[0])) / 2
    assert gate_saturation(model, ([x, y], None)) == {"lstm": pytest.approx(expected)}


def test_gate_saturation_needs_a_graph_with_an_lstm():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)], name="dense")
    with pytest.raises(ArgumentError, match="'dense' has none"):
        gate_saturation(model, np.zeros((2, 3)))
    with pytest.raises(ArgumentError, match="functional or sequential"):
        gate_saturation(keras.Model(), np.zeros((2, 3)))
