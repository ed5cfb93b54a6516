import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import outputs

import siamlab as sl
from siamlab.labs import MarginLab, push

MARGINS = st.floats(0.05, 8)


def both_networks():
    """Outputs, and the settings that fit them."""
    same, softmax, free = outputs()
    return [(*softmax, same, False), (*free, same, True)]


# What a network of twins measures, by the settings of `push`.
DISTANCES = {
    (False, "one"): sl.posts.kl_one_way,
    (False, "summed"): "symmetric_kl",
    (False, "each"): "kl",
    (True, "one"): sl.posts.clipped_kl,
    (True, "summed"): sl.posts.clipped_both,
    (True, "each"): sl.posts.clipped_each,
}


def test_a_batch_by_hand():
    """Strangers 0.511 nats apart there and 0.368 back; friends who are equal."""
    p, q = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.5, 0.5]]
    found = push(p, q, [False, True], margin=0.5)
    assert found.there[0] == pytest.approx(0.5108, abs=1e-4)
    assert found.back[0] == pytest.approx(0.3681, abs=1e-4)
    assert (found.active, found.active_there, found.active_back) == (1, 0, 1)
    assert found.loss == pytest.approx(0.1319 / 2, abs=1e-4)
    one = push(p, q, [False, True], margin=0.5, directions="one")
    assert (one.active, one.active_back, one.loss) == (0, 0, 0)
    assert one.excused.tolist() == [True, False]


def test_the_clip_by_hand():
    """One output of four is below the clip, one above; friends are below 0."""
    p, q = [[0.0, 0.5], [0.3, 0.3]], [[2.0, 0.5], [0.9, 0.9]]
    found = push(p, q, [False, True], clip=True)
    assert found.dead == 2 / 8
    assert found.there[1] == pytest.approx(2 * 0.3 * np.log(1 / 3))
    # There: the output at 1e-7, then at 1, and the friends. Back: none.
    assert found.negative == 2 / 4


@pytest.mark.parametrize("directions", ["one", "summed", "each"])
@settings(deadline=None, max_examples=20)
@given(margin=MARGINS)
def test_the_loss_is_that_of_training(directions, margin):
    for p, q, same, clip in both_networks():
        distance = sl.layers.Distance(DISTANCES[clip, directions])([p, q])
        costs = sl.losses.DistanceHinge(margin, reduction=None)(same, distance)
        found = push(p, q, same, margin, directions, clip)
        assert found.loss == pytest.approx(float(np.mean(costs)), rel=1e-4)
        np.testing.assert_allclose(found.distances, distance, rtol=1e-3, atol=1e-4)


def test_the_loss_is_the_papers():
    p, q, same, _ = both_networks()[0]
    costs = sl.losses.kl_hinge(p, q, same, margin=2.0)
    assert push(p, q, same, 2.0).loss == pytest.approx(float(np.mean(costs)), rel=1e-5)


def test_outputs_that_are_dead_have_no_gradient_in_training():
    p, q, same, _ = both_networks()[1]
    pair = [tf.Variable(x) for x in (p, q)]
    with tf.GradientTape() as tape:
        total = keras.ops.sum(sl.posts.clipped_both(*pair))
    gradients = np.stack(tape.gradient(total, pair))
    assert push(p, q, same, clip=True).dead == np.mean(gradients == 0)
    assert 0.2 < np.mean(gradients == 0) < 1


@pytest.mark.parametrize("directions", ["one", "summed", "each"])
def test_pairs_that_are_pushed_have_a_gradient_in_training(directions):
    p, q, same, _ = both_networks()[0]
    distance = sl.layers.Distance(DISTANCES[False, directions])([p, q])
    distance = tf.Variable(distance)
    with tf.GradientTape() as tape:
        cost = sl.losses.DistanceHinge(0.6, reduction=None)(same, distance)
    slopes = np.asarray(tape.gradient(cost, distance))
    found = push(p, q, same, 0.6, directions)
    np.testing.assert_array_equal(found.pushed, (slopes < 0).any(axis=-1))
    assert 0 < found.active < 1


@settings(deadline=None)
@given(MARGINS)
def test_a_hinge_for_each_direction_excuses_nobody(margin):
    for p, q, same, clip in both_networks():
        found = push(p, q, same, margin, "each", clip)
        assert not found.excused.any()
        for directions in ("one", "summed"):
            less = push(p, q, same, margin, directions, clip)
            at_last = np.count_nonzero(less.pushed | less.excused)
            assert at_last >= np.count_nonzero(found.pushed & less.pushed)
            assert not (less.pushed & less.excused).any()


@settings(deadline=None)
@given(MARGINS)
def test_swapped_segments_swap_the_directions(margin):
    for p, q, same, clip in both_networks():
        one, other = (push(*x, same, margin, "each", clip) for x in ((p, q), (q, p)))
        assert one.active_there == other.active_back
        assert one.loss == pytest.approx(other.loss)


@settings(deadline=None)
@given(MARGINS, MARGINS)
def test_a_larger_margin_lets_nobody_go(one, other):
    for p, q, same, clip in both_networks():
        for directions in ("one", "summed", "each"):
            near, far = (
                push(p, q, same, margin, directions, clip)
                for margin in sorted((one, other))
            )
            assert not (near.pushed & ~far.pushed).any()


def test_a_softmax_is_never_below_0_and_a_relu_is():
    (*softmax, _), (*free, _) = both_networks()
    assert push(*softmax).negative == 0
    assert push(*softmax).dead == 0
    assert push(*free, clip=True).negative > 0.1


def test_labels_may_be_a_column_as_a_batch_has_them():
    p, q, same, _ = both_networks()[0]
    assert push(p, q, same[:, None].astype("float32")) == push(p, q, same)


def test_the_lab_shows_the_plain_functions_numbers():
    same, softmax, free = outputs()
    lab = MarginLab(same, softmax=softmax, free=free)
    lab.set(margin=2.0, directions="summed", softmax=False)
    assert lab.found == push(*free, same, 2.0, "summed", clip=True)
    assert lab.readout.value == str(lab.found)
    assert f"mean loss <b>{lab.found.loss:.3f}</b> nats" in lab.readout.value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"margin": 0.0}, "margin must be positive; got 0.0"),
        ({"directions": "two"}, "one, summed, each; got 'two'"),
        ({"same": [True]}, r"got \(60, 8\), \(60, 8\) and \(1,\)"),
        ({"same": np.ones(60)}, "got 60 of the same speaker and 0 of different"),
        ({"p": np.full((60, 8), np.nan)}, "480 of 960 are not"),
        ({"p": np.ones((60, 8))}, "sums from 1 to 8. Take a softmax"),
    ],
)
def test_what_cannot_be_measured_is_named(change, message):
    p, q, same, _ = both_networks()[0]
    with pytest.raises(sl.errors.ArgumentError, match=message):
        push(**{"p": p, "q": q, "same": same, **change})
