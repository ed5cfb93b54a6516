"""Each fault of the posted programs has its symptom, and the library's way has not."""

import itertools

import keras
import numpy as np
import pytest
from gradients import value_and_gradient

import siamlab as sl
from siamlab import distances, errors, layers, losses, posts

SMALL = {"n_frames": 12, "n_mels": 8, "units": 6, "output_dim": 5}


@pytest.fixture
def outputs(rng):
    """Outputs of a PReLU: some are negative, some are greater than 1."""
    return rng.normal(0, 2, size=(2, 50, 16)).astype(np.float32)


def gradient(function, x):
    return value_and_gradient(function, x)[1]


def test_outputs_of_a_prelu_do_not_sum_to_1(rng):
    x = rng.normal(-50, 20, size=(8, 12, 8)).astype(np.float32)
    net = posts.prelu_head(sl.networks.blstm_encoder(head="logits", **SMALL))
    assert np.abs(np.asarray(net(x)).sum(axis=1) - 1).max() > 0.1


def test_a_divergence_of_outputs_that_are_not_distributions_can_be_negative():
    p, q = np.full((1, 128), 1 / np.e), np.ones((1, 128))
    assert float(posts.clipped_kl(p, q)[0]) == pytest.approx(-128 / np.e, rel=1e-5)
    assert float(distances.generalized_kl(p, q)[0]) > 0


def test_clipping_kills_the_gradient_of_outputs_outside_0_to_1(outputs):
    first, second = outputs
    clipped = gradient(lambda p: posts.clipped_kl(p, second), first)
    outside = (first <= 0) | (first >= 1)
    np.testing.assert_array_equal(clipped[outside], 0)
    q = keras.ops.softmax(second)
    fixed = gradient(lambda x: distances.kl(keras.ops.softmax(x), q), first)
    assert (fixed != 0).all()


def test_the_slope_of_a_prelu_in_front_of_a_clip_is_never_trained(rng):
    inputs, head = keras.Input((8,)), keras.layers.Dense(5)
    encoder = posts.prelu_head(keras.Model(inputs, head(inputs)))
    net = sl.networks.Siamese(encoder, posts.clipped_kl)
    net.compile("adam", loss=posts.MeanHinge())
    slope, kernel = encoder.get_layer("prelu").get_weights()[0], head.get_weights()[0]
    net.fit(tuple(rng.normal(size=(2, 16, 8))), np.arange(16)[:, None] % 2, verbose=0)
    np.testing.assert_array_equal(encoder.get_layer("prelu").get_weights()[0], slope)
    assert not np.array_equal(head.get_weights()[0], kernel)


def test_one_direction_of_a_divergence_is_not_symmetric(rng):
    p, q = rng.dirichlet(np.ones(4), size=(2, 9))
    one_way = np.asarray(posts.kl_one_way(p, q)) - np.asarray(posts.kl_one_way(q, p))
    assert np.abs(one_way).min() > 1e-3
    both = [np.sum(layers.Distance("kl")(pair), axis=1) for pair in ([p, q], [q, p])]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-5)


def test_both_directions_can_be_clipped(outputs):
    both = [posts.clipped_kl(*outputs), posts.clipped_kl(*outputs[::-1])]
    added, each = posts.clipped_both(*outputs), posts.clipped_each(*outputs)
    np.testing.assert_allclose(added, np.sum(both, axis=0), rtol=1e-5)
    np.testing.assert_allclose(each, np.stack(both, axis=1), rtol=1e-5)


def test_averaging_before_the_hinge_lets_one_distant_pair_cancel_the_others():
    different, d = np.array([[0], [0]]), np.array([[0.1], [5.0]], np.float32)
    of_mean = gradient(lambda x: posts.MeanHinge(1.0)(different, x), d)
    np.testing.assert_array_equal(of_mean, 0)
    of_each = gradient(lambda x: losses.DistanceHinge(1.0)(different, x), d)
    assert (of_each[0, 0] < 0, of_each[1, 0]) == (True, 0)


def test_the_mean_hinge_survives_saving():
    again = keras.losses.deserialize(keras.losses.serialize(posts.MeanHinge(2.0)))
    assert again.margin == 2.0


def test_the_mean_of_a_broadcast_loss_does_not_depend_on_the_order_of_labels(rng):
    same, d = np.arange(8)[:, None] % 2, rng.uniform(0, 2, size=8).astype(np.float32)
    broadcast = np.asarray(posts.broadcast_loss(same, d))
    assert broadcast.shape == (8, 8)
    swapped = np.asarray(posts.broadcast_loss(1 - same, d))
    assert swapped.mean() == pytest.approx(broadcast.mean(), rel=1e-6)
    of_columns = [posts.broadcast_loss(s, d[:, None]) for s in (same, 1 - same)]
    assert abs(np.mean(of_columns[0]) - np.mean(of_columns[1])) > 1e-3


def test_a_fresh_extractor_does_not_have_the_trained_weights(rng):
    net = sl.networks.blstm_encoder(**SMALL)
    x = rng.normal(size=(2, 12, 8)).astype(np.float32)
    fresh = posts.fresh_extractor(net)(x)
    trained = sl.embeddings.extractor(net, "blstm_2")(x)
    assert fresh.shape == trained.shape
    assert not np.allclose(fresh, trained, atol=0.01)


def test_the_ladder_fixes_one_fault_at_a_time():
    recipes = list(posts.ladder().values())
    assert recipes[0] == posts.POSTED == posts.Recipe()
    for before, after in itertools.pairwise(recipes):
        assert len(vars(before).items() - vars(after).items()) == 1


@pytest.mark.parametrize("name", posts.ladder())
def test_every_recipe_has_a_network_and_batches_that_fit_its_loss(name, features):
    recipe = posts.ladder()[name].with_fixes(units=6)
    net = recipe.network(features)
    x, y = recipe.batches(features, steps=2)[0]
    assert np.isfinite(float(net.compute_loss(x, y, net(x))))


def test_the_recipe_with_all_pairs_uses_the_loss_of_the_library(features):
    net = posts.ladder()["all pairs of a batch"].network(features)
    assert isinstance(net.loss, losses.KLHinge)
    assert net.loss.margin == 3.0
    assert net.encoder.get_layer("scale") is not None


INCOMPLETE = {
    "hinges must be 1 or the number of directions": {"hinges": 2},
    "directions must be 1 or 2": {"directions": 3},
    "all_pairs needs softmax": {"all_pairs": True},
    "needs all_pairs": {"loss": "supcon"},
    "loss must be": {"loss": "mse"},
}


@pytest.mark.parametrize(("message", "fixes"), INCOMPLETE.items())
def test_fixes_that_need_others_raise(fixes, message):
    with pytest.raises(errors.ArgumentError, match=message):
        posts.POSTED.with_fixes(**fixes)
