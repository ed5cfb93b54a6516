"""Draw the committed results as the figures that the notebooks show.

    python benchmarks/draw.py [FOLDER]      notebooks/images by default

- ladder.png, posted_steps.png: results of ladder.py on speechocean762.
- losses.png: results of speakers.py on LibriSpeech and on the synthetic voices.
- ctc_program.png: results of ctc.py with batches of one sentence.
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _report import RESULTS
from ladder import rows
from speakers import ROWS

import siamlab as sl

IMAGES = RESULTS.parents[1] / "notebooks/images"
SCORES = {"eer": "cosine of the second LSTM", "own": "outputs, compared as by the loss"}
COLORS = sl.plots.COLORS
LABELS = {"untrained, scaled": "untrained, scaling + softmax"}


def runs_of(name):
    """Return the figures of each row: a list with an entry for each seed."""
    runs = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))["runs"]
    return {row: list(found.values()) for row, found in runs.items()}


def dots(ax, runs, score, names, **settings):
    """Draw a dot for each seed; the line is the interval of the median seed."""
    for place, name in enumerate(names):
        found = sorted((run[score] for run in runs[name]), key=lambda x: x["value"])
        values = [100 * rate["value"] for rate in found]
        middle = found[len(found) // 2]
        color = COLORS.get(name.partition(",")[0], COLORS["corrected"])
        ax.plot([100 * middle["low"], 100 * middle["high"]], 2 * [place], color=color)
        ax.plot(values, [place] * len(values), "o", color=color, ms=5, alpha=0.7)
    ax.set_yticks(range(len(names)), [LABELS.get(name, name) for name in names])
    ax.invert_yaxis()
    ax.set(xlabel="equal error rate (%)", xlim=(0, None), **settings)


def ladder(path):
    """Draw the error rates of the program with one fix more in each row."""
    runs = runs_of("ladder-speechocean-mini")
    shown = "untrained", "as posted", "+"
    names = [name for name, *_ in rows() if name.startswith(shown)]
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
    for ax, (score, title) in zip(axes, SCORES.items(), strict=True):
        dots(ax, runs, score, names, title=title)
        ax.set_xlim(0, 40)
    axes[0].invert_yaxis()  # once more: both panels share it
    fig.suptitle("Fixing the shape is not enough: scaling and softmax are needed, too")
    fig.savefig(path / "ladder.png")


def posted_steps(path):
    """Draw loss and gradient of each step, as posted and with the shape fixed."""
    runs = runs_of("ladder-speechocean-mini")
    fig, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for row, color in (("as posted", "as posted"), ("+ shape", "corrected")):
        for ax, name in zip(axes, ("loss", "gradient"), strict=True):
            ax.plot(runs[row][0]["steps"][name], color=COLORS[color], label=row, lw=1)
    axes[0].set(xlabel="step", ylabel="loss", title="Both losses stop at 0.5")
    axes[1].set(
        xlabel="step",
        ylabel="norm of the gradient",
        title="Only the posted gradient becomes 0",
    )
    axes[1].set_yscale("symlog", linthresh=1e-3)  # many are exactly 0
    axes[0].legend()
    fig.savefig(path / "posted_steps.png")


def losses(path):
    """Draw the error rates of six losses on two corpora, by both scores."""
    fig, axes = plt.subplots(2, 2, figsize=(8, 5), layout="constrained", sharex="row")
    for line, (name, title) in zip(
        axes,
        (
            ("speakers-librispeech-mini", "LibriSpeech, 5 speakers"),
            ("speakers-voices", "24 synthetic voices"),
        ),
        strict=True,
    ):
        runs = runs_of(name)
        for ax, score, by in zip(line, SCORES, ("cosine", "outputs"), strict=True):
            dots(ax, runs, score, ROWS, title=f"{title}, by {by}")
        line[1].set_yticklabels([])
    fig.savefig(path / "losses.png")


def ctc_program(path):
    """Draw the loss of each epoch, and what one test sentence is transcribed as."""
    runs = runs_of("ctc-one")
    fig, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    lines = []
    for name in ("as posted", "standardized"):
        for run in runs[name]:
            epochs = np.arange(1, len(run["loss"]) + 1)
            axes[0].plot(epochs, run["loss"], color=COLORS[name])
        at = 4 if name == "as posted" else 8
        above = 1.15 * max(run["loss"][at - 1] for run in runs[name])
        axes[0].text(at + 0.3, above, name, color=COLORS[name])
        lines.append(f"{name}, after epoch")
        for epoch in (1, 2, 4, 8, 15):
            phones = runs[name][0]["said"][epoch - 1].split()[:20]
            lines.append(f"  {epoch:2}:  {' '.join(phones) or '(nothing)'}")
        lines.append("")
    axes[0].set(xlabel="epoch", ylabel="loss (nats per sentence)", yscale="log")
    axes[0].set_title("The posted loss falls, stalls, rises and falls back")
    axes[1].axis("off")
    axes[1].set_title("Transcription of a test sentence (first 20 phones)")
    axes[1].text(0, 1, "\n".join(lines), va="top", fontsize=9)
    fig.savefig(path / "ctc_program.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=IMAGES)
    folder = parser.parse_args().folder
    sl.plots.style()
    for draw in (ladder, posted_steps, losses, ctc_program):
        draw(folder)


if __name__ == "__main__":
    main()
