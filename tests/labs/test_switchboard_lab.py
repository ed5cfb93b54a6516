"""The switchboard lab: 32 measured trainings."""

import json

import numpy as np

from siamlab.labs import switchboard
from siamlab.labs.switchboard import SwitchboardLab

FIXES = "shape scaling softmax directions margin".split()


def make():
    return SwitchboardLab()


def settings(rng):
    """Random values of all controls."""
    return {name: bool(rng.integers(2)) for name in FIXES}


def numbers(result):
    """What the view computes, too."""
    return {name: getattr(result, name) for name in ("loss", "accuracy", "eer")}


def test_each_combination_shows_its_own_training():
    measured = json.loads(switchboard._MEASURED.read_text("utf-8"))["runs"]
    lab = make()
    for key, run in measured.items():
        lab.set(**dict(zip(FIXES, map(bool, map(int, key)), strict=True)))
        for name, expected in run.items():
            np.testing.assert_array_equal(getattr(lab.result, name), expected)


def test_what_was_measured_is_what_the_notebook_teaches():
    lab = make()
    posted = lab.result
    assert posted.accuracy.max() <= 0.5
    assert abs(posted.loss[-1] - 0.5) < 0.05
    lab.set(shape=True, scaling=True, softmax=True)
    assert lab.result.eer[-1] < posted.eer[-1] - 0.05
