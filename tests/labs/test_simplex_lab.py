"""The simplex lab: gradient descent on the KL-hinge loss, over three outputs."""

import itertools

import keras
import numpy as np
import pytest
from gradients import value_and_gradient
from scipy.special import softmax

import siamlab as sl
from siamlab import errors
from siamlab.labs._gradient_descent import descend, starting_points
from siamlab.labs.margin import hinge_statistics
from siamlab.labs.simplex import SimplexLab

SETTINGS = list(itertools.product(("one", "summed", "each"), (True, False)))


def make():
    return SimplexLab()


def settings(rng):
    """Random values of all controls: 40 steps, from points that can be moved."""
    points = rng.dirichlet(np.ones(3), size=30)
    with_softmax = bool(rng.integers(2))
    if not with_softmax:
        points += rng.uniform(-0.2, 0.2, size=points.shape)
    return {
        "points": points.tolist(),
        "margin": round(float(rng.uniform(0.1, 6)), 1),
        "directions": str(rng.choice(["one", "summed", "each"])),
        "softmax": with_softmax,
        "n_speakers": int(rng.integers(2, 6)),
        "step": 40,
    }


def numbers(result):
    """What the view computes, too."""
    names = "same_speaker", "different_speaker", "active", "dead", "min_sum", "max_sum"
    statistics = {name: getattr(result, name) for name in names}
    return {"outputs": result.descent.outputs[result.step], **statistics}


def gradient_in_training(points, speakers, margin, directions, with_softmax):
    """Gradient of the loss that training uses, pair by pair."""
    first, second = np.triu_indices(len(speakers), k=1)
    same, kl = speakers[first] == speakers[second], sl.distances.kl

    def mean_losses(points):
        outputs = keras.ops.clip(points, 1e-7, 1.0)
        if with_softmax:
            outputs = keras.ops.softmax(points)
        p, q = (keras.ops.take(outputs, rows, axis=0) for rows in (first, second))
        columns = {
            "one": [kl(p, q)],
            "summed": [kl(p, q) + kl(q, p)],
            "each": [kl(p, q), kl(q, p)],
        }[directions]
        loss = sl.losses.DistanceHinge(margin, reduction=None, dtype="float64")
        losses = loss(same, keras.ops.stack(columns, axis=-1))
        return keras.ops.mean(losses[same]) + keras.ops.mean(losses[~same])

    return value_and_gradient(mean_losses, points)[1]


@pytest.mark.parametrize(("directions", "with_softmax"), SETTINGS)
def test_a_step_follows_the_gradient_of_training(directions, with_softmax):
    start, speakers = starting_points(3, n_points=4)
    steps = {"n_steps": 3, "learning_rate": 0.1, "max_step": np.inf}
    path = descend(start, speakers, 0.5, directions, with_softmax, **steps)
    for before, after in itertools.pairwise(path.outputs):
        # Adding a constant to the logits changes neither outputs nor gradient.
        points = np.log(before) if with_softmax else before
        gradient = gradient_in_training(points, speakers, 0.5, directions, with_softmax)
        expected = points - 0.1 * gradient
        expected = softmax(expected, axis=-1) if with_softmax else expected
        np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-7)
        assert np.abs(gradient).max() > 0.01


def test_points_stay_distributions_only_with_a_softmax():
    """Without one, only the sum of both directions cannot fall below 0."""
    points = starting_points(4)
    outputs = descend(*points, margin=6.0).outputs
    assert outputs.min() >= 0
    np.testing.assert_allclose(outputs.sum(axis=-1), 1)
    result = descend(*points, 1.0, "one", False).at(150)
    assert result.min_sum < 0.8 < 1.5 < result.max_sum
    descent = descend(*points, 1.0, "summed", False)
    assert min(descent.at(step).same_speaker for step in range(151)) >= 0


def test_a_large_margin_has_room_for_as_many_speakers_as_outputs():
    assert descend(*starting_points(3), margin=3.0).at(150).active == 0
    assert descend(*starting_points(4), margin=3.0).at(150).active > 0.05


@pytest.mark.parametrize("with_softmax", [True, False])
def test_statistics_are_those_of_the_margin_lab(with_softmax):
    points, speakers = starting_points(3, n_points=4)
    descent = descend(points, speakers, 0.7, "each", with_softmax, n_steps=30)
    first, second = np.triu_indices(len(speakers), k=1)
    same = speakers[first] == speakers[second]
    p, q = descent.outputs[30][first], descent.outputs[30][second]
    pairs = hinge_statistics(p, q, same, 0.7, clip=not with_softmax)
    result, d = descent.at(30), pairs.divergences
    assert result.active == pytest.approx(pairs.active)
    assert result.same_speaker == pytest.approx(d[same].mean(), abs=1e-9)
    assert result.different_speaker == pytest.approx(d[~same].mean())


def test_the_descent_starts_from_the_points_that_were_moved():
    lab = SimplexLab(n_points=2)
    # Without a softmax, outputs can be anywhere; a softmax makes them distributions.
    moved = [[0.2, 1.1, -0.1], *lab.points[1:]]
    lab.set(points=moved, softmax=False, n_speakers=2)
    np.testing.assert_array_equal(lab.result.descent.outputs[0], moved[:4])
    assert lab.result.dead == pytest.approx(2 / 12)
    lab.softmax = True
    start = lab.result.descent.outputs[0]
    np.testing.assert_allclose(start.sum(axis=-1), 1)
    np.testing.assert_allclose(start[0], np.clip(moved[0], 1e-7, 1) / 1.2, atol=1e-7)


def test_the_readout_is_plain_text():
    lab = SimplexLab()
    lab.set(margin=3.0, step=150)
    assert "margin 3.0 nats, step 150: same-speaker pairs 0.00 nats" in lab.readout
    assert "pushed apart 18.1%" in lab.readout
    lab.reset()
    assert lab.result.step == 0


def test_pairs_of_both_kinds_are_needed():
    with pytest.raises(errors.ArgumentError, match="got n_speakers=1"):
        starting_points(1)
