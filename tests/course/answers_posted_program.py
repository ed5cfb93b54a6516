"""Answers to the exercises of notebook 06."""

import numpy as np
from answers import right, wrong


def loop_over_the_table(distances, share):
    """Average a table of B labels and B distances, as the posted loss does."""
    n = len(distances)
    labels = [1] * round(share * n) + [0] * (n - round(share * n))
    return np.mean([[d if y else max(1 - d, 0) for d in distances] for y in labels])


right("06.1", loop_over_the_table)
wrong("06.1", "not 0.5", lambda d, s: (d.mean() + np.maximum(1 - d, 0).mean()) / 2)
wrong("06.1", "own hinge", lambda d, s: s * d.mean() + (1 - s) * max(1 - d.mean(), 0))


def other_order_changes_the_loss(loss, y_true, y_pred):
    before = np.mean(loss(y_true, y_pred))
    return not np.isclose(before, np.mean(loss(y_true[::-1], y_pred)))


right("06.2", other_order_changes_the_loss)
wrong("06.2", "expected False", lambda loss, y_true, y_pred: True)


def shuffles_the_labels_of_the_caller(loss, y_true, y_pred):
    before = np.mean(loss(y_true, y_pred))
    y_true[:] = y_true[::-1].copy()
    return abs(before - np.mean(loss(y_true, y_pred))) > 1e-9


wrong("06.2", "copy them", shuffles_the_labels_of_the_caller)
