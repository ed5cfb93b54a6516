"""What each mend of the source program is worth, one after the other.

    python benchmarks/ladder.py --data ROOT     real speech, LibriSpeech's layout
    python benchmarks/ladder.py                 the embedded voices

First the untrained network, then `siamlab.faulty.LADDER`: every rung is trained on as
many segments, in as many steps, with the same optimiser, and measured on speakers who
were never heard. Figures are written as they come: what was killed goes on.
"""

import argparse
import dataclasses
import time

import keras
import numpy as np
from _report import Runs, keep, machine, table

import siamlab as sl
from siamlab import faulty


def corpora(root):
    """Training and test corpus, which share no speaker."""
    if root is not None:
        return (
            sl.corpora.librispeech(root, "train-clean-100"),
            sl.corpora.librispeech(root, "test-other"),
        )
    everyone = sl.corpora.voices(speakers=74, utterances=20)
    return everyone.split(by="speaker", fractions=(50 / 74, 24 / 74), seed=0)


def trained(train, test, recipe, seed, steps, epochs):
    """Embeddings of the test speakers, and seconds of training; 0 epochs: none."""
    keras.utils.set_random_seed(seed)
    net = recipe.network(train)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, max(steps * epochs, 1))
    net.compile(optimizer=keras.optimizers.Adam(rate))
    began = time.perf_counter()
    if epochs:
        net.fit(recipe.batches(train, steps, seed), epochs=epochs)
    seconds = time.perf_counter() - began if epochs else 0.0
    return sl.embed(net, test), seconds


def measure(train, test, recipe, seed, steps, epochs):
    """Train once, and measure on the test speakers."""
    embeddings, seconds = trained(train, test, recipe, seed, steps, epochs)
    number = len(np.unique(test.speakers))
    found = sl.metrics.verify(embeddings, test.speakers, seed=seed)
    clusters = sl.clusters.hierarchical(embeddings, n=number)
    return {
        **found.as_dict(),
        "mr": float(sl.metrics.misclassification_rate(test.speakers, clusters)),
        "purity": float(sl.clusters.neighbour_purity(embeddings, test.speakers)),
        "seconds": seconds,
    }


def draw_maps(names, embeddings, rates, speakers, path):
    """Draw a map of the test speakers for each row, of seed 0."""
    import matplotlib.pyplot as plt

    sl.plots.style()
    columns = 4
    lines = -(-len(names) // columns)
    fig, axes = plt.subplots(
        lines, columns, figsize=(3.1 * columns, 3.1 * lines), layout="constrained"
    )
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    for ax, name, rows, rate in zip(axes.flat, names, embeddings, rates, strict=False):
        sl.plots.speaker_map(rows, speakers, neighbours=10, legend=False, ax=ax)
        purity = sl.clusters.neighbour_purity(rows, speakers)
        ax.set_title(f"{name}\nEER {rate:.1%}, purity {purity:.2f}", fontsize=9)
        ax.set(xlabel="", ylabel="")
    fig.savefig(path, dpi=80)


def rows(mend, untrained_scaled):
    """Names of rows, with recipe and whether it is trained."""
    yield "untrained", faulty.SOURCE, False
    if untrained_scaled:
        yield (
            "untrained, scaled",
            faulty.SOURCE.mended(scaled=True, softmax=True),
            False,
        )
    for name, recipe in faulty.ladder().items():
        if mend is None or name in mend:
            yield name, recipe, True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="ROOT", help="folder in LibriSpeech's layout")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--only", nargs="+", metavar="RUNG", help="some of the rungs")
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    parser.add_argument("--maps", metavar="PNG", help="draw a map for each rung")
    arguments = parser.parse_args()

    train, test = (sl.extract(corpus) for corpus in corpora(arguments.data))
    settings = {
        "train": repr(train),
        "test": repr(test),
        "steps": arguments.steps,
        "epochs": arguments.epochs,
        "units": arguments.units,
    }
    runs = Runs(arguments.keep, settings)
    lines, maps = [], []
    for name, recipe, is_trained in rows(arguments.only, True):
        recipe = dataclasses.replace(recipe, units=arguments.units)
        epochs = arguments.epochs if is_trained else 0
        found = [
            runs.run(
                name,
                seed,
                lambda seed=seed, recipe=recipe, epochs=epochs: measure(
                    train, test, recipe, seed, arguments.steps, epochs
                ),
            )
            for seed in range(arguments.seeds)
        ]
        if arguments.maps:
            y, _ = trained(train, test, recipe, 0, arguments.steps, epochs)
            maps.append((name, y, found[0]["eer"]["value"]))
        found = sorted(found, key=lambda run: run["eer"]["value"])
        median = found[len(found) // 2]["eer"]
        lines.append(
            (
                name,
                f"{median['value']:.1%} [{median['low']:.1%}, {median['high']:.1%}]",
                f"{found[0]['eer']['value']:.1%} to {found[-1]['eer']['value']:.1%}",
                f"{np.median([run['mr'] for run in found]):.2f}",
                f"{np.median([run['purity'] for run in found]):.2f}",
            )
        )
        print(*lines[-1], sep="  ", flush=True)
    head = ("recipe", "EER [95 %]", "over seeds", "MR", "purity")
    text = "\n".join(
        [
            f"Trained: {train!r}. Measured: {test!r}. {arguments.epochs} epochs of "
            f"{arguments.steps} batches of 128 segments, {arguments.seeds} seeds, "
            "medians; the interval is the median run's, over speakers. MR: average "
            "linkage, the number of speakers known.",
            "",
            table(head, lines),
            "",
            machine("tensorflow", "keras", "numpy") + ".",
        ]
    )
    print("\n" + text)
    if arguments.keep:
        keep(arguments.keep, text)
    if arguments.maps:
        names, embeddings, rates = zip(*maps, strict=True)
        draw_maps(names, embeddings, rates, test.speakers, arguments.maps)


if __name__ == "__main__":
    main()
