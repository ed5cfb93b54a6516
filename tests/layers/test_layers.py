import keras
import numpy as np
import pytest
from gradients import value_and_gradient

from siamlab import distances, errors, layers, scaling

SCALERS = [
    scaling.StandardScaler(),
    scaling.StandardScaler(per_band=False),
    scaling.MinMaxScaler(),
    scaling.MinMaxScaler((0, 5)),
    scaling.StandardScaler(floor_db=-40),
    scaling.AffineScaler(-40, 20),
]


@pytest.fixture
def decibels(rng):
    """Two utterances of unequal length; each band has its own level."""
    level = np.linspace(-70, -20, 5)
    return [rng.normal(level, 9, size=(n, 5)).astype(np.float32) for n in (40, 25)]


@keras.saving.register_keras_serializable("tests")
def manhattan(a, b):
    return keras.ops.sum(keras.ops.abs(a - b), axis=-1)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Scale(-40.0, [2.0, 3.0, 4.0], floor_db=-60), (4, 3)),
        (layers.TemporalSubsampling(3), (8, 3)),
        (layers.StatisticsPooling(), (8, 3)),
        (layers.CosineClassifier(4), (3,)),
        (layers.RandomReverb(rt60=(0.2, 0.3), seed=1), (8, 3)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_layer_is_saved_and_loaded(layer, shape, rng, tmp_path):
    model = keras.Sequential([keras.Input(shape), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = rng.normal(-40, 9, size=(2, *shape)).astype(np.float32)
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.layers[0].get_config() == layer.get_config()


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_scale_equals_its_scaler_also_in_a_clone(scaler, decibels):
    scaler.fit(decibels)
    layer = layers.Scale.from_scaler(scaler)
    model = keras.Sequential([keras.Input((None, 5)), layer])
    clone = keras.models.clone_model(model)
    for x in decibels:
        expected = scaler.transform(x)
        np.testing.assert_allclose(model(x[None])[0], expected, atol=1e-5)
        np.testing.assert_array_equal(clone(x[None]), model(x[None]))
    assert layer.trainable_weights == []


def test_sequence_mask_is_true_up_to_the_length():
    found = layers.SequenceMask()(np.zeros((3, 4, 2)), np.array([4, 1, 0]))
    expected = [[True] * 4, [True, False, False, False], [False] * 4]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("stride", [1, 3, 9])
def test_temporal_subsampling_keeps_every_nth_frame_and_its_mask(rng, stride):
    x, mask = rng.normal(size=(2, 8, 3)), rng.random((2, 8)) < 0.5
    layer = layers.TemporalSubsampling(stride)
    np.testing.assert_allclose(layer(x), x[:, ::stride], rtol=1e-6)
    np.testing.assert_array_equal(layer.compute_mask(x, mask), mask[:, ::stride])
    assert layer.compute_mask(x, None) is None


@pytest.mark.parametrize("n_frames", [1, 7])
def test_statistics_pooling_equals_numpy(rng, n_frames):
    x = rng.normal(3, 2, size=(2, n_frames, 5)).astype(np.float32)
    expected = np.concatenate([x.mean(axis=1), x.std(axis=1)], axis=1)
    np.testing.assert_allclose(layers.StatisticsPooling()(x), expected, atol=4e-3)


def test_statistics_pooling_does_not_overflow_in_half_precision():
    x = np.array([[[-300.0], [300.0]]], np.float16)
    found = layers.StatisticsPooling(dtype="float16")(x)
    np.testing.assert_allclose(found, [[0.0, 300.0]], rtol=1e-3)


def test_statistics_pooling_of_a_constant_has_a_finite_gradient():
    x = np.zeros((1, 6, 2), np.float32)
    _, gradient = value_and_gradient(layers.StatisticsPooling(), x)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("distance", "function", "directions"),
    [
        ("kl", distances.kl, 2),
        ("generalized_kl", distances.generalized_kl, 2),
        ("symmetric_kl", distances.symmetric_kl, 1),
        ("euclidean", distances.euclidean, 1),
        ("cosine", distances.cosine, 1),
        (manhattan, manhattan, 1),
    ],
)
def test_distance_has_a_column_for_each_direction(rng, distance, function, directions):
    p, q = rng.dirichlet(np.ones(4), size=(2, 3)).astype(np.float32)
    a, b = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([a, b], layers.Distance(distance)([a, b]))
    assert model.output_shape == (None, directions)
    found = model([p, q])
    np.testing.assert_allclose(found[:, 0], function(p, q), rtol=1e-5)
    np.testing.assert_allclose(found[:, -1], function(q, p), rtol=1e-5)
    clone = keras.Model.from_config(model.get_config())
    np.testing.assert_array_equal(clone([p, q]), found)


INVALID = {
    "cosine; got 'manhattan'": lambda: layers.Distance("manhattan"),
    "at least 2; got 1": lambda: layers.CosineClassifier(1),
    "one per band; got shape": lambda: layers.Scale(scale=[1, 2])(np.zeros((1, 3, 4))),
    "cannot be part of": lambda: layers.Scale.from_scaler(scaling.MeanNormalizer()),
}


@pytest.mark.parametrize(("message", "make"), INVALID.items())
def test_invalid_arguments_raise(make, message):
    with pytest.raises(errors.ArgumentError, match=message):
        make()
