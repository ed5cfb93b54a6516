"""Each fault has the symptom that its docstring names, and its fix does not."""

import itertools

import keras
import numpy as np
import pandas as pd
import pytest
from gradients import value_and_gradient

import siamlab as sl
from siamlab import distances, errors, layers, losses, posts

SMALL = {"n_frames": 12, "n_mels": 8, "units": 6, "output_dim": 5}


@pytest.fixture
def features(rng):
    shapes = rng.normal(-50, 12, size=(4, 8))
    arrays = [
        (shapes[i // 5] + rng.normal(0, 6, size=(90, 8))).astype(np.float32)
        for i in range(20)
    ]
    return sl.Features(
        arrays, pd.DataFrame({"speaker": [f"s{i // 5}" for i in range(20)]})
    )


@pytest.fixture
def outputs(rng):
    """What a PReLU gives: some below 0, some above 1."""
    return rng.normal(0, 2, size=(2, 50, 16)).astype(np.float32)


def gradient(function, x):
    return value_and_gradient(function, x)[1]


def test_a_prelu_gives_no_distributions_and_a_softmax_does(rng):
    x = rng.normal(-50, 20, size=(8, 12, 8)).astype(np.float32)
    faulty_ones = np.asarray(
        posts.prelu_head(sl.networks.blstm_encoder(**SMALL, head="logits"))(x)
    )
    assert np.abs(faulty_ones.sum(axis=1) - 1).max() > 0.1
    good = np.asarray(sl.networks.blstm_encoder(**SMALL)(x))
    assert (good > 0).all()
    np.testing.assert_allclose(good.sum(axis=1), 1, rtol=1e-5)


def test_a_divergence_of_no_distributions_may_be_negative(outputs):
    lowest = np.full((1, 128), 1 / np.e), np.ones((1, 128))
    assert float(posts.clipped_kl(*lowest)[0]) == pytest.approx(-128 / np.e, rel=1e-5)
    p, q = (keras.ops.softmax(x) for x in outputs)
    assert np.asarray(distances.kl(p, q)).min() >= 0
    assert float(distances.generalized_kl(*lowest)[0]) > 0


def test_a_clip_passes_no_gradient_where_outputs_are_wrong(outputs):
    first, second = outputs
    found = gradient(lambda p: keras.ops.sum(posts.clipped_kl(p, second)), first)
    wrong = (first <= 0) | (first >= 1)
    assert wrong.mean() > 0.5
    np.testing.assert_array_equal(found[wrong], 0)
    fixed = gradient(
        lambda p: keras.ops.sum(
            distances.kl(keras.ops.softmax(p), keras.ops.softmax(second))
        ),
        first,
    )
    assert (fixed != 0).all()


def test_under_the_clip_the_slope_of_a_prelu_is_never_trained(rng):
    x = rng.normal(-50, 20, size=(32, 12, 8)).astype(np.float32)
    base = posts.prelu_head(sl.networks.blstm_encoder(**SMALL, head="logits"))
    twins = sl.networks.Siamese(base, posts.clipped_kl)
    twins.compile("adam", loss=posts.MeanHinge())
    slope = base.get_layer("prelu").get_weights()[0].copy()
    others = base.get_layer("head").get_weights()[0].copy()
    twins.fit((x[:16], x[16:]), np.arange(16)[:, None] % 2, epochs=3, verbose=0)
    np.testing.assert_array_equal(base.get_layer("prelu").get_weights()[0], slope)
    assert np.abs(base.get_layer("head").get_weights()[0] - others).max() > 0


def test_one_direction_depends_on_who_comes_first(rng):
    p, q = (rng.dirichlet(np.ones(4), size=9) for _ in range(2))
    there, back = (
        np.asarray(posts.kl_one_way(p, q)),
        np.asarray(posts.kl_one_way(q, p)),
    )
    assert np.abs(there - back).min() > 1e-3
    both = layers.Distance("kl")
    np.testing.assert_allclose(
        np.asarray(both([p, q])).sum(axis=1),
        np.asarray(both([q, p])).sum(axis=1),
        rtol=1e-5,
    )


def test_a_mean_before_the_hinge_ignores_close_different_speakers():
    # Two different-speaker pairs, at 0.1 and at 5: their mean exceeds the margin.
    same, d = np.array([[0], [0]]), np.array([[0.1], [5.0]], np.float32)
    np.testing.assert_array_equal(
        gradient(lambda x: posts.MeanHinge(1.0)(same, x), d), 0
    )
    pushed = gradient(lambda x: losses.DistanceHinge(1.0)(same, x), d)
    assert pushed[0, 0] < 0
    assert pushed[1, 0] == 0


def test_broadcast_labels_cancel_out(rng):
    same = np.arange(8)[:, None] % 2
    d = rng.uniform(0, 2, size=8).astype(np.float32)
    found = np.asarray(posts.broadcast_loss(same, d))
    assert found.shape == (8, 8)
    shuffled = posts.broadcast_loss(rng.permutation(same), d)
    assert np.mean(shuffled) == pytest.approx(np.mean(found), rel=1e-6)
    # The fix: labels and distances of one shape.
    right = np.mean(posts.broadcast_loss(same, d[:, None]))
    wrong = np.mean(posts.broadcast_loss(1 - same, d[:, None]))
    assert abs(right - wrong) > 1e-3


SAME = np.array([[1], [1], [0], [0]])
PERFECT = np.array([[0.01], [0.02], [5.0], [7.0]], np.float32)


def test_accuracy_of_distances_is_zero_for_a_perfect_network():
    assert np.mean(posts.accuracy_of_distances(SAME, PERFECT)) == 0.0
    metric = sl.metrics.EER()
    metric.update_state(SAME, PERFECT)
    assert float(metric.result()) == 0.0


def test_keras_accuracy_is_that_metric():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model.compile(loss="mse", metrics=["accuracy"])
    found = model.evaluate(PERFECT, SAME, verbose=0, return_dict=True)
    assert found["accuracy"] == 0.0
    near = model.evaluate(PERFECT / 100, SAME, verbose=0, return_dict=True)
    assert near["accuracy"] == 0.5


def test_broadcast_accuracy_is_one_half_whatever_is_measured(rng):
    for d in (PERFECT[:, 0], PERFECT[::-1, 0], rng.uniform(0, 1, 4)):
        assert float(posts.broadcast_accuracy(SAME, d)) == 0.5
    assert float(posts.broadcast_accuracy(SAME, PERFECT)) == 1.0  # ranks alike


def test_a_fresh_extractor_does_not_have_the_trained_weights(features):
    net = sl.networks.blstm_encoder(
        **SMALL, scaler=sl.scaling.StandardScaler().fit(features)
    )
    fresh = posts.fresh_extractor(net)
    x = np.stack([array[:12] for array in features])
    assert fresh(x).shape == (20, 12)
    np.testing.assert_array_equal(
        fresh.get_layer("scale").get_weights()[0],
        net.get_layer("scale").get_weights()[0],
    )
    trained = sl.embeddings.extractor(net, "blstm_2")
    assert np.abs(np.asarray(fresh(x)) - np.asarray(trained(x))).max() > 0.01


def test_the_mean_hinge_survives_saving():
    again = keras.losses.deserialize(keras.losses.serialize(posts.MeanHinge(2.0)))
    assert again.margin == 2.0


def test_the_ladder_fixes_one_fault_at_a_time():
    recipes = list(posts.ladder().values())
    assert recipes[0] == posts.POSTED == posts.Recipe()
    for before, after in itertools.pairwise(recipes):
        changed = [
            name
            for name in vars(before)
            if getattr(before, name) != getattr(after, name)
        ]
        assert len(changed) == 1


@pytest.mark.parametrize("name", posts.ladder())
def test_every_rung_trains_and_embeds(name, features):
    recipe = posts.ladder()[name].with_fixes(units=6)
    net = recipe.network(features)
    batches = recipe.batches(features, steps=2)
    history = net.fit(batches, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    embeddings = sl.embed(net, features)
    assert len(embeddings) == 20
    assert np.isfinite(embeddings).all()


def test_a_recipe_that_does_all_right_is_the_libraries_own(features):
    recipe = posts.ladder()["all pairs of a batch"]
    net = recipe.network(features)
    assert isinstance(net, sl.networks.SpeakerNet)
    assert isinstance(net.loss, losses.KLHinge)
    assert net.loss.margin == 3.0
    assert net.encoder.get_layer("scale") is not None


@pytest.mark.parametrize(
    ("fixes", "message"),
    [
        ({"hinges": 2}, "two hinges need two directions"),
        ({"directions": 3}, "directions must be 1 or 2"),
        ({"all_pairs": True}, "all_pairs needs softmax"),
        ({"loss": "supcon"}, "needs all_pairs"),
        ({"loss": "mse"}, "loss must be"),
    ],
)
def test_fixes_that_need_others_are_named(fixes, message):
    with pytest.raises(errors.ArgumentError, match=message):
        posts.POSTED.with_fixes(**fixes)


def test_both_directions_under_the_clip(outputs):
    there, back = posts.clipped_kl(*outputs), posts.clipped_kl(*outputs[::-1])
    both = posts.POSTED.with_fixes(directions=2)._distance()
    np.testing.assert_allclose(both(*outputs), there + back, rtol=1e-5)
    each = posts.POSTED.with_fixes(directions=2, hinges=2)._distance()
    np.testing.assert_allclose(
        each(*outputs), np.stack([there, back], axis=1), rtol=1e-5
    )
