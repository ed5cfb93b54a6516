"""Are damaged files read or refused by name, and nothing else?

    python benchmarks/damaged_files.py [--files 5000] [--seed 0] [--keep damaged-files]

Sound, TextGrids, tables, configurations, encoders, batches and models are damaged as
tests/test_damaged_files.py does it: cut off, overwritten, emptied, exchanged. Each must
be read, or refused with a `SiamlabError` that names the file. Any other outcome is
printed, and the exit status is 1.
"""

import argparse
import collections
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _report import keep, machine, table

sys.path.append(str(Path(__file__).parents[1] / "tests"))

OUTCOMES = ("read", "refused", "failed")


def main():
    import test_damaged_files as damaged

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=damaged.NAMES)
    parser.add_argument("--keep", metavar="NAME", help="write results/NAME.md, .json")
    arguments = parser.parse_args()

    rng = np.random.default_rng(arguments.seed)
    names = arguments.only or damaged.NAMES
    counts = collections.defaultdict(collections.Counter)
    slowest = 0.0
    with (
        tempfile.TemporaryDirectory() as originals,
        tempfile.TemporaryDirectory() as folder,
    ):
        contents = damaged.originals(originals)
        for number in range(arguments.files):
            name = names[number % len(names)]
            kind = rng.choice(sorted(damaged.DAMAGE))
            position, noise = rng.random(), rng.bytes(rng.integers(1, 200))
            began = time.perf_counter()
            try:
                was_read = damaged.check(
                    Path(folder), name, contents[name], kind, position, noise
                )
                outcome = "read" if was_read else "refused"
            except Exception as error:
                outcome = "failed"
                print(f"{name}, {kind} at {position}: {error!r}", file=sys.stderr)
            counts[name][outcome] += 1
            slowest = max(slowest, time.perf_counter() - began)
    rows = [(name, *(counts[name][outcome] for outcome in OUTCOMES)) for name in names]
    total = [sum(counts[name][outcome] for name in names) for outcome in OUTCOMES]
    text = "\n".join(
        [
            f"{arguments.files:,} damaged files, seed {arguments.seed}; the slowest "
            f"took {slowest:.1f} s.",
            "",
            table(("file", *OUTCOMES), [*rows, ("all", *total)]),
            "",
            machine("soundfile", "pandas", "keras", "h5py") + ".",
        ]
    )
    print(text)
    if arguments.keep:
        settings = {"files": arguments.files, "seed": arguments.seed}
        keep(arguments.keep, text, {**settings, "outcomes": counts})
    return int(total[-1] > 0)


if __name__ == "__main__":
    sys.exit(main())
