import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from siamlab import Features, errors
from siamlab.scaling import MinMax, Standard

SCALERS = [
    Standard(),
    Standard(per_band=False),
    MinMax(),
    MinMax(per_band=True),
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


@given(decibels)
@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_the_inverse_gives_back_what_was_scaled(scaler, x):
    scaler.fit(x)
    np.testing.assert_allclose(scaler.inverse(scaler.transform(x)), x, atol=1e-3)


def test_standard_is_scikit_learns(spectrograms):
    frames = np.concatenate(spectrograms)
    ours = Standard().fit(spectrograms)
    expected = StandardScaler().fit(frames).transform(frames)
    scaled = np.concatenate(ours.transform(spectrograms))
    np.testing.assert_allclose(scaled, expected, atol=1e-4)
    assert scaled.dtype == np.float32


def test_standard_as_a_whole_has_mean_0_and_deviation_1(spectrograms):
    scaler = Standard(per_band=False).fit(spectrograms)
    scaled = np.concatenate(scaler.transform(spectrograms))
    assert scaled.mean() == pytest.approx(0, abs=1e-5)
    assert scaled.std() == pytest.approx(1, abs=1e-5)


def test_min_max_per_band_is_scikit_learns(spectrograms):
    frames = np.concatenate(spectrograms)
    expected = MinMaxScaler((-1, 1)).fit(frames).transform(frames)
    scaled = MinMax(per_band=True).fit(spectrograms).transform(spectrograms)
    np.testing.assert_allclose(np.concatenate(scaled), expected, atol=1e-5)


def test_min_max_as_a_whole_is_the_formula(spectrograms):
    frames = np.concatenate(spectrograms)
    low, high = frames.min(), frames.max()
    scaled = MinMax().fit(spectrograms).transform(frames)
    np.testing.assert_allclose(scaled, 2 * (frames - low) / (high - low) - 1, atol=1e-5)


def test_min_max_per_utterance_scales_each_by_its_own(spectrograms):
    scaled = MinMax(per="utterance").fit(spectrograms).transform(spectrograms)
    for x, y in zip(spectrograms, scaled, strict=True):
        expected = 2 * (x - x.min()) / (x.max() - x.min()) - 1
        np.testing.assert_allclose(y, expected, atol=1e-5)


def test_min_max_per_utterance_erases_loudness(spectrograms):
    quiet = [x - 20 for x in spectrograms]
    scaler = MinMax(per="utterance")
    for a, b in zip(
        scaler.transform(spectrograms), scaler.transform(quiet), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("scaler", [*SCALERS, MinMax(per="utterance")], ids=repr)
def test_silence_is_scaled_without_dividing_by_zero(scaler):
    silence = np.full((10, 4), -100.0, dtype=np.float32)
    np.testing.assert_array_equal(scaler.fit(silence).transform(silence), 0.0)


def test_a_band_that_never_changes_is_shifted_only(spectrograms):
    for x in spectrograms:
        x[:, 3] = -100.0
    scaler = Standard().fit(spectrograms)
    assert scaler.scale[3] == 1.0
    np.testing.assert_array_equal(scaler.transform(spectrograms[0])[:, 3], 0.0)


@pytest.mark.parametrize("scaler", [Standard, MinMax])
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
    one, listed = (Standard().fit(x) for x in (spectrograms[0], spectrograms[:1]))
    np.testing.assert_array_equal(one.shift, listed.shift)
    np.testing.assert_array_equal(one.scale, listed.scale)


@pytest.mark.parametrize("scaler", [Standard(), MinMax()])
def test_scaling_before_fitting_is_named(scaler):
    with pytest.raises(errors.NotFittedError, match="call fit with the features"):
        scaler.transform(np.zeros((3, 4)))


def test_extremes_of_an_utterance_cannot_be_undone():
    with pytest.raises(errors.ArgumentError, match="forgets the extremes"):
        MinMax(per="utterance").inverse(np.zeros((3, 4)))


def test_an_unknown_per_is_named():
    with pytest.raises(errors.ArgumentError, match="got 'band'"):
        MinMax(per="band")


@pytest.mark.parametrize("scaler", [Standard(), MinMax()])
def test_nothing_to_fit_is_named(scaler):
    with pytest.raises(errors.ArgumentError, match="at least one array; got none"):
        scaler.fit([])


@pytest.mark.parametrize("scaler", [Standard(), MinMax()])
def test_an_array_of_another_shape_is_named(scaler):
    with pytest.raises(errors.ArgumentError, match=r"\(frames, bands\); got \(3,\)"):
        scaler.fit([np.zeros(3)])
