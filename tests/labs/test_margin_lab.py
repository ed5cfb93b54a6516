"""The margin lab: the KL-hinge loss of pairs, and which of them have a gradient."""

from functools import partial

import numpy as np
import pytest
from examples import pair_outputs
from gradients import value_and_gradient
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab import errors
from siamlab.labs.margin import MarginLab, hinge_statistics

MARGINS = st.floats(0.05, 8)
DIRECTIONS = ("one", "summed", "each")


def make():
    return MarginLab(*pair_outputs())


def settings(rng):
    """Random values of all controls."""
    return {
        "margin": rng.uniform(0.1, 4),
        "directions": str(rng.choice(DIRECTIONS)),
        "softmax": bool(rng.integers(2)),
    }


def numbers(result):
    """What the view computes, too."""
    masks = [result.same, result.is_active, result.is_missed]
    return {
        "both": result.both,
        "compared": result.divergences,
        "kind": np.select(masks, [0, 1, 3], 2),
        "active": result.active,
        "missed": result.missed,
        "loss": result.loss,
        "dead": result.dead,
        "negative": result.negative,
    }


def both_networks():
    """Outputs with and without a softmax, and the settings that fit them."""
    same, softmax, clipped = pair_outputs()
    return [(*softmax, same, False), (*clipped, same, True)]


# Columns of divergences, by directions.
COLUMNS = {
    "one": lambda forward, backward: [forward],
    "summed": lambda forward, backward: [forward + backward],
    "each": lambda forward, backward: [forward, backward],
}


def divergences(p, q, clip, directions):
    """The divergences of the posted program, or of the library."""
    kl = sl.distances.kl
    if clip:
        p, q = np.clip(p, 1e-7, 1.0), np.clip(q, 1e-7, 1.0)
    return np.stack(COLUMNS[directions](kl(p, q), kl(q, p)), axis=-1)


def test_a_batch_by_hand():
    """A different-speaker pair, 0.511 and 0.368 nats apart; an equal pair."""
    p, q = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.5, 0.5]]
    result = hinge_statistics(p, q, [False, True], margin=0.5)
    np.testing.assert_allclose(result.both, [[0.5108, 0.3681], [0, 0]], atol=1e-4)
    assert (result.divergences < 0.5)[0].tolist() == [False, True]
    assert (result.active, result.missed) == (1, 0)
    assert result.loss == pytest.approx(0.1319 / 2, abs=1e-4)
    one = hinge_statistics(p, q, [False, True], margin=0.5, directions="one")
    assert (one.active, one.missed, one.loss) == (0, 1, 0)


def test_the_clip_by_hand():
    """One output of the first pair is below the clip, one above it."""
    p, q = [[0.0, 0.5], [0.3, 0.3]], [[2.0, 0.5], [0.9, 0.9]]
    result = hinge_statistics(p, q, [False, True], clip=True)
    assert result.dead == 2 / 8
    assert result.both[1, 0] == pytest.approx(2 * 0.3 * np.log(1 / 3))
    assert result.negative == 2 / 4  # both forward divergences


@pytest.mark.parametrize("directions", DIRECTIONS)
@hypothesis_settings(deadline=None, max_examples=10)
@given(margin=MARGINS)
def test_loss_and_active_pairs_are_those_of_training(directions, margin):
    for p, q, same, clip in both_networks():
        distance = divergences(p, q, clip, directions)
        loss = partial(sl.losses.DistanceHinge(margin, reduction=None), same)
        total, gradient = value_and_gradient(loss, distance)
        result = hinge_statistics(p, q, same, margin, directions, clip)
        assert result.loss == pytest.approx(total / len(same), rel=1e-4)
        np.testing.assert_allclose(result.divergences, distance, rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(result.is_active, (gradient < 0).any(axis=-1))


def test_the_sum_misses_pairs_that_each_direction_pushes_apart():
    lab = make()
    lab.set(margin=1.0, directions="each")
    each = lab.result
    assert not each.is_missed.any()
    lab.directions = "summed"
    assert lab.result.is_missed.any()
    np.testing.assert_array_equal(
        lab.result.is_active | lab.result.is_missed, each.is_active
    )


def test_a_larger_margin_has_more_active_pairs():
    lab, active = make(), []
    for margin in (0.1, 0.5, 1.0, 2.0, 4.0):
        lab.margin = margin
        active.append(lab.result.active)
    assert active == sorted(active)
    assert active[0] < active[-1]


def test_the_lab_shows_what_the_function_computes():
    lab = make()
    lab.set(margin=2.0, directions="summed", softmax=False)
    same, _, clipped = pair_outputs()
    expected = hinge_statistics(*clipped, same, 2.0, "summed", clip=True)
    assert lab.result == expected
    assert lab.readout == str(expected)
    assert lab.readout.startswith("margin 2.00 nats: ")


def test_unsuitable_data_are_refused():
    same, softmax, clipped = pair_outputs()
    with pytest.raises(errors.ArgumentError, match="0 of different"):
        MarginLab(np.ones(60), softmax, clipped)
    with pytest.raises(errors.ArgumentError, match="Use a softmax"):
        MarginLab(same, clipped, clipped)
