"""Exercises of notebooks 13 to 15: diagnosis, speed and several machines."""

import itertools
from pathlib import Path

import keras
import numpy as np
import yaml

from ...doctor import CHECKS
from ...training import from_cudnn
from ..checking import exercise, expect, require, require_returned

# The right codes of each exercise, and what contradicts the others.
_DIAGNOSES = yaml.safe_load(
    Path(__file__).with_name("diagnoses.yaml").read_text(encoding="utf-8")
)


def _check_diagnosis(name, right, contradicted, measurement):
    kind = right[0][0]

    def check(answer):
        code = answer.strip().upper()
        known = set(CHECKS) | {f"{k}{i}" for k in "SC" for i in range(1, 39)}
        require(code != "...", 'replace "..." by a code of docs/doctor.md')
        require(code in known, f"{answer!r} is no code of docs/doctor.md, such as S11")
        if code not in right:
            what = {"S": "compares pairs", "C": "transcribes sentences with CTC"}[kind]
            fits = code[0] == kind or code == "S30"
            require(fits, f"this program {what}; {code} concerns the other kind")
            for codes, observation in contradicted.items():
                require(code not in codes.split(), f"not {code}: {observation}")
            require(False, f"not {code}; {measurement}")
        return f"it is {right[0]}; compare the evidence of the doctor."

    exercise(name, kind=str)(check)


for _name, _case in _DIAGNOSES.items():
    _check_diagnosis(_name, _case["right"], _case["contradicted"], _case["next"])


@exercise("13.7")
def contrastive_of_any_shape(answer):
    """``answer(y_true, d, margin)``: one cost for each pair, whatever the shapes."""
    y, d = np.array([1, 0, 1, 0, 0]), np.array([0.2, 0.4, 1.7, 1.9, 0.0], "float32")
    for margin in (1.0, 1.8):
        near = np.maximum(margin - d, 0)
        costs = np.where(y == 1, d**2, near**2)
        mistakes = {
            "the labels have exchanged their roles": np.where(y == 0, d**2, near**2),
            "the costs are squares": np.where(y == 1, d, near),
            "distances beyond the margin cost nothing": np.where(y == 1, d, margin - d)
            ** 2,
            "return the cost of each pair, not their mean": costs.mean(),
        }
        for labels, distances in ((y, d), (y[:, None], d[:, None]), (y[:, None], d)):
            shapes = f"for labels {labels.shape} and distances {distances.shape}"
            for given in (distances, keras.ops.convert_to_tensor(distances)):
                got = answer(labels, given, margin)
                expect(got, costs, mistakes, when=shapes)
    return "no combination of shapes can broadcast any more."


@exercise("13.8")
def lengths_after_convolutions(answer):
    """``answer(frames, layers)``: the number of outputs for each utterance."""
    frames = np.array([20, 21, 104, 105])
    for layers in (
        [(9, 1, "same")],
        [(3, 2, "same"), (3, 2, "same")],
        [(5, 1, "valid"), (4, 3, "valid")],
        [(3, 2, "valid"), (3, 2, "same")],
    ):
        expected: list = list(frames)
        for size, stride, padding in layers:
            conv = keras.layers.Conv1D(1, size, stride, padding)
            shapes = [conv.compute_output_shape((1, int(n), 1)) for n in expected]
            expected = [shape[1] for shape in shapes]
        total = int(np.prod([stride for _, stride, _ in layers]))
        mistakes = {
            "an incomplete stride at the end gives an output, too, with 'same'": (
                frames // total
            ),
            "without padding, a convolution also loses kernel_size - 1 frames": (
                -(-frames // total)
            ),
        }
        expect(answer(frames, layers), expected, mistakes, when=f"for {layers}")
    short = answer(np.array([2, 9]), [(5, 1, "valid"), (3, 1, "valid")])
    expect(short, [0, 3], when="for 2 and 9 frames: never below 0")
    return "lengths that are derived from the layers follow when a stride changes."


@exercise("14.1")
def cudnn_arrays(answer):
    """``answer(kernel, recurrent, bias)``: the arrays of a Keras LSTM."""
    rng = np.random.default_rng(0)
    for inputs, units in ((5, 3), (4, 4)):
        shapes = (inputs, 4 * units), (units, 4 * units), (8 * units,)
        old = [rng.normal(size=shape) for shape in shapes]
        got = answer(*(array.copy() for array in old))
        require_returned(got)
        require(len(got) == 3, "return the kernel, the recurrent kernel, the bias")
        expected = from_cudnn(old)
        names = "kernel", "recurrent kernel", "bias"
        for name, array, new, unchanged in zip(names, got, expected, old, strict=True):
            mistakes = {"the order of its numbers has to change": unchanged}
            if name == "bias":
                pairs = unchanged.reshape(-1, 2).sum(axis=1)
                mistakes = {"the two biases stand one behind the other": pairs}
            expect(array, new, mistakes, when=f"in the {name}")
    return "an old network would give its old outputs again."


@exercise("14.2")
def steps_per_second(answer):
    """``answer(compute, load, n_workers)``: the speed of a training."""
    for compute, load, n in (0.1, 0.3, 1), (0.1, 0.3, 0), (0.1, 0.3, 2), (0.1, 0.3, 6):
        both, slower = 1 / (compute + load), 1 / max(compute, load / max(n, 1))
        mistakes = {
            "with 0 workers, nothing is loaded during the step": slower,
            "workers load during the step: the times do not add up": (
                1 / (compute + load / max(n, 1))
            ),
            "n workers load n batches in the time of one": 1 / max(compute, load),
        }
        expected = both if n == 0 else slower
        expect(answer(compute, load, n), expected, mistakes, when=f"for {n} workers")
    return "more than load / compute workers gain nothing."


@exercise("15.1")
def balanced_shards(answer):
    """``answer(n_frames, n_shards)``: the first row of each shard of whole rows."""
    rng = np.random.default_rng(1)
    for n_frames in (
        rng.integers(50, 2000, 300),
        np.full(12, 7),
        np.r_[9000, [10] * 50],
    ):
        bounds = answer(n_frames.copy(), 4)
        require_returned(bounds)
        bounds = np.asarray(bounds)
        require(bounds.shape == (5,), f"expected 5 bounds, got shape {bounds.shape}")
        ends = bounds[0] == 0 and bounds[-1] == len(n_frames)
        require(ends, "the first bound is 0 and the last one the number of utterances")
        require((np.diff(bounds) >= 0).all(), "the bounds must not decrease")
        sizes = [n_frames[a:b].sum() for a, b in itertools.pairwise(bounds)]
        limit = n_frames.sum() / 4 + n_frames.max()
        require(
            max(sizes) <= limit,
            f"the largest shard has {max(sizes)} frames, more than its share plus the "
            f"longest utterance, {limit:.0f}; count frames, not utterances",
        )
    return "each utterance is in one shard, and no worker gets much more than others."


@exercise("15.2")
def average_gradients(answer):
    """``answer(gradients, sizes)``: the gradient of the joint batch."""
    rng = np.random.default_rng(2)
    for sizes in ([32, 32], [32, 8, 1], [5]):
        gradients = rng.normal(size=(len(sizes), 3, 4))
        joint = np.average(gradients, axis=0, weights=sizes)
        mistakes = {
            "workers with more rows count more": gradients.mean(axis=0),
            "divide by the number of rows of all workers": gradients.sum(axis=0),
        }
        expect(
            answer(list(gradients), sizes), joint, mistakes, when=f"for {sizes} rows"
        )
    return "it is the gradient of one worker that has all rows."
