import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import siamlab as sl
from siamlab.labs import SimplexLab, push, starting_points, trajectory, walk

WAYS = ["one", "summed", "each"]


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def by_training(moving, speakers, margin, directions, last):
    """Loss and gradient by what training uses, pair by pair."""
    moving = tf.Variable(moving)
    first, second = np.triu_indices(len(speakers), k=1)
    same = speakers[first] == speakers[second]
    kl = sl.distances.kl if last else sl.posts.clipped_kl
    with tf.GradientTape() as tape:
        outputs = keras.ops.softmax(moving) if last else moving
        p, q = tf.gather(outputs, first), tf.gather(outputs, second)
        columns = {
            "one": [kl(p, q)],
            "summed": [kl(p, q) + kl(q, p)],
            "each": [kl(p, q), kl(q, p)],
        }[directions]
        loss = sl.losses.DistanceHinge(margin, reduction=None, dtype="float64")
        costs = loss(same, keras.ops.stack(columns, axis=-1))
        total = keras.ops.mean(costs[same]) + keras.ops.mean(costs[~same])
    # Rows that were gathered have a gradient of their own kind.
    return np.asarray(tf.convert_to_tensor(tape.gradient(total, moving)))


@pytest.mark.parametrize("directions", WAYS)
@pytest.mark.parametrize("last", [True, False])
def test_a_step_goes_down_the_gradient_of_training(directions, last):
    logits, speakers = starting_points(3, points=4)
    path = trajectory(
        logits, speakers, 0.5, directions, last, steps=3, rate=0.1, longest=np.inf
    )
    for before, after in itertools.pairwise(path):
        # Logits are known but for a constant, along which there is no gradient.
        moving = np.log(before) if last else before
        slope = by_training(moving, speakers, 0.5, directions, last)
        expected = softmax(moving - 0.1 * slope) if last else moving - 0.1 * slope
        np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-7)
        assert np.abs(slope).max() > 0.01


@pytest.mark.parametrize("directions", WAYS)
@pytest.mark.parametrize("last", [True, False])
def test_figures_are_those_of_the_margin_lab(directions, last):
    """Two ways to the same numbers."""
    points, speakers = starting_points(3, points=4)
    found = walk(points, speakers, 0.7, directions, last, steps=30)
    first, second = np.triu_indices(len(speakers), k=1)
    same = speakers[first] == speakers[second]
    for step in (0, 7, 30):
        rows = found.outputs[step]
        pairs = push(rows[first], rows[second], same, 0.7, directions, clip=not last)
        moment = found.at(step)
        assert moment.active == pytest.approx(pairs.active)
        assert moment.friends == pytest.approx(pairs.distances[same].mean(), abs=1e-9)
        assert moment.strangers == pytest.approx(pairs.distances[~same].mean())
        if not last:
            assert moment.dead == np.mean((rows < 1e-7) | (rows > 1))


def test_no_step_is_longer_than_the_longest():
    path = trajectory(*starting_points(), softmax=False, longest=0.02)
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=-1)
    assert 0.01 < lengths.max() <= 0.02 + 1e-12


def test_a_dead_output_stays_where_it_is():
    path = trajectory(*starting_points(), directions="one", softmax=False)
    for before, after in itertools.pairwise(path):
        dead = (before < 1e-7) | (before > 1)
        np.testing.assert_array_equal(before[dead], after[dead])
    assert dead.any()


@pytest.mark.parametrize("seed", range(5))
def test_a_softmax_keeps_its_points_on_the_triangle(seed):
    path = trajectory(*starting_points(5, seed=seed), margin=6.0)
    assert path.min() >= 0
    np.testing.assert_allclose(path.sum(axis=-1), 1)


@pytest.mark.parametrize("seed", range(5))
def test_without_a_softmax_friends_get_below_0_one_way(seed):
    """Alike would be 0; each leaves the triangle for something cheaper."""
    points = starting_points(4, seed=seed)
    moment = walk(*points, 1.0, "one", False).at(150)
    assert moment.friends < -0.2
    assert moment.dead > 0.2
    assert moment.lowest < 0.8
    assert moment.highest > 1.5
    # Both ways added are never below 0: (p - q)(log p - log q).
    assert walk(*points, 1.0, "summed", False).friends.min() >= 0


@pytest.mark.parametrize("seed", range(5))
def test_a_large_margin_has_room_for_as_many_speakers_as_outputs(seed):
    three, four = (starting_points(n, seed=seed) for n in (3, 4))
    assert walk(*three, margin=3.0).at(150).active == 0
    assert walk(*four, margin=3.0).at(150).active > 0.05
    assert walk(*four, margin=0.5).at(150).active == 0


def test_another_speaker_leaves_the_others_where_they_start():
    few, many = starting_points(3)[0], starting_points(5)[0]
    np.testing.assert_array_equal(few, many[: len(few)])
    assert not np.array_equal(few, starting_points(3, seed=1)[0])


def test_the_lab_shows_the_plain_functions_numbers():
    lab = SimplexLab(points=4, steps=40, seed=3)
    lab.set(margin=2.0, directions="one", softmax=False, speakers=3, step=17)
    start = starting_points(3, points=4, seed=3)
    assert lab.found == walk(*start, 2.0, "one", False, 40).at(17)
    assert lab.readout.value == str(lab.found)
    assert "step <b>17</b> of 40" in lab.readout.value


def test_play_moves_the_step_in_the_browser():
    lab = SimplexLab(points=2, steps=20)
    assert lab._link.source == (lab.play, "value")
    assert lab._link.target == (lab.step, "value")
    assert lab.play.value == lab.step.value
    assert (lab.play.min, lab.play.max) == (lab.step.min, lab.step.max) == (0, 20)


def test_reset_stops_the_play():
    lab = SimplexLab(points=2, steps=20)
    lab.play.playing = True
    lab.reset_button.click()
    assert not lab.play.playing


@pytest.mark.parametrize(
    ("logits", "speakers", "message"),
    [
        (np.zeros((4, 2)), [0, 0, 1, 1], r"got \(4, 2\) and \(4,\)"),
        (np.zeros((4, 3)), [0, 0, 0, 0], "two speakers"),
        (np.zeros((3, 3)), [0, 1, 2], "two points of one"),
    ],
)
def test_points_without_pairs_are_named(logits, speakers, message):
    with pytest.raises(sl.errors.ArgumentError, match=message):
        trajectory(logits, speakers)


def test_a_speaker_alone_is_named():
    with pytest.raises(sl.errors.ArgumentError, match="got speakers=1, points=6"):
        starting_points(1)
