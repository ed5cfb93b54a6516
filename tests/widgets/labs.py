"""A small lab of each kind, made at once: what the contract suite tests."""

import numpy as np

from siamlab import widgets


def scores():
    """Scores of friends and of strangers, which overlap a little."""
    rng = np.random.default_rng(0)
    same = np.arange(300) < 60
    return rng.normal(np.where(same, 0.7, 0.1), 0.2), same


# Name -> how to make one.
LABS = {
    "threshold": lambda: widgets.ThresholdLab(*scores()),
}
