import keras
import numpy as np
import pytest
from gradients import value_and_gradient, value_and_gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from scipy.spatial import distance as scipy_distance
from scipy.stats import entropy

from siamlab import distances

ONE_PAIR = ["kl", "symmetric_kl", "generalized_kl", "euclidean", "cosine"]
ALL_PAIRS = ["kl", "euclidean", "cosine"]
# JAX computes in 64 bits only if asked to.
WIDE = ["int32"] if keras.backend.backend() == "jax" else ["int64", "float64"]
weights = st.lists(st.floats(0.01, 1), min_size=4, max_size=4)


@pytest.fixture
def distributions(rng):
    return rng.dirichlet(np.ones(6), size=8)


def test_a_divergence_worked_out_by_hand():
    p, q = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    # 1/2 ln(2/3) + 1/2 ln 2, and 3/4 ln(3/2) + 1/4 ln(1/2)
    assert distances.kl(p, q) == pytest.approx(0.143841, abs=1e-6)
    assert distances.kl(q, p) == pytest.approx(0.130812, abs=1e-6)
    assert distances.symmetric_kl(p, q) == pytest.approx(0.274653, abs=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (distances.kl, entropy),
        (distances.euclidean, scipy_distance.euclidean),
        (distances.cosine, scipy_distance.cosine),
    ],
    ids=ALL_PAIRS,
)
def test_distances_are_those_of_scipy(distributions, ours, theirs):
    a, b = distributions, distributions[::-1]
    expected = [theirs(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ours(a, b), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ALL_PAIRS)
def test_all_pairs_at_once_equal_each_pair_alone(distributions, name):
    found = getattr(distances, f"pairwise_{name}")(distributions)
    one_pair = getattr(distances, name)
    slow = [[one_pair(p, q) for q in distributions] for p in distributions]
    np.testing.assert_allclose(found, slow, atol=1e-7)
    batches = getattr(distances, f"pairwise_{name}")(distributions.reshape(2, 4, 6))
    np.testing.assert_allclose(batches[1], found[4:, 4:], atol=1e-7)


@pytest.mark.parametrize("name", [*ONE_PAIR, *(f"pairwise_{n}" for n in ALL_PAIRS)])
def test_numpy_arrays_and_tensors_give_the_same_numbers(distributions, name):
    function = getattr(distances, name)
    x = distributions.astype(np.float32)
    inputs = (x,) if name.startswith("pairwise") else (x, x[::-1].copy())
    found = function(*inputs)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    of_tensors = function(*map(keras.ops.convert_to_tensor, inputs))
    assert keras.ops.is_tensor(of_tensors)
    # A rounding error of 6e-8 in a squared distance is one of 2.4e-4 in its root.
    atol = 3e-4 if name == "pairwise_euclidean" else 2e-6
    np.testing.assert_allclose(keras.ops.convert_to_numpy(of_tensors), found, atol=atol)


def test_logits_and_their_softmax_have_the_same_divergences(rng):
    logits = rng.normal(size=(6, 9))
    np.testing.assert_allclose(
        distances.pairwise_kl(logits, from_logits=True),
        distances.pairwise_kl(special.softmax(logits, axis=-1)),
        atol=1e-9,
    )


def test_divergences_of_very_different_logits_are_finite():
    logits = np.array([[200.0, 0.0], [0.0, 200.0]], np.float32)
    for x in (logits, keras.ops.convert_to_tensor(logits)):
        square = np.asarray(distances.pairwise_kl(x, from_logits=True))
        np.testing.assert_allclose(square, [[0, 200], [200, 0]], atol=1e-4)


def test_a_probability_of_0_is_large_but_finite():
    p, q = np.array([0.0, 0.25, 0.75]), np.array([0.5, 0.25, 0.25])
    assert distances.kl(p, q) == pytest.approx(entropy(p, q))
    assert 10 < distances.kl(q, p) < 100  # infinite by the formula


@settings(deadline=None)
@given(weights, weights)
def test_no_divergence_is_negative(first, second):
    p, q = (np.array(w) / np.sum(w) for w in (first, second))
    assert distances.kl(p, q) >= -1e-15


@pytest.mark.parametrize("name", ONE_PAIR)
def test_equal_outputs_have_a_finite_gradient(name):
    x = np.array([1.0, 0.0, 0.0], np.float32)
    found, gradients = value_and_gradients(getattr(distances, name), x, x)
    assert found == pytest.approx(0, abs=1e-6)
    assert np.isfinite(gradients).all()


@pytest.mark.parametrize("name", ALL_PAIRS)
def test_equal_rows_and_zeros_have_finite_gradients_among_all_pairs(name):
    x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32)
    function = getattr(distances, f"pairwise_{name}")
    total, gradient = value_and_gradient(function, x)
    assert np.isfinite(total)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("kl", np.log(2)), ("euclidean", np.sqrt(0.5)), ("cosine", 1 - np.sqrt(0.5))],
)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", *WIDE])
def test_half_precision_and_integers_are_computed_in_float32(name, expected, dtype):
    x = keras.ops.convert_to_tensor([1, 0], dtype=dtype)
    found = getattr(distances, name)(x, np.array([0.5, 0.5]))
    assert float(found) == pytest.approx(expected, abs=1e-6)
    square = getattr(distances, f"pairwise_{name}")(keras.ops.eye(2, dtype=dtype))
    assert np.isfinite(keras.ops.convert_to_numpy(square)).all()
