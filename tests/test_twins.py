import itertools

import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab import distances, errors, layers, losses, networks

SMALL = {"n_frames": 12, "n_mels": 8, "units": 6, "output_dim": 5}


@pytest.fixture
def twins():
    keras.utils.set_random_seed(1)
    return networks.Siamese(networks.blstm_encoder(**SMALL), "kl")


def all_pairs(x, ids):
    """Every pair of rows once, as twins take them."""
    i, j = zip(*itertools.combinations(range(len(x)), 2), strict=True)
    i, j = list(i), list(j)
    return (x[i], x[j]), (ids[i] == ids[j]).astype(int)[:, None]


@pytest.mark.parametrize(
    ("head", "distance", "of_pairs", "of_batch"),
    [
        (
            "softmax",
            "kl",
            losses.DistanceHinge(2.0),
            losses.KLHinge(2.0, weighting="pairs"),
        ),
        (
            "unit",
            "euclidean",
            losses.DistanceContrastive(1.0),
            losses.Contrastive(1.0, weighting="pairs"),
        ),
    ],
)
def test_twins_and_a_batch_of_speakers_have_the_same_loss(
    rng, head, distance, of_pairs, of_batch
):
    base = networks.blstm_encoder(**SMALL, head=head)
    x, ids = rng.normal(size=(7, 12, 8)).astype(np.float32), np.arange(7) // 2
    pairs, same = all_pairs(x, ids)
    twins = networks.Siamese(base, distance)
    net = networks.SpeakerNet(base)
    found = float(of_pairs(same, twins(pairs)))
    assert found == pytest.approx(float(of_batch(ids, net(x))), rel=1e-4)


def test_both_twins_are_the_base_itself(twins, rng):
    a, b = rng.normal(size=(2, 3, 12, 8)).astype(np.float32)
    p, q = twins.encoder(a), twins.encoder(b)
    expected = np.stack([distances.kl(p, q), distances.kl(q, p)], axis=1)
    np.testing.assert_allclose(twins((a, b)), expected, atol=1e-6)
    assert len(twins.trainable_variables) == len(twins.encoder.trainable_variables)


def test_swapping_the_twins_swaps_the_directions(twins, rng):
    a, b = rng.normal(size=(2, 3, 12, 8)).astype(np.float32)
    there = np.asarray(twins((a, b)))
    np.testing.assert_allclose(twins((b, a)), there[:, ::-1], atol=1e-6)


def test_trained_twins_survive_saving(twins, rng, tmp_path):
    x, ids = rng.normal(size=(8, 12, 8)).astype(np.float32), np.arange(8) // 2
    (a, b), same = all_pairs(x, ids)
    optimizer = keras.optimizers.Adam(1e-2)
    twins.compile(optimizer, losses.DistanceHinge(), metrics=[sl.metrics.EER()])
    twins.fit((a, b), same, batch_size=8, epochs=2, verbose=0)
    twins.save(tmp_path / "twins.keras")
    again = keras.saving.load_model(tmp_path / "twins.keras")
    np.testing.assert_allclose(again((a, b)), twins((a, b)), atol=1e-6)
    before = twins.evaluate((a, b), same, verbose=0, return_dict=True)
    assert again.evaluate((a, b), same, verbose=0, return_dict=True) == before
    # The optimizer's state as well: both go on alike.
    losses_after = [
        net.fit(
            (a, b), same, batch_size=28, epochs=1, shuffle=False, verbose=0
        ).history["loss"]
        for net in (twins, again)
    ]
    assert np.isfinite(losses_after).all()


def test_twins_of_a_function_survive_saving(rng, tmp_path):
    base = networks.blstm_encoder(**SMALL)
    twins = networks.Siamese(base, sl.posts.clipped_kl)
    a, b = rng.normal(size=(2, 3, 12, 8)).astype(np.float32)
    assert twins((a, b)).shape == (3, 1)
    twins.save(tmp_path / "twins.keras")
    again = keras.saving.load_model(tmp_path / "twins.keras")
    np.testing.assert_allclose(again((a, b)), twins((a, b)), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "function", "directions"),
    [
        ("kl", distances.kl, 2),
        ("generalized_kl", distances.generalized_kl, 2),
        ("symmetric_kl", distances.symmetric_kl, 1),
        ("euclidean", distances.euclidean, 1),
        ("cosine", distances.cosine, 1),
        (distances.cosine, distances.cosine, 1),
    ],
)
def test_a_distance_keeps_the_axis_of_pairs(rng, name, function, directions):
    p, q = (rng.dirichlet(np.ones(4), size=3) for _ in range(2))
    found = np.asarray(layers.Distance(name)([p, q]))
    assert found.shape == (3, directions)
    np.testing.assert_allclose(found[:, 0], function(p, q), rtol=1e-5)
    np.testing.assert_allclose(found[:, -1], function(q, p), rtol=1e-5)


def test_a_distance_works_in_a_functional_model(rng):
    a, b = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([a, b], layers.Distance("kl")([a, b]))
    assert model.output_shape == (None, 2)
    p, q = (rng.dirichlet(np.ones(4), size=3) for _ in range(2))
    assert model.predict([p, q], verbose=0).shape == (3, 2)


def test_a_distance_that_is_unknown_is_named_with_those_that_are():
    with pytest.raises(errors.ArgumentError, match="cosine; got 'manhattan'"):
        layers.Distance("manhattan")


def test_what_is_no_network_is_named():
    with pytest.raises(errors.ArgumentError, match=r"must be a keras\.Model; got str"):
        networks.Siamese("base")


def test_a_classifier_has_a_vector_for_each_speaker(rng):
    base = networks.blstm_encoder(**SMALL, head="unit")
    model = networks.classifier(base, 7)
    x = rng.normal(size=(3, 12, 8)).astype(np.float32)
    vectors = model.get_layer("speakers").get_weights()[0]
    assert vectors.shape == (7, 5)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(model(x), np.asarray(base(x)) @ unit.T, atol=1e-5)
    net = networks.SpeakerNet(model)
    assert sl.embed(net, [x[0]]).shape == (1, 12)


def test_one_speaker_is_no_classification():
    with pytest.raises(errors.ArgumentError, match="at least 2; got 1"):
        layers.CosineClassifier(1)


def test_a_classifier_learns_who_speaks(rng):
    keras.utils.set_random_seed(0)
    shapes = rng.normal(size=(4, 1, 8))
    ids = np.arange(64) % 4
    x = (shapes[ids] + 0.3 * rng.normal(size=(64, 12, 8))).astype(np.float32)
    base = networks.blstm_encoder(**SMALL, head="unit", dropout=0.0)
    net = networks.SpeakerNet(networks.classifier(base, 4))
    net.compile(keras.optimizers.Adam(1e-2), loss=losses.AAMSoftmax(scale=10))
    net.fit(x, ids, epochs=20, verbose=0)
    right = np.argmax(np.asarray(net(x)), axis=1) == ids
    assert right.mean() > 0.9
