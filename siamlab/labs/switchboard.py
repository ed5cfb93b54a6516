"""The switchboard lab (notebook 06): five fixes of the posted program."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import traitlets

from ._view import Lab

# Written by benchmarks/switchboard.py.
_MEASURED = Path(__file__).with_suffix(".json")


@dataclasses.dataclass(frozen=True)
class Training:
    """What was measured during a training, before the first step and every 20 steps.

    Parameters
    ----------
    loss, accuracy, eer : numpy.ndarray
        Of pairs of other speakers: the loss of the program, the accuracy that Keras 2
        reports, and the equal error rate, shape (measurements,).
    """

    loss: np.ndarray
    accuracy: np.ndarray
    eer: np.ndarray

    def __str__(self):
        """Summarize the end of the training in one line."""
        return (
            f"loss {self.loss[-1]:.2f}, accuracy {self.accuracy[-1]:.2f}, "
            f"EER {self.eer[-1]:.1%} (before {self.eer[0]:.1%})"
        )


class SwitchboardLab(Lab):
    """Switch five fixes of the posted siamese program on and off.

    The 32 programs were trained once, on synthetic voices; the lab shows the results.

    Attributes
    ----------
    shape, scaling, softmax, directions, margin : bool
        Whether a fix is applied: distances of shape (B, 1); standardized input; a
        softmax in place of the clip; a hinge for each direction of the divergence; a
        margin of 3 instead of 1.

    Examples
    --------
    >>> lab = SwitchboardLab()
    >>> posted = lab.result.eer[-1]
    >>> lab.set(shape=True, scaling=True, softmax=True)
    >>> bool(lab.result.eer[-1] < posted)
    True
    """

    shape = traitlets.Bool(False).tag(sync=True, control=True)
    scaling = traitlets.Bool(False).tag(sync=True, control=True)
    softmax = traitlets.Bool(False).tag(sync=True, control=True)
    directions = traitlets.Bool(False).tag(sync=True, control=True)
    margin = traitlets.Bool(False).tag(sync=True, control=True)

    def __init__(self):
        measured = json.loads(_MEASURED.read_text("utf-8"))
        # In the order of binary numbers: the first fix has the highest place.
        runs = [measured["runs"][f"{i:05b}"] for i in range(32)]
        figures = ("loss", "accuracy", "eer")
        self._runs = np.array([[run[name] for name in figures] for run in runs])
        super().__init__(runs=self._runs, steps=measured["steps"])

    def _compute(self, shape, scaling, softmax, directions, margin):
        """Look up the training with these fixes."""
        switches = (shape, scaling, softmax, directions, margin)
        place = int("".join(str(int(on)) for on in switches), 2)
        return Training(*self._runs[place])
