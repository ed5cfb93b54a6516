"""Exercises of notebook 06: the posted siamese program."""

import numpy as np

from ... import posts
from ..checking import exercise, expect, require


@exercise("06.1")
def posted_loss(answer):
    """``answer(distances, share)``: the value of the posted loss, without labels."""
    rng = np.random.default_rng(0)
    for share in (0.5, 0.25):
        d = rng.uniform(0, 3, 64)
        far, near = d.mean(), np.maximum(1 - d, 0).mean()
        mistakes = {
            "the hinge takes the mean first: every pair has its own hinge": share * far
            + (1 - share) * max(1 - far, 0),
            "the share of same-speaker pairs weights the distance, not the hinge": (
                (1 - share) * far + share * near
            ),
            "the share of same-speaker pairs is not 0.5 in every batch": (far + near)
            / 2,
        }
        expect(answer(d, share), share * far + (1 - share) * near, mistakes)
    return "of the labels, only the fraction of ones is left in the posted loss."


@exercise("06.2")
def uses_labels(answer):
    """``answer(loss, y_true, y_pred)``: does the loss use the labels."""
    y_true = np.tile([[0.0], [1.0]], (16, 1))
    d = np.random.default_rng(1).uniform(0, 3, (32, 1))
    posted = posts.siamese.kb_hinge_loss

    def without_the_first(y, d):
        return posted(y[1:], d[1:])

    for name, loss, y_pred, depends in (
        ("the posted loss of distances (32,)", posted, d[:, 0], False),
        ("the posted loss of distances (32, 1)", posted, d, True),
        ("a loss that leaves out the first pair", without_the_first, d, True),
        ("a loss without labels", lambda y, d: d, d, False),
    ):
        given = y_true.copy()
        expect(answer(loss, given, y_pred), np.array(depends), when=f"for {name}")
        require(np.array_equal(given, y_true), "the labels were changed; copy them")
    return "together with a look at the shape, this test finds the fault of the post."
