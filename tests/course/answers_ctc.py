"""Answers to the exercises of notebooks 03 and 04."""

import itertools
import math
from functools import partial

import numpy as np
from answers import right, wrong

from siamlab import ctc


def count_by_label(labels, n_frames):
    """Paths that end in each label, and in the blank after it, label by label."""
    blank, label = [1] * (n_frames + 1), [0] * (n_frames + 1)
    for k, symbol in enumerate(labels):
        before = (
            blank if k and labels[k - 1] == symbol else np.add(blank, label).tolist()
        )
        blank, label = [0] * (n_frames + 1), [0] * (n_frames + 1)
        for t in range(1, n_frames + 1):
            label[t] = label[t - 1] + before[t - 1]
            blank[t] = blank[t - 1] + label[t - 1]
    return blank[-1] + label[-1]


right("03.1", count_by_label)
wrong(
    "03.1",
    "different labels",
    lambda labels, t: math.comb(t + len(labels), 2 * len(labels)),
)
wrong("03.1", "expected 35", lambda labels, t: 3**t)


def differences(logits, labels, length, blank):
    def loss(u):
        return ctc.lattice(u[:length], labels, blank)[1]

    result = np.zeros_like(logits)
    for t, k in itertools.product(*map(range, logits.shape)):
        moved = np.zeros_like(logits)
        moved[t, k] = 1e-5
        result[t, k] = (loss(logits + moved) - loss(logits - moved)) / 2e-5
    return result


right("03.2", differences)
wrong("03.2", "sign", lambda *args: -differences(*args))
wrong(
    "03.2",
    "only the first",
    lambda u, labels, n, b: differences(u, labels, len(u), b),
)


def pad(arrays, value):
    longest = max(map(len, arrays))
    widths = [((0, longest - len(array)), (0, 0)) for array in arrays]
    return np.stack(list(map(partial(np.pad, constant_values=value), arrays, widths)))


def interpolate(arrays):
    return [np.interp(a, (a.min(), a.max()), (-1, 1)) for a in arrays]


right("04.1", lambda arrays: pad(interpolate(arrays), -1))
wrong("04.1", "medium level", lambda arrays: pad(interpolate(arrays), 0))
wrong("04.1", "scale first", lambda arrays: interpolate(pad(arrays, 0)))


def compare_first_sentence(predict, x):
    y = predict(x)
    return np.abs(y - predict(np.tile(x[:1], (len(x), 1, 1)))).mean() > 0.01


right("04.2", compare_first_sentence)
wrong(
    "04.2", "vary over time", lambda predict, x: np.var(predict(x), axis=1).sum() > 0.01
)
wrong("04.2", "very weakly", lambda predict, x: np.ptp(predict(x), axis=0).any())
