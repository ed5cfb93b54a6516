"""The broadcast lab: the table that the posted loss averages."""

import numpy as np
import pytest
from keras import ops

from siamlab import errors
from siamlab.labs.broadcast import BroadcastLab, hinge_table


def make():
    return BroadcastLab()


def settings(rng):
    """Random values of all controls."""
    return {
        "labels": rng.integers(0, 2, 8).tolist(),
        "distances": rng.uniform(0, 2, 8).round(2).tolist(),
        "shape": str(rng.choice(["(B,)", "(B, 1)"])),
    }


def numbers(result):
    """What the view computes, too."""
    return {
        "table": result.table,
        "loss": result.loss,
        "gradient": result.gradient,
    }


@pytest.mark.parametrize("shape", ["(B,)", "(B, 1)"])
def test_it_is_the_loss_of_the_post(shape):
    rng = np.random.default_rng(0)
    y, d = np.array([1.0, 0, 1, 0])[:, None], rng.uniform(0, 2, 4)
    as_given = d if shape == "(B,)" else d[:, None]
    expected = y * as_given + (1 - y) * ops.maximum(1.0 - as_given, 0.0)
    found = hinge_table(y[:, 0], d, shape)
    assert found.table.shape == expected.shape
    np.testing.assert_allclose(found.table, expected, rtol=1e-6)
    step = 1e-6
    for i in range(4):
        above = hinge_table(y[:, 0], d + step * (np.arange(4) == i), shape).loss
        slope = 4 * (above - found.loss) / step
        assert found.gradient[i] == pytest.approx(slope, abs=1e-4)


def test_labels_do_not_change_the_posted_loss():
    lab = make()
    for labels in ([1, 1, 1, 1, 0, 0, 0, 0], [0, 1, 0, 1, 0, 1, 0, 1]):
        lab.labels = labels
        assert lab.result.loss == pytest.approx(0.5)
    assert lab.readout == "64 values, mean 0.500; pairs with a gradient: 0 of 8"
    lab.shape = "(B, 1)"
    assert "8 values" in lab.readout
    assert "8 of 8" in lab.readout


def test_labels_and_distances_must_fit():
    with pytest.raises(errors.ArgumentError, match="expected 2 distances"):
        hinge_table([1, 0], [0.5])
