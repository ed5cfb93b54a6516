"""Draw the results of benchmarks/speakers.py: a dot for each training.

    python benchmarks/draw_losses.py PNG NAME=TITLE [NAME=TITLE ...]

NAME is a result of ``speakers.py --keep NAME``; each becomes a panel. Both scores are
drawn, and a line at the median of each.
"""

import argparse
import json

import matplotlib.pyplot as plt
import numpy as np
from _report import RESULTS
from speakers import ROWS

import siamlab as sl

SCORES = {"eer": "cosine of the second LSTM", "own": "own outputs"}


def draw(ax, name, title):
    """Draw one corpus: losses from top to bottom, error rates to the right."""
    runs = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))["runs"]
    rows = [row for row in ROWS if row in runs]
    for shift, fill, (score, said) in zip(
        (-0.15, 0.15), ("full", "none"), SCORES.items(), strict=True
    ):
        for place, row in enumerate(rows):
            values = [100 * found[score]["value"] for found in runs[row].values()]
            where, median = place + shift, np.median(values)
            ax.plot(values, np.full(len(values), where), "C0o", fillstyle=fill, ms=5)
            ax.plot(median, where, "|", color="black", markersize=12)
        ax.plot([], [], "C0o", fillstyle=fill, ms=5, label=said)
    ax.set_yticks(range(len(rows)), rows)
    ax.invert_yaxis()
    ax.set(xlabel="equal error rate (%)", xlim=(0, None))
    ax.set_title(title)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("png")
    parser.add_argument("results", nargs="+", metavar="NAME=TITLE")
    arguments = parser.parse_args()
    panels = [result.partition("=")[::2] for result in arguments.results]
    sl.plots.style()
    fig, axes = plt.subplots(
        1, len(panels), figsize=(5.2 * len(panels), 3.6), layout="constrained"
    )
    axes = np.atleast_1d(axes)
    for ax, (name, title) in zip(axes, panels, strict=True):
        draw(ax, name, title or name)
    axes[-1].legend()
    fig.savefig(arguments.png, dpi=110)


if __name__ == "__main__":
    main()
