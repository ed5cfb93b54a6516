"""Exercises of notebooks 05 to 09: pairs, losses and verification."""

import numpy as np

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
    return "the posted loss knows of the labels only how many of them are 1."


@exercise("06.2")
def loss_uses_labels(answer):
    """``answer(loss, y_true, y_pred)``: does it depend on the order of labels."""
    y_true = np.tile([[0.0], [1.0]], (16, 1))
    y_pred = np.random.default_rng(1).uniform(0, 3, (32, 1))

    def hinge(y, d):
        return y * d + (1 - y) * np.maximum(1 - d, 0)

    losses = {
        "the broadcasting loss of the post": (lambda y, d: hinge(y, d[:, 0]), False),
        "the same loss with two columns": (hinge, True),
        "a loss without labels": (lambda _, d: d, False),
        "a loss that is the same for the first two pairs in either order": (
            lambda y, d: hinge(y, np.concatenate([d[1:2], d[1:]])),
            True,
        ),
    }
    for name, (loss, depends) in losses.items():
        got = answer(loss, y_true.copy(), y_pred.copy())
        expect(got, np.array(depends), when=f"for {name}")
    kept = y_true.copy()
    answer(hinge, kept, y_pred)
    require((kept == y_true).all(), "the labels of the caller were changed; copy them")
    return "this is the test that would have found the fault in a minute."
