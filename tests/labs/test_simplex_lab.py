"""The simplex lab: gradient descent on the KL-hinge loss, over three outputs."""

import itertools

import keras
import numpy as np
import pytest
from gradients import value_and_gradient
from scipy.special import softmax

import siamlab as sl
from siamlab import errors
from siamlab.labs import simplex
from siamlab.labs.simplex import SimplexLab, descend, starting_points

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
    names = "same_speaker", "different_speaker", "active", "dead"
    statistics = {name: getattr(result, name) for name in names}
    return {"outputs": result.outputs.ravel(), **statistics}


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
def test_a_step_follows_the_gradient_of_training(directions, with_softmax, monkeypatch):
    monkeypatch.setattr(simplex, "_MAX_STEP", 0.5)  # so that few steps are clipped
    outputs, speakers = starting_points(3, n_points=4)
    settings = 0.5, directions, with_softmax
    for _ in range(3):
        # Adding a constant to the logits changes neither outputs nor gradient.
        points = np.log(outputs) if with_softmax else outputs
        gradient = gradient_in_training(points, speakers, *settings)
        length = np.linalg.norm(gradient, axis=-1, keepdims=True)
        expected = points - gradient * np.minimum(3, 0.5 / (length + 1e-30))
        expected = softmax(expected, axis=-1) if with_softmax else expected
        outputs = descend(outputs, speakers, *settings, n_steps=1).outputs
        np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-7)
        assert np.abs(gradient).max() > 0.01


def test_points_stay_distributions_only_with_a_softmax():
    """Without one, only the sum of both directions cannot fall below 0."""
    outputs, speakers = starting_points(4)
    result = descend(outputs, speakers, margin=6.0)
    assert result.outputs.min() >= 0
    np.testing.assert_allclose(result.outputs.sum(axis=-1), 1)
    result = descend(outputs, speakers, 1.0, "one", softmax=False)
    sums = result.outputs.sum(axis=-1)
    assert sums.min() < 0.8 < 1.5 < sums.max()
    assert result.same_speaker < -0.2
    for _ in range(150):
        result = descend(outputs, speakers, 1.0, "summed", softmax=False, n_steps=1)
        outputs = result.outputs
        assert result.same_speaker >= 0


def test_a_large_margin_has_room_for_as_many_speakers_as_outputs():
    assert descend(*starting_points(3), margin=3.0).active == 0
    assert descend(*starting_points(4), margin=3.0).active > 0.05


def test_the_descent_starts_from_the_points_that_were_moved():
    lab = SimplexLab(n_points=2)
    # Without a softmax, outputs can be anywhere; a softmax makes them distributions.
    moved = [[0.2, 1.1, -0.1], *lab.points[1:]]
    lab.set(points=moved, softmax=False, n_speakers=2)
    np.testing.assert_array_equal(lab.result.outputs, moved[:4])
    assert lab.result.dead == pytest.approx(2 / 12)
    lab.softmax = True
    start = lab.result.outputs
    np.testing.assert_allclose(start.sum(axis=-1), 1)
    np.testing.assert_allclose(start[0], np.clip(moved[0], 1e-7, 1) / 1.2, atol=1e-7)


def test_the_readout_is_plain_text():
    lab = SimplexLab()
    lab.set(margin=3.0, step=150)
    assert lab.readout.startswith("step 150: same-speaker pairs 0.00 nats apart")
    assert "pushed apart 18.1%" in lab.readout
    lab.reset()
    assert lab.result.step == 0


def test_pairs_of_both_kinds_are_needed():
    with pytest.raises(errors.ArgumentError, match="got 0 of the same speaker"):
        SimplexLab(n_points=1)
