"""Exercises of notebooks 03 and 04: connectionist temporal classification."""

import math

import numpy as np
from scipy.special import softmax

from ... import ctc
from ..checking import exercise, expect, require


@exercise("03.1")
def count_paths(answer):
    """``answer(labels, n_frames)``: how many paths give the labels."""
    for labels, n_frames in (
        ([1, 2], 5),
        ([1, 1], 5),
        ([1, 1, 1, 2], 5),
        ([3] * 9, 60),
    ):
        n, repeats = len(labels), ctc.min_frames(labels) - len(labels)
        right = math.comb(n_frames + n - repeats, 2 * n)
        mistakes = {
            "a path may skip a blank only between two different labels": math.comb(
                n_frames + n, 2 * n
            ),
            "a path may end in the last label or in the blank after it": math.comb(
                n_frames + n - repeats - 1, 2 * n - 1
            ),
        }
        when = f"for the labels {labels} in {n_frames} frames"
        expect(answer(labels, n_frames), right, mistakes, tolerance=1e-9, when=when)
    return "the number grows so fast that only a recursion can sum over the paths."


@exercise("03.2")
def padded_gradient(answer):
    """``answer(logits, labels, length, blank)``: gradient of the loss, with padding."""
    logits = np.random.default_rng(0).normal(size=(12, 4))
    labels, length, blank = [1, 1, 0, 1], 8, 3
    states = [blank if s % 2 == 0 else labels[s // 2] for s in range(9)]
    gamma, _ = ctc.lattice(logits[:length], labels, blank)
    y, real = softmax(logits, axis=1), np.arange(12)[:, None] < length
    targets = np.zeros_like(y)
    targets[:length] = gamma @ np.eye(4)[states]
    overwritten = y * real
    overwritten[:length, states] -= gamma
    right = (y - targets) * real
    mistakes = {
        "the loss does not contain the padding, so its gradient there is 0": y
        - targets,
        "use only the first `length` frames for the posteriors": y
        - ctc.lattice(logits, labels, blank)[0] @ np.eye(4)[states],
        "the sign is reversed: a small output with a large target has to rise": -right,
        "several states can have one output: add up all their posteriors": overwritten,
    }
    given = logits.copy()
    expect(answer(given, labels, length, blank), right, mistakes)
    require((given == logits).all(), "the logits of the caller were changed; copy them")
    return "without true lengths a network would be trained on its padding, too."


@exercise("04.1")
def min_max_batch(answer):
    """``answer(arrays)``: each file scaled to -1..1, padded with silence."""
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(-18, high, (n, 3)) for n, high in ((5, 0.0), (8, -4), (3, 1))]

    def scale(array, low, high):
        return 2 * (array - low) / (high - low) - 1

    def padded(arrays, value):
        result = np.full((len(arrays), 8, 3), value)
        for row, array in zip(result, arrays, strict=True):
            row[: len(array)] = array
        return result

    each = [scale(array, array.min(), array.max()) for array in arrays]
    everything = np.concatenate(arrays)
    extremes = everything.min(), everything.max()
    mistakes = {
        "0 is a medium level after this scaling; pad with silence": padded(each, 0.0),
        "scale first, then pad: zeros are very loud in raw logarithms": [
            scale(array, array.min(), array.max()) for array in padded(arrays, 0.0)
        ],
        "each file has its own minimum and maximum": padded(
            [scale(array, *extremes) for array in arrays], -1.0
        ),
    }
    given = [array.copy() for array in arrays]
    expect(answer(given), padded(each, -1.0), mistakes)
    require(
        all(map(np.array_equal, given, arrays)), "the files were changed; copy them"
    )
    return "the padding is now the quietest value of each file, as silence is."


@exercise("04.2")
def uses_input(answer):
    """``answer(predict, x)``: do the outputs differ between sentences."""
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(8, 20, 5)), rng.normal(size=(5, 4))
    over_time = softmax(3 * rng.normal(size=(20, 4)), axis=-1)
    networks = {
        "a network that uses its input": (lambda x: softmax(x @ weights, -1), True),
        "constant outputs": (lambda x: np.full((*x.shape[:2], 4), 0.25), False),
        "outputs that vary over time, alike for all sentences": (
            lambda x: np.tile(over_time, (len(x), 1, 1)),
            False,
        ),
        "outputs that depend on the input very weakly": (
            lambda x: softmax(np.log(over_time) + 1e-3 * x @ weights, -1),
            False,
        ),
    }
    for name, (predict, uses) in networks.items():
        expect(answer(predict, x), np.array(uses), when=f"for {name}")
    return "this test needs no labels; an untrained network fails it, too."
