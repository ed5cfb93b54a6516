"""Settings of the KL-hinge loss, and their controls, for the labs on it."""

import numpy as np

# As in `posts.FIXES`: one direction (docs/doctor.md#s8), the sum of both before one
# hinge (docs/doctor.md#s9), and one hinge for each direction.
DIRECTIONS = ("one", "summed", "each")

_EPSILON = 1e-7  # lower bound of the clip in the posted program


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


def has_no_gradient(outputs):
    """Mark the outputs whose gradient the clip sets to zero (docs/doctor.md#s6).

    Parameters
    ----------
    outputs : numpy.ndarray
        Of a network that does not end in a softmax.

    Returns
    -------
    numpy.ndarray of bool
        Shaped as the outputs.
    """
    return (outputs < _EPSILON) | (outputs > 1.0)


def compared_divergences(forward, backward, directions):
    """Stack the divergences that are compared with the margin.

    Parameters
    ----------
    forward, backward : numpy.ndarray
        KL(first, second) and KL(second, first), in nats.
    directions : {"one", "summed", "each"}
        As for `hinge_statistics`.

    Returns
    -------
    numpy.ndarray
        Shape (..., 1), or (..., 2) if each direction has its own hinge.
    """
    columns = {
        "one": [forward],
        "summed": [forward + backward],
        "each": [forward, backward],
    }
    return np.stack(columns[directions], axis=-1)
