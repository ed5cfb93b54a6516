"""What do VoxCeleb2 and 100,000 hours cost, and which limit is reached first?

    python benchmarks/cost.py --data ROOT       a folder in LibriSpeech's layout

Each series is measured in a process of its own against its size, from small to large,
and fitted by a line with a constant, in the size or in its square, as the algorithm
requires. The last point is also predicted from the others, which shows how far the fit
can be extrapolated. Recordings are real where they are decoded; where only the size
matters, noise is used. Money is core-hours times a price that you give: the default is
an assumption, not an offer.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from _ours import (
    N_MELS,
    corpus_of,
    descend,
    new_cache,
    seconds_of,
    speaker_batches,
    speaker_net,
)
from _processes import peak_mb
from _report import argument_parser, machine, publish, table
from scipy.optimize import nnls

MB, GB = 2**20, 2**30
CORES = min(2, os.cpu_count() or 1)
# VoxCeleb2: 2,442 hours in 1.1 million utterances.
UTTERANCE_SECONDS = 8.0
# Hours, utterances, speakers; as many utterances and speakers per hour as VoxCeleb2.
CORPORA = {
    "VoxCeleb2": (2_442, 1_100_000, 5_994),
    "100,000 hours": (100_000, 45_000_000, 245_000),
}


# Series: functions from the size to figures. The first call, with the size None,
# imports and compiles what the others need.


def quickest(run, runs=3):
    """Return the seconds of the quickest run: disturbances only ever add time."""
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return min(found)


def size_on_disk(folder):
    """Return the bytes that a folder takes."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return sum(path.stat().st_blocks * 512 for path in files)


def extraction(data):
    """Recordings that are decoded, written into an empty cache, and into shards."""
    import pandas as pd

    import siamlab as sl

    available = corpus_of(data)
    sl.sampling.SpeakerBatches(sl.extract(available.select([0, -1]), cache=False), 2)

    def measure(size):
        # A different start makes another entry of the same file.
        copies = [
            available.table.assign(start=0.01 * i)
            for i in range(-(-size // len(available)))
        ]
        corpus = sl.corpora.Corpus(pd.concat(copies, ignore_index=True), "benchmark")
        corpus = corpus.select(range(size))
        new_cache()
        began = time.perf_counter()
        features = sl.extract(corpus)
        seconds = time.perf_counter() - began
        # The steps of an epoch are counted from the length of each spectrogram.
        look = quickest(lambda: sl.sampling.SpeakerBatches(features, 2), 1)
        disk = size_on_disk(os.environ["SIAMLAB_CACHE"])
        shards = os.path.join(os.environ["SIAMLAB_CACHE"], "shards")
        sl.extract(corpus, folder=shards)
        utterances = seconds_of(corpus) / UTTERANCE_SECONDS
        return utterances, {
            "seconds": seconds,
            "look": look * utterances / size,
            "disk": disk,
            "shards": size_on_disk(shards),
            "table": int(corpus.table.memory_usage(deep=True).sum()),
        }

    return measure


def noise_of(n_utterances, n_speakers):
    """The same noise for each utterance: only the size matters."""
    import pandas as pd

    import siamlab as sl

    rng = np.random.default_rng(0)
    one = rng.normal(size=(int(100 * UTTERANCE_SECONDS), N_MELS)).astype(np.float32)
    names = (np.arange(n_utterances) % n_speakers).astype(str)
    return sl.Features([one] * n_utterances, pd.DataFrame({"speaker": names}))


def drawing(data):
    """Draw a batch of 256 segments from so many speakers."""
    import siamlab as sl

    def measure(size):
        features = noise_of(size * 4, size)
        batches = sl.sampling.SpeakerBatches(features, 32, 8, steps_per_epoch=50)
        seconds = quickest(lambda: [batches[i] for i in range(50)])
        return size, {"seconds": seconds / 50}

    return measure


def step(data):
    """Train for one step of so many segments."""
    net = speaker_net()

    def measure(size):
        x, ids = speaker_batches(size, 1)[0]
        net.train_on_batch(x, ids)  # compiles
        seconds = quickest(lambda: [net.train_on_batch(x, ids) for _ in range(2)])
        return size, {"seconds": seconds / 2}

    return measure


def pair_loss(data):
    """Compute the loss of all pairs of so many outputs, and its gradient."""
    import siamlab as sl

    def measure(size):
        work = descend(sl.losses.KLHinge(), size, steps=20)
        work.run()  # compiles
        return size, {"seconds": quickest(work.run) / work.amount}

    return measure


def embedding(data, net=None):
    """Embed spectrograms, in segments of 0.4 s."""
    import siamlab as sl

    net = net or speaker_net()
    sl.embed(net, noise_of(8, 2))

    def measure(size):
        features = noise_of(size, 2)
        return size, {"seconds": quickest(lambda: sl.embed(net, features), 2)}

    return measure


def encoder(data):
    """Embed spectrograms with the encoder that siamlab ships, in NumPy."""
    import siamlab as sl

    return embedding(data, sl.encoder())


def of_embeddings(run, small=50):
    """Measure time and memory of a function of embeddings and speakers."""

    def embeddings(size):
        rng = np.random.default_rng(0)
        centers = rng.normal(size=(-(-size // 10), 128)).repeat(10, axis=0)[:size]
        return centers + rng.normal(size=(size, 128)), np.arange(size) // 10

    run(*embeddings(small))  # imports and compiles
    before = peak_mb()

    def measure(size):
        given = embeddings(size)
        seconds = quickest(lambda: run(*given), 1)
        return size, {
            "seconds": seconds,
            "memory": max(peak_mb() - before, 0.1) * MB,
        }

    return measure


def verification(data):
    """`metrics.verify` of all pairs, with ten resamples."""
    import siamlab as sl

    return of_embeddings(lambda x, who: sl.metrics.verify(x, who, n_resamples=10))


def clustering(data):
    """Agglomerative clustering, the number of speakers known."""
    from sklearn.cluster import AgglomerativeClustering

    def cluster(x, who):
        how = {"metric": "cosine", "linkage": "average"}
        AgglomerativeClustering(int(who[-1]) + 1, **how).fit(x)

    return of_embeddings(cluster)


def umap(data):
    """`clusters.umap`."""
    import siamlab as sl

    # Below 4,096 points UMAP compares all with all, which is another line.
    return of_embeddings(lambda x, who: sl.clusters.umap(x), small=4200)


# Series: sizes, what a size is.
UTTERANCES, SEGMENTS = "utterances", "segments in the batch"
SERIES = {
    extraction: ((128, 256, 512, 1024), UTTERANCES),
    drawing: ((250, 500, 1000, 2000, 4000, 8000), "speakers"),
    step: ((32, 64, 128, 256, 512, 1024), SEGMENTS),
    pair_loss: ((64, 128, 256, 512, 1024, 2048), SEGMENTS),
    embedding: ((64, 128, 256, 512), UTTERANCES),
    encoder: ((64, 128, 256, 512), UTTERANCES),
    verification: ((500, 1000, 2000, 4000), UTTERANCES),
    clustering: ((1000, 2000, 4000, 8000), UTTERANCES),
    umap: ((5000, 7000, 10000), UTTERANCES),
}
SERIES_NAMES = {function.__name__: function for function in SERIES}
# What is fitted: series, figure, order, unit; in the order of the table.
FITTED = {
    "extraction": ("extraction", "seconds", 1, "s"),
    "spectrograms on disk": ("extraction", "disk", 1, "B"),
    "the same in shards": ("extraction", "shards", 1, "B"),
    "table of the corpus": ("extraction", "table", 1, "B"),
    "first look at each spectrogram": ("extraction", "look", 1, "s"),
    "drawing a batch": ("drawing", "seconds", 1, "s"),
    "training step": ("step", "seconds", 1, "s"),
    "loss of all pairs": ("pair_loss", "seconds", 2, "s"),
    "embedding, BLSTM encoder": ("embedding", "seconds", 1, "s"),
    "embedding, shipped encoder": ("encoder", "seconds", 1, "s"),
    "verify, all pairs, 10 resamples": ("verification", "seconds", 2, "s"),
    "memory of verify": ("verification", "memory", 2, "B"),
    "agglomerative clustering": ("clustering", "seconds", 2, "s"),
    "memory of clustering": ("clustering", "memory", 2, "B"),
    "UMAP": ("umap", "seconds", 1, "s"),
    "memory of UMAP": ("umap", "memory", 1, "B"),
}
TRIALS = "score a list of trials: `metrics.trial_scores`"
SAMPLE = "take a sample, or one session after the other"
# What to do when a day, the memory or the disk is not enough.
REMEDIES = {
    "memory of verify": TRIALS,
    "verify, all pairs, 10 resamples": TRIALS,
    "memory of clustering": SAMPLE,
    "agglomerative clustering": SAMPLE,
    "memory of UMAP": SAMPLE,
    "UMAP": SAMPLE,
    "table of the corpus": "one corpus after the other",
    "extraction": "more cores, more machines",
    "spectrograms on disk": "shards; another disk: SIAMLAB_CACHE",
    "the same in shards": "another disk: extract(folder=)",
}


@dataclasses.dataclass(frozen=True)
class Fit:
    """``constant + factor * size ** order``; neither number is negative."""

    order: float
    constant: float
    factor: float
    residual: float  # the largest, relative to what was measured
    exponent: float  # of a power law through the same points
    last: float  # the last point as predicted by the others: relative error

    def __call__(self, size):
        return self.constant + self.factor * np.asarray(size, float) ** self.order

    def reaches(self, value):
        """Return the size at which a value is reached; infinite if it never is."""
        if self.factor == 0:
            return float("inf")
        return max((value - self.constant) / self.factor, 0.0) ** (1 / self.order)


def fit(sizes, values, order):
    """Fit points by least squares of relative errors, so that each counts alike."""
    sizes, values = np.asarray(sizes, float), np.asarray(values, float)
    if len(sizes) < 3 or not (values > 0).all():
        raise ValueError(f"a fit needs at least 3 positive points; got {values}")
    constant, factor = _line(sizes, values, order)
    found = constant + factor * sizes**order
    a, b = _line(sizes[:-1], values[:-1], order)
    return Fit(
        order,
        constant,
        factor,
        float(np.abs(found / values - 1).max()),
        float(np.polyfit(np.log(sizes), np.log(values), 1)[0]),
        float((a + b * sizes[-1] ** order) / values[-1] - 1),
    )


def _line(sizes, values, order):
    # Scaled: the columns would differ by ten powers of ten.
    scale = sizes[-1] ** order
    columns = np.stack([np.ones_like(sizes), sizes**order / scale], axis=1)
    (constant, factor), _ = nnls(columns / values[:, None], np.ones_like(sizes))
    return constant, factor / scale


def measure(series, sizes, data):
    """Run a series in a process of its own; return [size, figures] of each point."""
    command = [sys.executable, __file__, "--series", series, *map(str, sizes)]
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
    return {
        name: fit(
            [size for size, _ in points[series]],
            [figures[figure] for _, figures in points[series]],
            order,
        )
        for name, (series, figure, order, _) in FITTED.items()
        if series in points
    }


UNITS = {
    "B": {"PB": 2**50, "TB": 2**40, "GB": GB, "MB": MB, "kB": 2**10, "B": 1},
    "s": {"years": 8766 * 3600, "days": 86400, "h": 3600, "min": 60, "s": 1},
}
UNITS["s"] |= {"ms": 1e-3, "us": 1e-6}


def written(value, unit):
    """Write a number of seconds or bytes in a unit that suits it."""
    fitting = [each for each in UNITS[unit].items() if value >= each[1]]
    name, size = (fitting or list(UNITS[unit].items())[-1:])[0]
    return f"{value / size:,.3g} {name}"


def fitted_rows(points, fits):
    """Lay out what was measured, and the fits."""
    for name, found in fits.items():
        series, figure, order, unit = FITTED[name]
        first, last = points[series][0], points[series][-1]
        thousands = "thousands" if order == 1 else "thousands^2"
        yield (
            name,
            SERIES[SERIES_NAMES[series]][1],
            f"{first[0]:,.0f}: {written(first[1][figure], unit)}",
            f"{last[0]:,.0f}: {written(last[1][figure], unit)}",
            f"{written(found.constant, unit)} + "
            f"{written(found.factor * 1e3**order, unit)} x {thousands}",
            f"{found.exponent:.2f}",
            f"{found.residual:.0%}",
            f"{found.last:+.0%}",
        )


def cost_rows(fits, price, epochs, batch):
    """Lay out what each step of the work takes for each corpus, and its price."""
    for corpus, (hours, utterances, speakers) in CORPORA.items():
        steps = epochs * hours * 3600 / 0.4 / batch
        sizes = dict.fromkeys(("training step", "loss of all pairs"), batch)
        sizes["drawing a batch"] = speakers
        for name, found in fits.items():
            value, unit = float(found(sizes.get(name, utterances))), FITTED[name][3]
            label = name
            if name in sizes:
                label, value = f"{name}, {steps:,.0f} times", steps * value
            money = f"{value / 3600 * CORES * price:,.2f}" if unit == "s" else "-"
            yield corpus, label, written(value, unit), money


def limit_rows(fits, folder):
    """Lay out how many utterances reach a limit of this machine, nearest first."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    system = os.statvfs(folder)
    free = system.f_bavail * system.f_frsize
    rows = []
    for name, remedy in REMEDIES.items():
        if name not in fits:
            continue
        if FITTED[name][3] == "s":
            limit, text = 86400, "a day"
        elif FITTED[name][1] in ("disk", "shards"):
            limit, text = free, f"{written(free, 'B')} free"
        else:
            limit, text = memory, written(memory, "B")
        rows.append((fits[name].reaches(limit), name, text, remedy))
    for size, name, text, remedy in sorted(rows):
        hours = size * UTTERANCE_SECONDS / 3600
        yield name, text, f"{size:,.0f}", f"{hours:,.0f}", remedy


def report(points, fits, arguments):
    """Write the tables."""
    from siamlab import _files

    cache = _files.cache_folder()
    folder = next(each for each in (cache, *cache.parents) if each.exists())
    costs = cost_rows(fits, arguments.price, arguments.epochs, arguments.batch)
    fitted_head = ("what", "size", "smallest", "largest", "line", "power law")
    fitted_head += ("largest residual", "last point predicted")
    cost_head = ("corpus", "step", "time, memory or disk", "USD")
    return "\n\n".join(
        [
            "Measured on real speech (extraction) and on noise of its size (all else), "
            f"fitted, and extrapolated. An utterance is {UTTERANCE_SECONDS:g} s, "
            "VoxCeleb2's mean. Line: a constant, and so much for each thousand, "
            "or for its square. Power law: the exponent of one through the same "
            "points. Last point predicted: by a fit to the others.",
            table(fitted_head, fitted_rows(points, fits)),
            "Extrapolated. 100,000 hours with VoxCeleb2's utterances and speakers per "
            f"hour. USD: {CORES} cores at {arguments.price:g} "
            "USD a core-hour, which is an assumption. Training: "
            f"{arguments.epochs} epoch(s) of segments of 0.4 s that do not overlap, "
            f"{arguments.batch} in a step.",
            table(cost_head, costs),
            "Which limit of this machine is reached first: memory, disk or a day.",
            table(
                ("what", "limit here", "utterances", "hours", "then"),
                limit_rows(fits, folder),
            ),
            machine("tensorflow", "keras", "numpy", "scipy", "umap-learn") + ".",
        ]
    )


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--data", metavar="ROOT", help="recordings, for extraction")
    parser.add_argument("--price", type=float, default=0.05, help="of a core-hour")
    parser.add_argument("--epochs", type=int, default=1, help="of training")
    parser.add_argument("--batch", type=int, default=256, help="segments in training")
    parser.add_argument(
        "--only", nargs="+", choices=SERIES_NAMES, default=list(SERIES_NAMES)
    )
    parser.add_argument("--shrink", type=int, default=1, help="divides all sizes")
    parser.add_argument("--series", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.series:
        name, *sizes = arguments.series
        measure_size = SERIES_NAMES[name](arguments.data)
        for size in sizes:
            print(json.dumps(measure_size(int(size))), flush=True)
        return
    if "extraction" in arguments.only and not arguments.data:
        parser.error("extraction needs recordings: --data ROOT")
    points = {}
    for name in arguments.only:
        sizes = [size // arguments.shrink for size in SERIES[SERIES_NAMES[name]][0]]
        points[name] = measure(name, sizes, arguments.data)
        print(f"{name}: {len(sizes)} sizes", file=sys.stderr)
    fits = fits_of(points)
    publish(report(points, fits, arguments), arguments.keep, points)


if __name__ == "__main__":
    main()
