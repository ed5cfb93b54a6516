"""The margin lab (notebook 07): which pairs the hinge loss still pushes apart."""

import numpy as np
import traitlets

from ._hinge_settings import DIRECTIONS
from ._hinge_statistics import hinge_statistics
from ._view import Lab


class MarginLab(Lab):
    """Drag the margin over the pairs of a batch.

    Parameters
    ----------
    same : array_like of bool
        Whether a pair is of one speaker, shape (pairs,) or (pairs, 1).
    softmax : pair of array_like
        Outputs of a network with a softmax for the first and for the second segment
        of each pair, shape (pairs, units) each.
    clipped : pair of array_like
        The same for a network without a softmax, whose outputs are clipped.

    Attributes
    ----------
    margin : float
        In nats, from 0.1 to 4.
    directions : {"one", "summed", "each"}
        What is compared with the margin, as for `hinge_statistics`.
    softmax : bool
        Which of the two networks.

    Raises
    ------
    ArgumentError
        As for `hinge_statistics`.

    Examples
    --------
    >>> softmax = [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.6, 0.4]]
    >>> clipped = [[0.0, 2.0], [0.5, 0.5]], [[0.9, 0.1], [0.5, 2.0]]
    >>> lab = MarginLab([False, True], softmax, clipped)
    >>> lab.softmax = False
    >>> lab.result.dead
    0.375
    """

    margin = traitlets.Float(1.0, min=0.1, max=4.0).tag(sync=True, control=True)
    directions = traitlets.Enum(DIRECTIONS, "one").tag(sync=True, control=True)
    softmax = traitlets.Bool(True).tag(sync=True, control=True)

    def __init__(self, same, softmax, clipped):
        self._same, self._outputs = same, {True: softmax, False: clipped}
        networks = [self._network(last) for last in (False, True)]
        super().__init__(same=np.ravel(same).astype(bool), networks=networks)

    def compute(self, margin, directions, softmax):
        """Compute loss and active pairs; see `hinge_statistics`."""
        p, q = self._outputs[softmax]
        return hinge_statistics(p, q, self._same, margin, directions, clip=not softmax)

    def _network(self, softmax):
        result = self.compute(1.0, "each", softmax)
        names = "divergences", "dead", "negative"
        return {name: np.asarray(getattr(result, name)).tolist() for name in names}
