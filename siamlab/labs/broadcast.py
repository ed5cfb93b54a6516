"""The broadcast lab (notebook 06): the table that the posted loss averages."""

import dataclasses

import numpy as np
import traitlets

from ..errors import ArgumentError
from ._view import Lab

_LABELS = [1, 0] * 4
_DISTANCES = [0.15, 0.8, 0.3, 0.95, 0.45, 0.6, 0.2, 0.7]


@dataclasses.dataclass(frozen=True)
class BroadcastLoss:
    """The hinge loss of a batch of pairs; see `hinge_table`.

    Parameters
    ----------
    table : numpy.ndarray
        The values that are averaged: shape (pairs, pairs), with a row for each label
        and a column for each distance, or (pairs, 1).
    loss : float
        Their mean.
    gradient : numpy.ndarray
        Of the loss, times the number of pairs, for each distance, shape (pairs,).
    """

    table: np.ndarray = dataclasses.field(repr=False, compare=False)
    loss: float
    gradient: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """Summarize in one line."""
        rows, columns = self.table.shape
        return (
            f"{rows * columns} values, mean {self.loss:.3f}; pairs with a gradient: "
            f"{np.count_nonzero(self.gradient)} of {rows}"
        )


def hinge_table(labels, distances, shape="(B,)", margin=1.0):
    """Compute the posted hinge loss from distances of shape (B,) or (B, 1).

    Labels have shape (B, 1), as in Keras 2. Then distances of shape (B,) are combined
    with every label (docs/doctor.md#s1).

    Parameters
    ----------
    labels : sequence of int
        1 for the same speaker, shape (pairs,).
    distances : sequence of float
        Shape (pairs,).
    shape : {"(B,)", "(B, 1)"}
        Shape of the distances in the loss.
    margin : float
        Of the hinge.

    Returns
    -------
    BroadcastLoss
        The values, their mean, and its gradient.

    Raises
    ------
    ArgumentError
        If there are not as many labels as distances.

    Examples
    --------
    >>> hinge_table([1, 0], [0.2, 0.9]).loss, hinge_table([0, 1], [0.2, 0.9]).loss
    (0.5, 0.5)
    >>> hinge_table([1, 0], [0.2, 0.9], shape="(B, 1)").gradient.tolist()
    [1.0, -1.0]
    """
    y, d = np.asarray(labels, float)[:, None], np.asarray(distances, float)
    if y.shape[0] != d.size:
        raise ArgumentError(f"expected {y.size} distances, one for each label; got {d}")
    if shape == "(B, 1)":
        d = d[:, None]
    table = y * d + (1 - y) * np.maximum(margin - d, 0.0)
    slope = y - (1 - y) * (d < margin)
    gradient = slope.mean(axis=0) if d.ndim == 1 else slope[:, 0]
    return BroadcastLoss(table, float(table.mean()), gradient)


class BroadcastLab(Lab):
    """Move distances and labels: the loss of shape (B, B) stays 0.5.

    Attributes
    ----------
    labels : list of int
        1 for the same speaker.
    distances : list of float
        From 0 to 2; the margin is 1.
    shape : {"(B,)", "(B, 1)"}
        Shape of the distances in the loss.

    Examples
    --------
    >>> lab = BroadcastLab()
    >>> lab.labels = lab.labels[::-1]
    >>> round(lab.result.loss, 3)
    0.5
    >>> lab.set(shape="(B, 1)", distances=[0.0, 1.0] * 4)
    >>> lab.result.loss
    1.0
    """

    labels = traitlets.List(traitlets.Int(), _LABELS).tag(sync=True, control=True)
    distances = traitlets.List(traitlets.Float(), _DISTANCES).tag(
        sync=True, control=True
    )
    shape = traitlets.Enum(["(B,)", "(B, 1)"], "(B,)").tag(sync=True, control=True)

    def _compute(self, labels, distances, shape):
        """Compute the loss; see `hinge_table`."""
        return hinge_table(labels, distances, shape)
