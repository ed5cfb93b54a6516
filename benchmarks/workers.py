"""Several processes on one machine: what do they gain?

    python benchmarks/workers.py

Training: steps of the base network on 256 segments, all pairs of them, on Keras' JAX
backend. One process on one core, one on all cores, and one for each core that share
the batch; these once more as XLA would do it, with an exchange in each frame.
Extraction: the threads of one process beside a Dask cluster of one process for each
core, which runs already. All rows `REPEATS` times in turn; the fastest of each counts,
and a ratio is to one process on all cores.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time

from _report import keep, machine, table

import siamlab as sl

REPEATS = 3
SPEAKERS, SEGMENTS = 64, 4
STEPS = 10
SHARD = 2**20  # bytes, so that there are some for each process
WORKER = "--worker"
ONE_CORE, ONE, EACH, IN_FRAMES = TRAINING = (
    "one, on one core",
    "one",
    "one a core",
    "one a core, exchange in each frame",
)
THREADS, DASK = EXTRACTION = ("threads of one", "one a core, Dask")


def cores():
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count()))


def worker(where):
    """Print the segments per second of the whole team, as JSON."""
    if where == ONE_CORE:
        os.sched_setaffinity(0, cores()[:1])
    if where == IN_FRAMES:
        from siamlab.training import loops

        loops.own_rows = contextlib.nullcontext
    with sl.training.join() as team:
        import keras

        keras.utils.set_random_seed(0)
        features = sl.extract(sl.corpora.voices(n_speakers=SPEAKERS, n_utterances=4))
        scaler = sl.scaling.StandardScaler().fit(features)
        base = sl.networks.blstm_encoder(head="unit", scaler=scaler)
        net = sl.networks.SpeakerNet(base, sl.losses.SupervisedContrastive(0.1))
        batches = sl.sampling.SpeakerBatches(
            features,
            n_speakers=SPEAKERS,
            n_segments=SEGMENTS,
            steps_per_epoch=STEPS + 5,
            shard=team.shard,
        )
        found = sl.training.throughput(net, batches, warm_up=4, repeats=1)
        print(json.dumps(team.workers * found.segments_per_second))


def train(where):
    """Segments per second of all workers, as the slowest sees it."""
    workers = len(cores()) if where in (EACH, IN_FRAMES) else 1
    command = [sys.executable, __file__, WORKER, where]
    return min(json.loads(said) for said in sl.training.launch(command, workers))


def extract(where, corpus, client):
    """Seconds of sound per second, into shards that are not there yet."""
    client = client if where == DASK else None
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        features = sl.extract(corpus, client=client, folder=folder, shard_bytes=SHARD)
        seconds = time.perf_counter() - began
        return features.spectrogram.hop_seconds * int(features.lengths.sum()) / seconds


def in_turn(names, measure):
    """Return the best of each of several that are measured in turn."""
    best = dict.fromkeys(names, 0.0)
    for _ in range(REPEATS):
        for name in names:
            best[name] = max(best[name], measure(name))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    parser.add_argument(WORKER, choices=TRAINING, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments.worker)
        return
    from distributed import Client, LocalCluster

    os.environ["KERAS_BACKEND"] = "jax"
    trained = in_turn(TRAINING, train)
    corpus = sl.corpora.voices(n_speakers=24, n_utterances=40)
    began = time.perf_counter()
    with (
        LocalCluster(n_workers=len(cores()), threads_per_worker=1) as cluster,
        Client(cluster) as client,
    ):
        extract(DASK, corpus.select(range(100)), client)
        start = time.perf_counter() - began
        made = in_turn(EXTRACTION, lambda where: extract(where, corpus, client))
    rows = [
        *(
            ("training", name, f"{n:,.0f} segments/s", n / trained[ONE])
            for name, n in trained.items()
        ),
        *(
            ("extraction", name, f"{n:,.0f} s of sound/s", n / made[THREADS])
            for name, n in made.items()
        ),
    ]
    text = "\n".join(
        [
            f"The best of {REPEATS}, in turn.",
            "",
            table(
                ("work", "processes", "speed", "ratio"),
                [(*row[:3], f"{row[3]:.2f}") for row in rows],
            ),
            "",
            f"The cluster was ready, with what it needs loaded, after {start:.1f} s.",
            "",
            machine("jax", "keras", "distributed") + ".",
        ]
    )
    figures = {"training": trained, "extraction": made, "start": start}
    print(text)
    if arguments.keep:
        keep(arguments.keep, text, figures)


if __name__ == "__main__":
    main()
