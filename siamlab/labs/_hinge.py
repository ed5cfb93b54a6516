"""Settings of the KL-hinge loss, and their controls, for the labs on it."""

import ipywidgets
import numpy as np

from ..errors import ArgumentError

# As in `posts.Recipe`: one direction (FAULTS S8), two before one hinge (S9), and a
# hinge for each.
DIRECTIONS = ("one", "summed", "each")

_EPSILON = 1e-7  # where the source program's clip begins


def clipped(outputs):
    """Clip outputs to [1e-7, 1], as the posted program does (docs/doctor.md#s6).

    Parameters
    ----------
    outputs : numpy.ndarray
        Of a network that does not end in a softmax.

    Returns
    -------
    numpy.ndarray
        Shaped as the outputs.
    """
    return np.clip(outputs, _EPSILON, 1.0)


def deaf(outputs):
    """Mark the outputs that get no gradient through the clip (FAULTS S6).

    Parameters
    ----------
    outputs : numpy.ndarray
        Of a network that ends in no softmax.

    Returns
    -------
    numpy.ndarray of bool
        Shaped as the outputs.
    """
    return (outputs < _EPSILON) | (outputs > 1.0)


def measured(there, back, directions):
    """Line up what the margin is compared with.

    Parameters
    ----------
    there, back : numpy.ndarray
        Divergences, in nats.
    directions : {"one", "summed", "each"}
        As for `push`.

    Returns
    -------
    numpy.ndarray
        Shape (..., 1), or (..., 2) where each direction has a hinge of its own.
    """
    columns = {"one": [there], "summed": [there + back], "each": [there, back]}
    return np.stack(columns[directions], axis=-1)


def check(margin, directions):
    """Refuse what is no setting of the loss.

    Parameters
    ----------
    margin : float
        In nats.
    directions : str
        As for `push`.

    Raises
    ------
    ArgumentError
        If the margin is not positive, or there are no such directions.
    """
    if not margin > 0:
        raise ArgumentError(
            f"margin must be positive; got {margin}. Divergences are in nats; try 3."
        )
    if directions not in DIRECTIONS:
        raise ArgumentError(
            f"directions must be one of {', '.join(DIRECTIONS)}; got {directions!r}"
        )


def controls(margin):
    """Make the controls of the loss.

    Parameters
    ----------
    margin : float
        To begin with, in nats.

    Returns
    -------
    dict of str to ipywidgets.Widget
        `margin`, `directions` and `softmax`.
    """
    return {
        "margin": ipywidgets.FloatSlider(
            margin,
            min=0.1,
            max=6.0,
            step=0.1,
            description="margin (nats)",
            readout_format=".1f",
        ),
        "directions": ipywidgets.ToggleButtons(
            options=[("one way", "one"), ("sum", "summed"), ("each", "each")],
            description="hinge on",
            style={"button_width": "auto"},
        ),
        "softmax": ipywidgets.ToggleButtons(
            options=[("softmax", True), ("free, clipped", False)],
            description="outputs",
            style={"button_width": "auto"},
        ),
    }
