"""How fast are spectrograms made from recordings, decoding included?

    python benchmarks/extraction.py --data ROOT       a folder in LibriSpeech's layout

Each row is a fresh process with an empty cache; "memory" is what extraction adds
to it at its peak. The corpus is also extracted eight times over, as eight
different corpora, to see whether memory grows with it.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from _report import keep, machine, table

HERE = os.path.abspath(__file__)


def rss_mb():
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def corpus_of(root, times=1):
    """Read all subsets as one corpus, or as several times as many utterances."""
    import pandas as pd

    import siamlab as sl

    subsets = [
        name for name in sorted(os.listdir(root)) if os.path.isdir(f"{root}/{name}")
    ]
    parts = [sl.corpora.librispeech(root, subset).table for subset in subsets]
    all_of_it = pd.concat(parts, ignore_index=True)
    # Other starts make other entries of the same files.
    copies = [all_of_it.assign(start=0.01 * i) for i in range(times)]
    return sl.corpora.Corpus(pd.concat(copies, ignore_index=True), "benchmark")


def one(root, workers, times):
    """Extract once (or several times over) in this process; prints JSON."""
    import siamlab as sl

    corpus = corpus_of(root, times)
    sl.extract(corpus.select([0]), cache=False)  # imports and compiles
    before, began = rss_mb(), time.perf_counter()
    features = sl.extract(corpus, n_jobs=workers)
    seconds = time.perf_counter() - began
    assert len(features) == len(corpus)
    sound = float((corpus.table.duration - corpus.table.start).sum())
    print(json.dumps({"sound": sound, "seconds": seconds, "mb": rss_mb() - before}))


def measure(root, workers, times=1):
    """Run `one` in a process of its own, with an empty cache."""
    cache = tempfile.mkdtemp()
    command = [sys.executable, HERE, "--data", root, "--one", str(workers), str(times)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "SIAMLAB_CACHE": cache, "SIAMLAB_PROGRESS": "0"},
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        shutil.rmtree(cache)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, metavar="ROOT")
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    parser.add_argument("--one", nargs=2, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.data, *arguments.one)
        return
    rows, figures = [], []
    for workers, times in ((1, 1), (2, 1), (2, 8)):
        runs = [measure(arguments.data, workers, times) for _ in range(3)]
        run = sorted(runs, key=lambda each: each["seconds"])[1]
        speed = run["sound"] / run["seconds"]
        figures.append({"threads": workers, **run})
        rows.append(
            (
                workers,
                f"{run['sound'] / 60:.0f}",
                f"{run['seconds']:.1f}",
                f"{speed:.0f}",
                f"{run['mb']:.0f}",
            )
        )
    head = ("threads", "minutes of sound", "seconds", "times real time", "memory (MB)")
    text = "\n".join(
        [
            "Log-mel spectrograms of FLAC files, decoding, checksums and writing "
            "included; the median of three runs.",
            "",
            table(head, rows),
            "",
            machine("numpy", "scipy", "soundfile") + ".",
        ]
    )
    print(text)
    if arguments.keep:
        keep(arguments.keep, text, figures)


if __name__ == "__main__":
    main()
