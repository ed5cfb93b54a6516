"""What does a batch cost where there are a thousand times as many utterances?

    python benchmarks/scale_sampling.py

Tables of 10, 1,000 and 10,000 hours, without any sound: 8 s an utterance, 112
utterances a speaker, 10 utterances a session. Segments are made when they are asked
for, which shows what the drawing costs, or read from sparse shards that nobody has
opened yet. Those take no room on the disk, and what is measured is the way to their
zeros: 10 hours lie in 18 files, which are soon open, and of 10,000 hours nearly each
segment lies in a file that has to be opened first.
Batches of all are drawn in turn in one process, so that ratios hold on a busy machine.
Memory is that of the Python objects and arrays, as `tracemalloc` counts them.
"""

import argparse
import gc
import os
import pickle
import statistics
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
from _report import keep, machine, table

import siamlab as sl
from siamlab.features import plan, shards
from siamlab.features.arrays import Arrays

FRAMES, BANDS = 798, 128  # of 8 s
PER_SPEAKER, PER_SESSION = 112, 10
STEPS = 200


def corpus_table(utterances):
    """A table as `corpora.librispeech` makes one."""
    speaker = np.arange(utterances) // PER_SPEAKER
    session = np.arange(utterances) // PER_SESSION
    names = np.array([f"s{k:05d}" for k in range(speaker[-1] + 1)], object)
    sessions = np.array([f"c{k:06d}" for k in range(session[-1] + 1)], object)
    sexes = np.array(["F", "M"], object)
    return pd.DataFrame(
        {
            "speaker": names[speaker],
            "session": sessions[session],
            "path": [
                f"/corpus/{i // 1000:04d}/{i:07d}.flac" for i in range(utterances)
            ],
            "start": 0.0,
            "duration": 8.0,
            "text": "",
            "phones": None,
            "sex": sexes[speaker % 2],
        }
    )


def sparse_shards(folder, utterances):
    """Shards of as many utterances, none of whose frames was ever written."""
    per_shard = max(plan.SHARD_BYTES // (2 * BANDS * FRAMES), 1)
    number = np.arange(utterances) // per_shard
    name = "sparse.npy"
    header = {
        "descr": shards.DTYPE.str,
        "fortran_order": False,
        "shape": (per_shard * FRAMES, BANDS),
    }
    with open(folder / name, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + per_shard * FRAMES * BANDS * 2 + 16)
    checksum = "00" * 16
    files = []
    for k in range(number[-1] + 1):
        os.link(folder / name, folder / plan.file(k))
        files.append((plan.file(k), checksum))
    return shards.Shards(
        folder,
        files,
        BANDS,
        number,
        (np.arange(utterances) % per_shard) * FRAMES,
        np.full(utterances, FRAMES),
    )


def held(make):
    """What `make` returns, with the bytes it holds and the seconds it took."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    began = time.perf_counter()
    made = make()
    seconds = time.perf_counter() - began
    gc.collect()
    return made, tracemalloc.get_traced_memory()[0] - before, seconds


class OnDemand(Arrays):
    """Utterances of which a stretch is made when it is asked for."""

    def __init__(self, utterances):
        self._lengths = np.full(utterances, FRAMES, np.int32)

    def __len__(self):
        return len(self._lengths)

    @property
    def lengths(self):
        return self._lengths

    def cut(self, index, first, frames):
        return np.zeros((frames, BANDS), np.float32)


def in_turn(sizes):
    """Milliseconds per batch of each, the median of many drawn in turn."""
    times = [[] for _ in sizes]
    for step in range(STEPS):
        for batches, spent in zip(sizes, times, strict=True):
            began = time.perf_counter()
            batches[step % len(batches)]
            spent.append(time.perf_counter() - began)
    return [1000 * statistics.median(spent) for spent in times]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, nargs="+", default=(10, 1000, 10000))
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    arguments = parser.parse_args()
    kinds = {
        "SpeakerBatches": lambda f: sl.sampling.SpeakerBatches(f, n_speakers=32),
        "PairBatches": lambda f: sl.sampling.PairBatches(f, batch_size=64),
        "Pairs, hard by sex": lambda f: sl.sampling.PairBatches(
            f, batch_size=64, hard="sex"
        ),
    }
    rows, figures, drawn = [], {}, {}
    with tempfile.TemporaryDirectory() as root:
        for make in kinds.values():  # imports
            make(sl.Features([np.zeros((50, 1))] * 4, corpus_table(448)[::112]))
        tracemalloc.start()
        for hours in arguments.hours:
            n = round(hours * 450)
            frame, size, _ = held(lambda n=n: corpus_table(n))
            folder = Path(root, str(n))
            folder.mkdir()
            arrays, more, _ = held(lambda f=folder, n=n: sparse_shards(f, n))
            cells = [f"{hours:,.0f}", f"{n:,}", f"{size / n:.0f}", f"{more / n:.0f}"]
            for name, make in kinds.items():
                # Shards of its own, none of which is open.
                features = sl.Features(pickle.loads(pickle.dumps(arrays)), frame)
                made, size, seconds = held(lambda m=make, f=features: m(f))
                drawn.setdefault((name, "shards"), []).append(made)
                on_demand = sl.Features(OnDemand(n), frame)
                drawn.setdefault((name, "made"), []).append(make(on_demand))
                cells.append(f"{size / n:.0f} B, {seconds:.1f} s")
                figures[f"{hours:g} h, {name}"] = {"bytes": size / n, "start": seconds}
            rows.append(cells)
        tracemalloc.stop()
        ratios = []
        for (name, where), sizes in drawn.items():
            ms = in_turn(sizes)
            ratio = ms[-1] / ms[0]
            figures[f"{name}, {where}"] = {"ms": ms, "ratio": ratio}
            ratios.append(
                (name, where, *(f"{each:.1f}" for each in ms), f"{ratio:.2f}")
            )
    head = ("hours", "utterances", "table", "shards", *kinds)
    hours = [f"{each:,.0f} h" for each in arguments.hours]
    text = "\n".join(
        [
            "Bytes of memory per utterance, and seconds to begin.",
            "",
            table(head, rows),
            "",
            f"Milliseconds per batch, the median of {STEPS} drawn in turn.",
            "",
            table(("batches", "segments", *hours, "ratio"), ratios),
            "",
            machine("numpy", "pandas") + ".",
        ]
    )
    print(text)
    if arguments.keep:
        keep(arguments.keep, text, figures)


if __name__ == "__main__":
    main()
