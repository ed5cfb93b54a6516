"""Draw the results of benchmarks/speakers.py: a dot for each training.

    python benchmarks/draw_losses.py PNG NAME=TITLE [NAME=TITLE ...]

NAME is a result of ``speakers.py --keep NAME``; each becomes a panel.
"""

import argparse
import json

import matplotlib.pyplot as plt
import numpy as np
from _report import RESULTS
from speakers import ROWS

import siamlab as sl


def error_rates(name):
    """Return the equal error rates of each loss, in percent, one for each seed."""
    runs = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))["runs"]
    return {
        row: [100 * found["eer"]["value"] for found in runs[row].values()]
        for row in ROWS
        if row in runs
    }


def draw(ax, found, title):
    """Draw one corpus: losses from top to bottom, error rates to the right."""
    for place, values in enumerate(found.values()):
        ax.plot(values, np.full(len(values), place), "o", markersize=6, alpha=0.6)
        ax.plot(np.median(values), place, "|", color="black", markersize=16)
    ax.set_yticks(range(len(found)), found)
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
        1, len(panels), figsize=(5.2 * len(panels), 3.2), layout="constrained"
    )
    for ax, (name, title) in zip(np.atleast_1d(axes), panels, strict=True):
        draw(ax, error_rates(name), title or name)
    fig.savefig(arguments.png, dpi=80)


if __name__ == "__main__":
    main()
