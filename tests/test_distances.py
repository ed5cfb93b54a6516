import keras
import numpy as np
import pytest
from gradients import value_and_gradient, value_and_gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance as reference
from scipy.stats import entropy

from siamlab import distances

# JAX knows 64 bits only where it is told to.
LONG = ["int32"] if keras.backend.backend() == "jax" else ["int64", "float64"]
KINDS = ["float16", "bfloat16", *LONG]


@pytest.fixture
def distributions(rng):
    return rng.dirichlet(np.ones(6), size=8)


def test_a_divergence_worked_out_by_hand():
    p, q = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    # 1/2 ln(2/3) + 1/2 ln 2, and 3/4 ln(3/2) + 1/4 ln(1/2)
    assert float(distances.kl(p, q)) == pytest.approx(0.143841, abs=1e-6)
    assert float(distances.kl(q, p)) == pytest.approx(0.130812, abs=1e-6)
    assert float(distances.symmetric_kl(p, q)) == pytest.approx(0.274653, abs=1e-6)


def test_divergence_is_scipys_for_each_pair_of_rows(distributions):
    found = np.asarray(distances.kl(distributions, distributions[::-1]))
    expected = entropy(distributions, distributions[::-1], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_divergence_is_0_for_equals_alone_and_not_symmetric(distributions):
    square = np.asarray(distances.pairwise_kl(distributions))
    np.testing.assert_allclose(np.diag(square), 0, atol=1e-6)
    assert (square[~np.eye(8, dtype=bool)] > 1e-3).all()
    assert np.abs(square - square.T).max() > 0.1


@pytest.mark.parametrize(
    ("ours", "scipys"),
    [(distances.euclidean, "euclidean"), (distances.cosine, "cosine")],
)
def test_distances_are_scipys(rng, ours, scipys):
    a, b = rng.normal(size=(2, 5, 7))
    expected = [getattr(reference, scipys)(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(np.asarray(ours(a, b)), expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["kl", "euclidean", "cosine"])
def test_all_pairs_at_once_are_each_pair_alone(distributions, name):
    square = np.asarray(getattr(distances, f"pairwise_{name}")(distributions))
    for i, p in enumerate(distributions):
        for j, q in enumerate(distributions):
            if i != j:
                alone = float(getattr(distances, name)(p, q))
                assert square[i, j] == pytest.approx(alone, abs=1e-5)


def test_logits_and_their_softmax_are_as_far_apart(rng):
    logits = rng.normal(size=(6, 9)).astype(np.float32)
    np.testing.assert_allclose(
        distances.pairwise_kl(logits, from_logits=True),
        distances.pairwise_kl(keras.ops.softmax(logits)),
        atol=1e-5,
    )


def test_logits_far_apart_stay_finite():
    logits = np.array([[200.0, 0.0], [0.0, 200.0]], np.float32)
    square = np.asarray(distances.pairwise_kl(logits, from_logits=True))
    np.testing.assert_allclose(square, [[0, 200], [200, 0]], atol=1e-4)


@pytest.mark.parametrize(
    ("measure", "x"),
    [
        (distances.pairwise_kl, [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
        (distances.pairwise_euclidean, [[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]]),
        (distances.pairwise_cosine, [[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]]),
    ],
)
def test_equal_rows_and_exact_zeros_have_finite_gradients(measure, x):
    total, gradient = value_and_gradient(measure, np.array(x, np.float32))
    assert np.isfinite(total)
    assert np.isfinite(gradient).all()


def test_an_exact_zero_adds_nothing_to_a_divergence():
    p, q = np.array([0.0, 0.25, 0.75]), np.array([0.5, 0.25, 0.25])
    assert float(distances.kl(p, q)) == pytest.approx(entropy(p, q), rel=1e-6)
    # The other way it would be infinite; it is large, and a number.
    assert 10 < float(distances.kl(q, p)) < 100


weights = st.lists(st.floats(0.01, 1), min_size=4, max_size=4)


@settings(deadline=None)
@given(weights, weights)
def test_no_divergence_is_negative(first, second):
    p, q = (np.array(w) / np.sum(w) for w in (first, second))
    found = keras.ops.convert_to_numpy(distances.kl(p, q))
    eps = np.finfo(found.dtype).eps  # JAX has no float64 by default
    assert found >= -10 * eps
    if found < eps:
        np.testing.assert_allclose(p, q, atol=1e-2 if eps > 1e-9 else 1e-5)


@pytest.mark.parametrize("name", ["kl", "symmetric_kl", "euclidean", "cosine"])
@pytest.mark.parametrize("x", [[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
def test_a_pair_of_equals_has_a_finite_gradient(name, x):
    x = np.array(x, np.float32)
    found, gradients = value_and_gradients(getattr(distances, name), x, x)
    assert found == pytest.approx(0, abs=1e-6)
    assert np.isfinite(gradients).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("kl", np.log(2)), ("euclidean", np.sqrt(0.5)), ("cosine", 1 - np.sqrt(0.5))],
)
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_any_kind_are_taken(name, expected, kind):
    # Half precision has no number as small as what stands for an exact zero.
    found = getattr(distances, name)(
        keras.ops.convert_to_tensor([1, 0], dtype=kind), np.array([0.5, 0.5])
    )
    assert float(found) == pytest.approx(expected, abs=1e-6)
    square = getattr(distances, f"pairwise_{name}")(keras.ops.eye(2, dtype=kind))
    assert np.isfinite(keras.ops.convert_to_numpy(square)).all()
