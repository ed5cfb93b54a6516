"""All pairs of a batch: one matrix product against nested loops in the graph.

    python benchmarks/pairwise.py

Both compute the KL-hinge of all 4,950 pairs of 100 outputs, and its gradient, compiled
by TensorFlow, in one process and in turns. The loops are how the loss is often written:
for each row, for each row behind it, one pair. A training calls a graph once for a
whole step, of which the loss is a part; so the time within a graph is what counts, and
that of a call, most of which is the way from Python and back, stands beside it.
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


def compiled(loss, steps, xla=False):
    """Value and gradient in one graph, as often as `steps` says.

    Each step goes a hair down the gradient of the one before: none can be left out.
    """

    @tf.function(jit_compile=xla)
    def descend(ids, outputs):
        value, gradient = 0.0, tf.zeros_like(outputs)
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                tape.watch(outputs)
                value = loss(ids, outputs)
            gradient = tape.gradient(value, outputs)
            outputs = outputs - 1e-9 * gradient
        return value, gradient

    return descend


@tf.function
def nothing(ids, outputs):
    """Cost of a call of a graph, whatever is in it."""
    return tf.reduce_sum(outputs), 2.0 * outputs


def given_outputs(batch, units):
    """Speakers of a batch, four segments of each, and outputs of a network."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, size=(batch, units))
    outputs = tf.nn.softmax(tf.constant(logits, tf.float32))
    return tf.constant(np.arange(batch) // 4), outputs


def milliseconds(function, arguments, steps, repeats):
    """Median time of a step."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        function(*arguments)[1].numpy()
        found.append(time.perf_counter() - began)
    return 1e3 * statistics.median(found) / steps


# Name, loss, whether XLA compiles it, steps in a graph, calls to take the median of.
WAYS = (
    ("nested loops", by_loops, False, 3, 1),
    ("one product", by_product, False, 100, 7),
    ("one product, XLA", by_product, True, 100, 7),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    arguments = parser.parse_args()

    given = given_outputs(arguments.batch, arguments.units)
    graphs, gradients, figures = {}, {}, {}
    for name, loss, xla, steps, _ in WAYS:
        graphs[name] = compiled(loss, 1, xla), compiled(loss, steps, xla)
        graphs[name][1](*given)  # compiles
        value, gradients[name] = graphs[name][0](*given)
        figures[name] = {"value": float(value), "step": [], "call": []}
    empty = []
    for _ in range(arguments.rounds):  # in turns: what else is done, all feel
        for name, _, _, steps, repeats in WAYS:
            once, often = graphs[name]
            step = milliseconds(often, given, steps, repeats)
            figures[name]["step"].append(step)
            figures[name]["call"].append(milliseconds(once, given, 1, 9 * repeats))
        empty.append(milliseconds(nothing, given, 1, 63))
    rows = []
    for name, row in figures.items():
        loops = figures["nested loops"]["step"]
        ratios = [a / b for a, b in zip(loops, row["step"], strict=True)]
        apart = np.abs(gradients[name] - gradients["nested loops"]).max()
        rows.append(
            (
                name,
                f"{statistics.median(row['step']):.3f}",
                f"{statistics.median(ratios):,.0f} "
                f"({min(ratios):,.0f} to {max(ratios):,.0f})",
                f"{statistics.median(row['call']):.3f}",
                f"{row['value']:.6f}",
                f"{apart:.1e}",
            )
        )
    head = ("how", "ms in a graph", "times faster", "ms of a call", "value", "gradient")
    text = "\n".join(
        [
            f"KL-hinge and its gradient over all {arguments.batch} * "
            f"{arguments.batch - 1} / 2 pairs of {arguments.units} outputs. In a "
            "graph: one of many steps, as in training. A call: one step, from Python; "
            f"{statistics.median(empty):.3f} ms of it are the call's own. Gradient: "
            "the most that one differs from the loops'.",
            "",
            table(head, rows),
            "",
            machine("tensorflow", "keras", "numpy") + ".",
        ]
    )
    print(text)
    if arguments.keep:
        keep(arguments.keep, text, figures)


if __name__ == "__main__":
    main()
