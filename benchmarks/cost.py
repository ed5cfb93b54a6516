"""What does it cost to go to VoxCeleb2, or to 100,000 hours, and what breaks first?

    python benchmarks/cost.py --data ROOT       a folder in LibriSpeech's layout

Each series is measured in a process of its own against its size, from small to large,
and fitted by a line with a constant, in the size or in its square: as the algorithm
says. The last point is also predicted from the others, which shows how far the fit
carries. Recordings are real where they are decoded; where only the size matters, noise
stands in their place. Money is core-hours times a price that you give: the default is
an assumption, not an offer.
"""

import argparse
import json
import os
import subprocess
import sys

import _cost_series
from _cost_series import UTTERANCE_SECONDS
from _fit import fit
from _report import RESULTS, keep, machine, table

from siamlab import _files

HERE = os.path.abspath(__file__)
GB = 2**30
CORES = min(2, os.cpu_count() or 1)

# Series, sizes, what a size is.
SERIES = {
    "extraction": ((128, 256, 512, 1024), "utterances"),
    "drawing": ((250, 500, 1000, 2000, 4000, 8000), "speakers"),
    "step": ((32, 64, 128, 256, 512, 1024), "segments in the batch"),
    "pair_loss": ((64, 128, 256, 512, 1024, 2048), "segments in the batch"),
    "embedding": ((64, 128, 256, 512), "utterances"),
    "encoder": ((64, 128, 256, 512), "utterances"),
    "verification": ((500, 1000, 2000, 4000), "utterances"),
    "clustering": ((1000, 2000, 4000, 8000), "utterances"),
    "umap": ((5000, 7000, 10000), "utterances"),
}
# What is fitted: series, figure, order, unit; in the order of the table.
FITTED = {
    "extraction": ("extraction", "seconds", 1, "s"),
    "spectrograms on disk": ("extraction", "disk", 1, "MB"),
    "the same in shards": ("extraction", "shards", 1, "MB"),
    "table of the corpus": ("extraction", "table", 1, "MB"),
    "first look at each spectrogram": ("extraction", "look", 1, "s"),
    "drawing a batch": ("drawing", "seconds", 1, "s"),
    "training step": ("step", "seconds", 1, "s"),
    "loss of all pairs in it": ("pair_loss", "seconds", 2, "s"),
    "embedding, base network": ("embedding", "seconds", 1, "s"),
    "embedding, encoder": ("encoder", "seconds", 1, "s"),
    "verify, all pairs, 10 resamples": ("verification", "seconds", 2, "s"),
    "memory of verify": ("verification", "memory", 2, "MB"),
    "hierarchical clustering": ("clustering", "seconds", 2, "s"),
    "memory of clustering": ("clustering", "memory", 2, "MB"),
    "UMAP": ("umap", "seconds", 1, "s"),
    "memory of UMAP": ("umap", "memory", 1, "MB"),
}
# Hours, utterances, speakers. As many utterances and speakers an hour as VoxCeleb2.
CORPORA = {
    "VoxCeleb2": (2_442, 1_100_000, 5_994),
    "100,000 hours": (100_000, 45_000_000, 245_000),
}


def measure(series, sizes, data):
    """Run a series in a process of its own; gives [size, figures] of each point."""
    command = [sys.executable, HERE, "--series", series, *map(str, sizes)]
    done = subprocess.run(
        command + (["--data", data] if data else []),
        env={**os.environ, "SIAMLAB_PROGRESS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{series} failed:\n{done.stderr[-3000:]}")
    return [json.loads(x) for x in done.stdout.splitlines() if x.startswith("[")]


def fits_of(points):
    """Fit whatever was measured."""
    found = {}
    for name, (series, figure, order, _) in FITTED.items():
        if series in points:
            sizes = [size for size, _ in points[series]]
            values = [figures[figure] for _, figures in points[series]]
            found[name] = fit(sizes, values, order)
    return found


def said(value, unit):
    """Write a number with a unit that suits it."""
    steps = (
        ((2**50, "PB"), (2**40, "TB"), (GB, "GB"), (2**20, "MB"), (2**10, "kB"))
        if unit == "MB"
        else (
            (8766 * 3600, "years"),
            (86400, "days"),
            (3600, "h"),
            (60, "min"),
            (1, "s"),
        )
    )
    for size, name in steps:
        if value >= size:
            return f"{value / size:,.3g} {name}"
    if unit == "MB":
        return f"{value:.0f} B"
    return f"{1e3 * value:.3g} ms" if value >= 1e-5 else f"{1e6 * value:.2g} us"


def fitted_rows(points, fits):
    """Lay out what was measured, and the fits."""
    for name, found in fits.items():
        series, figure, order, unit = FITTED[name]
        first, last = points[series][0], points[series][-1]
        yield (
            name,
            SERIES[series][1],
            f"{first[0]:,.0f}: {said(first[1][figure], unit)}",
            f"{last[0]:,.0f}: {said(last[1][figure], unit)}",
            f"{said(found.constant, unit)} + {said(found.factor * 1e3**order, unit)} "
            f"x {'thousands' if order == 1 else 'thousands^2'}",
            f"{found.exponent:.2f}",
            f"{found.residual:.0%}",
            f"{found.last:+.0%}",
        )


def cost_rows(fits, price, epochs, batch):
    """Lay out steps of the work, for each corpus: time, money, memory, disk."""
    for corpus, (hours, utterances, speakers) in CORPORA.items():
        steps = hours * 3600 / 0.4 / batch

        def at(name, size=utterances):
            return float(fits[name](size)) if name in fits else None

        training = at("training step", batch)
        work = (
            ("extraction", at("extraction"), None, at("spectrograms on disk")),
            ("the same in shards", None, None, at("the same in shards")),
            ("table of the corpus", None, at("table of the corpus"), None),
            ("first look, one epoch", at("first look at each spectrogram"), None, None),
            (
                f"training, {epochs} x {steps:,.0f} steps",
                training and epochs * steps * training,
                None,
                None,
            ),
            (
                "of which drawing",
                at("drawing a batch", speakers)
                and epochs * steps * at("drawing a batch", speakers),
                None,
                None,
            ),
            (
                "of which the loss of all pairs",
                at("loss of all pairs in it", batch)
                and epochs * steps * at("loss of all pairs in it", batch),
                None,
                None,
            ),
            ("embedding, base network", at("embedding, base network"), None, None),
            ("embedding, encoder", at("embedding, encoder"), None, None),
            (
                "verify, all pairs",
                at("verify, all pairs, 10 resamples"),
                at("memory of verify"),
                None,
            ),
            (
                "hierarchical clustering",
                at("hierarchical clustering"),
                at("memory of clustering"),
                None,
            ),
            ("UMAP", at("UMAP"), at("memory of UMAP"), None),
        )
        for name, seconds, memory, disk in work:
            if seconds is memory is disk is None:
                continue
            money = "-" if seconds is None else f"{seconds / 3600 * CORES * price:,.2f}"
            yield (
                corpus,
                name,
                "-" if seconds is None else said(seconds, "s"),
                money,
                "-" if memory is None else said(memory, "MB"),
                "-" if disk is None else said(disk, "MB"),
            )


def breaking_rows(fits, folder):
    """Lay out at how many utterances this machine's limits are met, nearest first."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    system = os.statvfs(folder)
    free = system.f_bavail * system.f_frsize
    in_memory, in_a_day = (memory, said(memory, "MB")), (86400, "a day")
    on_disk = (free, f"{said(free, 'MB')} free")
    trials = "`metrics.trial_scores` on a list of trials"
    sample = "cluster a sample, or session by session"
    limits = (
        ("memory of verify", *in_memory, trials),
        ("verify, all pairs, 10 resamples", *in_a_day, trials),
        ("memory of clustering", *in_memory, sample),
        ("hierarchical clustering", *in_a_day, sample),
        ("memory of UMAP", *in_memory, "map a sample"),
        ("UMAP", *in_a_day, "map a sample"),
        ("table of the corpus", *in_memory, "one corpus after the other"),
        ("extraction", *in_a_day, "more cores, more machines"),
        ("spectrograms on disk", *on_disk, "shards; another disk: SIAMLAB_CACHE"),
        ("the same in shards", *on_disk, "another disk: extract(folder=)"),
    )
    rows = [
        (fits[name].reaches(limit), name, text, mend)
        for name, limit, text, mend in limits
        if name in fits
    ]
    if system.f_favail and "spectrograms on disk" in fits:  # a file for each
        text = f"{system.f_favail:,} free inodes"
        mend = "a file system without that limit"
        rows.append((system.f_favail, "files of the cache", text, mend))
    for size, name, text, mend in sorted(rows):
        hours = size * UTTERANCE_SECONDS / 3600
        yield name, text, f"{size:,.0f}", f"{hours:,.0f}", mend


def picture(points, fits, path):
    """Draw points and lines up to 100,000 hours."""
    import matplotlib.pyplot as plt
    import numpy as np

    from siamlab import plots

    plots.style()
    figure, axes = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
    most = CORPORA["100,000 hours"][1]
    panels = (
        ("s", "utterances", "seconds", 1.0, most),
        ("MB", "utterances", "gigabytes", GB, most),
        ("s", "segments in the batch", "milliseconds of a step", 1e-3, 4096),
    )
    for ax, (unit, size, label, scale, end) in zip(axes, panels, strict=True):
        names = [
            name
            for name in fits
            if FITTED[name][3] == unit and SERIES[FITTED[name][0]][1] == size
        ]
        for i, name in enumerate(names):
            series, figure_of, *_ = FITTED[name]
            x = np.array([size for size, _ in points[series]])
            y = np.array([figures[figure_of] for _, figures in points[series]])
            far = np.geomspace(x[0], end, 100)
            color = f"C{i % 7}"
            ax.plot(far, fits[name](far) / scale, color=color, linewidth=1)
            ax.plot(x, y / scale, "osD^v*P"[i % 7], color=color, label=name)
        if end == most:
            for corpus, (_, utterances, _) in CORPORA.items():
                ax.axvline(utterances, color="0.5", linestyle=":")
                ax.text(
                    utterances,
                    0.02,
                    f"{corpus} ",
                    rotation=90,
                    color="0.4",
                    transform=ax.get_xaxis_transform(),
                    ha="right",
                    va="bottom",
                )
        ax.set(xscale="log", yscale="log", xlabel=size, ylabel=label)
        if names:
            ax.legend(loc="upper left")
    with _files.atomic_write(path) as temporary:
        figure.savefig(temporary, format="png")
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="ROOT", help="recordings, for extraction")
    parser.add_argument("--price", type=float, default=0.05, help="of a core-hour")
    parser.add_argument("--currency", default="USD")
    parser.add_argument("--epochs", type=int, default=1, help="of training")
    parser.add_argument("--batch", type=int, default=256, help="segments in training")
    parser.add_argument("--only", nargs="+", metavar="SERIES", help="some of them")
    parser.add_argument("--shrink", type=int, default=1, help="divides all sizes")
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md, .json and .png"
    )
    parser.add_argument("--series", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.series:
        name, *sizes = arguments.series
        series = getattr(_cost_series, name)
        for point in series([int(size) for size in sizes], arguments.data):
            print(json.dumps(point), flush=True)
        return

    chosen = arguments.only or list(SERIES)
    if unknown := set(chosen) - set(SERIES):
        known = ", ".join(SERIES)
        parser.error(f"no such series: {', '.join(unknown)}; there are {known}")
    if "extraction" in chosen and not arguments.data:
        parser.error("extraction needs recordings: --data ROOT")
    points = {}
    for name in chosen:
        sizes = [size // arguments.shrink for size in SERIES[name][0]]
        points[name] = measure(name, sizes, arguments.data)
        print(f"{name}: {len(sizes)} sizes", file=sys.stderr)
    fits = fits_of(points)
    text = report(points, fits, arguments)
    print(text)
    if arguments.keep:
        RESULTS.mkdir(exist_ok=True)
        picture(points, fits, RESULTS / f"{arguments.keep}.png")
        keep(
            arguments.keep,
            f"{text}\n\n![Measured and fitted]({arguments.keep}.png)",
            points,
        )


def report(points, fits, arguments):
    """Write the tables."""
    fitted = (
        "what",
        "size",
        "smallest",
        "largest",
        "line",
        "power law",
        "residual, most",
        "last point predicted",
    )
    costs = (
        "corpus",
        "step",
        f"time on {CORES} cores",
        arguments.currency,
        "memory",
        "disk",
    )
    breaks = ("what", "limit here", "utterances", "hours", "then")
    cache = _files.cache_folder()
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return "\n".join(
        [
            "Measured on real speech (extraction) and on noise of its size (all else), "
            f"fitted, and carried on. An utterance is {UTTERANCE_SECONDS:g} s, "
            "VoxCeleb2's mean. Line: a constant, and so much for each thousand, "
            "or for its square. Power law: the exponent of one through the same "
            "points. Last point predicted: by a fit to the others.",
            "",
            table(fitted, fitted_rows(points, fits)),
            "",
            f"Carried on. 100,000 hours with VoxCeleb2's utterances and speakers to "
            f"the hour. {arguments.currency}: {CORES} cores at "
            f"{arguments.price:g} {arguments.currency} a core-hour, which is an "
            "assumption. Training: segments of 0.4 s that do not overlap, "
            f"{arguments.batch} a step.",
            "",
            table(
                costs,
                cost_rows(fits, arguments.price, arguments.epochs, arguments.batch),
            ),
            "",
            "What breaks first on this machine: where memory, disk or a day is full.",
            "",
            table(breaks, breaking_rows(fits, there)),
            "",
            machine("tensorflow", "keras", "numpy", "scipy", "umap-learn") + ".",
        ]
    )


if __name__ == "__main__":
    main()
