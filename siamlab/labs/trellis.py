"""The trellis lab (notebook 03): the CTC loss of two labels in six frames."""

import dataclasses

import numpy as np
import traitlets

from ..errors import ArgumentError
from ._view import Lab

BLANK = 0
_START = [
    [0.7, 0.2, 0.1],
    [0.3, 0.6, 0.1],
    [0.6, 0.3, 0.1],
    [0.6, 0.1, 0.3],
    [0.3, 0.1, 0.6],
    [0.7, 0.1, 0.2],
]


@dataclasses.dataclass(frozen=True)
class Trellis:
    """Sums over all paths that spell the labels; see `trellis`.

    Parameters
    ----------
    forward, backward : numpy.ndarray
        Probability of all beginnings of paths that end in a state at a frame, and of
        all ends that start there, shape (time, states).
    posteriors : numpy.ndarray
        Probability of each state at each frame, given the labels, shape (time, states).
    loss : float
        Negative logarithm of the probability of the labels, in nats.
    """

    forward: np.ndarray = dataclasses.field(repr=False, compare=False)
    backward: np.ndarray = dataclasses.field(repr=False, compare=False)
    posteriors: np.ndarray = dataclasses.field(repr=False, compare=False)
    loss: float

    def __str__(self):
        """Summarize in one line."""
        return (
            f"probability of the labels {np.exp(-self.loss):.4f}, "
            f"loss {self.loss:.3f} nats"
        )


def trellis(probabilities, labels):
    """Compute the forward and backward values of CTC (Graves et al., 2006).

    Parameters
    ----------
    probabilities : array_like
        Of the outputs at each frame, shape (time, outputs); output 0 is the blank.
    labels : sequence of int
        Without blanks.

    Returns
    -------
    Trellis
        The values, in probabilities instead of logarithms, and the loss.

    Raises
    ------
    ArgumentError
        If a probability is not positive.

    Examples
    --------
    >>> third = [[1 / 3] * 3] * 2
    >>> round(float(np.exp(-trellis(third, [1]).loss)), 4)  # -a, a-, aa of 9 paths
    0.3333
    """
    p = np.asarray(probabilities, float)
    if p.min() <= 0:
        raise ArgumentError(f"expected probabilities above 0, got {p.min():g}")
    states = np.full(2 * len(labels) + 1, BLANK)
    states[1::2] = labels
    emitted = p[:, states]
    # From a label to the next one without the blank, if they differ.
    skips = np.append(
        [False, False], (states[2:] != BLANK) & (states[2:] != states[:-2])
    )
    forward = _sums(emitted, skips)
    # The backward pass is the forward pass with time and states reversed.
    back = np.append([False, False], skips[:1:-1])
    backward = _sums(emitted[::-1, ::-1], back)[::-1, ::-1]
    total = forward[-1, -2:].sum()
    posteriors = forward * backward / emitted / total
    return Trellis(forward, backward, posteriors, float(-np.log(total)))


def _sums(emitted, skips):
    """Sum over all beginnings of paths, frame by frame."""
    sums = np.zeros_like(emitted)
    sums[0, :2] = emitted[0, :2]
    for t in range(1, len(emitted)):
        before = sums[t - 1]
        reached = before + np.append(0, before[:-1])
        reached[2:] += np.where(skips[2:], before[:-2], 0)
        sums[t] = reached * emitted[t]
    return sums


class TrellisLab(Lab):
    """Drag the probabilities of six frames: all paths of the labels, and their loss.

    Attributes
    ----------
    probabilities : list of list of float
        Of blank, a and b at each frame; each row sums to 1.
    labels : {"ab", "aa"}
        What is spelled.
    shown : {"posteriors", "forward", "backward"}
        What the sizes of the states show.

    Examples
    --------
    >>> lab = TrellisLab()
    >>> first = lab.result.loss
    >>> lab.labels = "aa"
    >>> lab.result.loss > first
    True
    """

    probabilities = traitlets.List(
        traitlets.List(traitlets.Float()), [list(row) for row in _START]
    ).tag(sync=True, control=True)
    labels = traitlets.Enum(["ab", "aa"], "ab").tag(sync=True, control=True)
    shown = traitlets.Enum(["posteriors", "forward", "backward"], "posteriors").tag(
        sync=True, control=True
    )

    def _compute(self, probabilities, labels, shown):
        """Compute the values; see `trellis`."""
        return trellis(probabilities, ["-ab".index(label) for label in labels])
