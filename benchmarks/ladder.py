"""What is each fix of the siamese post worth, one after the other?

    python benchmarks/ladder.py --data ROOT     real speech, LibriSpeech's layout
    python benchmarks/ladder.py                 the synthetic voices
    python benchmarks/ladder.py --fixes         each fix alone, and all but one

First the untrained network, then `siamlab.posts.ladder`: each program is trained on as
many segments, in as many steps, with the same optimizer, and measured on speakers that
were not in the training set. Figures are saved after each training, so that a run can
be interrupted.
"""

import argparse
import dataclasses

import keras
from _report import Runs, keep, machine, table
from _speakers import HEAD, caption, corpora, evaluate, line, train

import siamlab as sl
from siamlab import posts


def embedded(features, test, recipe, seed, steps, epochs):
    """Embed the test speakers, after a training unless `epochs` is 0."""
    keras.utils.set_random_seed(seed)
    net = recipe.network(features)
    if epochs:
        train(net, net.loss, recipe.batches(features, steps, seed), steps, epochs)
    return sl.embed(net, test, layer="blstm_2")


def draw_maps(names, embeddings, rates, speakers, path):
    """Draw a map of the test speakers for each row, with seed 0."""
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
        sl.plots.speaker_map(rows, speakers, n_neighbors=10, legend=False, ax=ax)
        purity = sl.clusters.neighbor_purity(rows, speakers)
        ax.set_title(f"{name}\nEER {rate:.1%}, purity {purity:.2f}", fontsize=9)
        ax.set(xlabel="", ylabel="")
    fig.savefig(path, dpi=80)


# The fixes that do not need others, and what each of them changes.
FIXES = {
    "input scaled": {"scaled": True},
    "softmax, no clip": {"softmax": True},
    "a hinge for each pair": {"each_pair": True},
    "both directions, each its hinge": {"directions": 2, "hinges": 2},
    "margin 3": {"margin": 3.0},
}


def fixes():
    """Each fix alone, and all but one: which help only together?"""
    for name, fix in FIXES.items():
        yield f"{name}, alone", posts.POSTED.with_fixes(**fix)
    everything = {key: value for fix in FIXES.values() for key, value in fix.items()}
    yield "all of these", posts.POSTED.with_fixes(**everything)
    for name, fix in FIXES.items():
        others = {key: value for key, value in everything.items() if key not in fix}
        yield f"all but {name}", posts.POSTED.with_fixes(**others)


def rows(only, each_fix):
    """Yield the name of each row, its recipe, and whether it is trained."""
    yield "untrained", posts.POSTED, False
    scaled = posts.POSTED.with_fixes(scaled=True, softmax=True)
    yield "untrained, scaled", scaled, False
    recipes = fixes() if each_fix else posts.ladder().items()
    for name, recipe in recipes:
        if only is None or name in only:
            yield name, recipe, True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="ROOT", help="folder in LibriSpeech's layout")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--fixes", action="store_true", help="instead of the ladder")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="some of the programs"
    )
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    parser.add_argument("--maps", metavar="PNG", help="draw a map for each program")
    arguments = parser.parse_args()

    features, test = corpora(arguments.data)
    settings = {
        "train": repr(features),
        "test": repr(test),
        "steps": arguments.steps,
        "epochs": arguments.epochs,
        "units": arguments.units,
    }
    runs = Runs(arguments.keep, settings)
    lines, maps = [], []
    for name, recipe, is_trained in rows(arguments.only, arguments.fixes):
        recipe = dataclasses.replace(recipe, units=arguments.units)
        how = recipe, arguments.steps, arguments.epochs if is_trained else 0

        def embeddings(seed, how=how):
            recipe, steps, epochs = how
            return embedded(features, test, recipe, seed, steps, epochs)

        found = [
            runs.run(
                name,
                seed,
                lambda seed=seed, embeddings=embeddings: evaluate(
                    embeddings(seed), test.speakers, seed
                ),
            )
            for seed in range(arguments.seeds)
        ]
        if arguments.maps:
            maps.append((name, embeddings(0), found[0]["eer"]["value"]))
        lines.append(line(name, found))
        print(*lines[-1], sep="  ", flush=True)
    text = "\n".join(
        [
            caption(features, test, arguments),
            "",
            table(HEAD, lines),
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
