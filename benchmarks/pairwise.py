"""All pairs of a batch: one matrix product against nested loops in the graph.

    python benchmarks/pairwise.py

Both compute the KL-hinge of all 4,950 pairs of 100 outputs, and its gradient, compiled
by TensorFlow, in one process and in turns. The loops are how the loss is often written:
for each row, for each row behind it, one pair.
"""

import argparse
import statistics
import time

import numpy as np
import tensorflow as tf
from _report import keep, machine, table

import siamlab as sl

MARGIN = 3.0


def by_loops(ids, outputs):
    """Nested loops over the pairs, in the graph."""
    n = tf.shape(outputs)[0]

    def pair(i, j):
        p, q = outputs[i], outputs[j]
        there = tf.reduce_sum(p * (tf.math.log(p) - tf.math.log(q)))
        back = tf.reduce_sum(q * (tf.math.log(q) - tf.math.log(p)))
        apart = tf.nn.relu(MARGIN - there) + tf.nn.relu(MARGIN - back)
        return tf.where(ids[i] == ids[j], there + back, apart)

    def row(i, total):
        def step(j, total):
            return j + 1, total + pair(i, j)

        return i + 1, tf.while_loop(lambda j, _: j < n, step, (i + 1, total))[1]

    total = tf.while_loop(lambda i, _: i < n, row, (0, 0.0))[1]
    n = tf.cast(n, tf.float32)
    return total / (n * (n - 1.0) / 2.0)


def by_product(ids, outputs):
    """Compute the loss as the library does."""
    return sl.losses.KLHinge(MARGIN, weighting="pairs")(ids, outputs)


def compiled(loss):
    """Value and gradient in one graph."""

    @tf.function
    def both(ids, outputs):
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            value = loss(ids, outputs)
        return value, tape.gradient(value, outputs)

    return both


def seconds(function, arguments, repeats):
    """Median time of a call."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        function(*arguments)[1].numpy()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, size=(arguments.batch, arguments.units))
    outputs = tf.nn.softmax(tf.constant(logits, tf.float32))
    ids = tf.constant(np.arange(arguments.batch) // 4)
    loops, product = compiled(by_loops), compiled(by_product)
    found = {}
    for name, function in (("loops", loops), ("product", product)):
        value, gradient = function(ids, outputs)  # and compile
        found[name] = float(value), np.asarray(gradient)
    value_apart = abs(found["loops"][0] - found["product"][0]) / found["loops"][0]
    gradient_apart = np.abs(found["loops"][1] - found["product"][1]).max()
    slow, fast = [], []
    for _ in range(3):  # in turns: what else the machine does, both feel
        slow.append(seconds(loops, (ids, outputs), arguments.repeats))
        fast.append(seconds(product, (ids, outputs), 20 * arguments.repeats))
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    head = ("how", "milliseconds", "value")
    rows = [
        ("nested loops", f"{1e3 * min(slow):.1f}", f"{found['loops'][0]:.6f}"),
        ("one product", f"{1e3 * min(fast):.3f}", f"{found['product'][0]:.6f}"),
    ]
    text = "\n".join(
        [
            f"KL-hinge and its gradient over all {arguments.batch} * "
            f"{arguments.batch - 1} / 2 pairs of {arguments.units} outputs.",
            "",
            table(head, rows),
            "",
            f"Ratio {statistics.median(ratios):,.0f} ({min(ratios):,.0f} to "
            f"{max(ratios):,.0f}); values {value_apart:.1e} apart (relative), "
            f"gradients {gradient_apart:.1e} at most.",
            "",
            machine("tensorflow", "keras", "numpy") + ".",
        ]
    )
    print(text)
    if arguments.keep:
        figures = {
            "slow": slow,
            "fast": fast,
            "ratio": ratios,
            "value_apart": value_apart,
            "gradient_apart": float(gradient_apart),
        }
        keep(arguments.keep, text, figures)


if __name__ == "__main__":
    main()
