"""Are damaged files read or refused by name, and nothing else?

    python benchmarks/damaged_files.py [--files 5000] [--seed 0] [--keep damaged-files]

Sound of every format, TextGrids, tables, configurations, encoders, batches and models
are damaged as tests/test_damaged_files.py does it: cut off, overwritten, with wrong
sizes, joined, exchanged. Each must be read, or refused with a `SiamlabError` that names
the file. Any other outcome is counted and printed, and the exit status is 1. The files
are read in a process of its own, which is started again if it crashes or hangs.
"""

import argparse
import collections
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
from _report import argument_parser, machine, publish, table

sys.path.append(str(Path(__file__).parents[1] / "tests"))
sys.path.append(str(Path(__file__).parents[1] / "tests/builders"))
import test_damaged_files as damaged
from test_damaged_files import DAMAGE, NAMES

OUTCOMES = ("read", "refused", "other error", "crash", "hang")
LIMIT_S = 20


def read_files(seed, first, n_files):
    """Damage and read files; print the outcome of each. Runs in the other process."""
    with (
        tempfile.TemporaryDirectory() as originals,
        tempfile.TemporaryDirectory() as folder,
    ):
        contents = damaged.originals(originals)
        for name, content in contents.items():  # imports take longer than reading
            damaged.check(Path(folder), name, content, "bytes inserted", 0, b"")
        print("ready", flush=True)
        for number in range(first, n_files):
            rng = np.random.default_rng([seed, number])
            name = NAMES[number % len(NAMES)]
            how = rng.choice(list(DAMAGE)), rng.random(), rng.bytes(100)
            try:
                was_read = damaged.check(Path(folder), name, contents[name], *how)
                print("read" if was_read else "refused", flush=True)
            except Exception as error:
                print(f"{number}: {name}, {how}: {error!r}", file=sys.stderr)
                print("other error", flush=True)


def outcomes(arguments):
    """Yield the outcome of each file; start a new process after a crash or a hang."""
    done = 0
    while done < arguments.files:
        options = f"--files={arguments.files}", f"--seed={arguments.seed}"
        command = [sys.executable, __file__, *options, f"--first={done}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            if not process.stdout.readline():
                raise SystemExit("the undamaged files could not be written")
            line = "read"
            while line and done < arguments.files:
                timer = threading.Timer(LIMIT_S, process.kill)
                timer.start()
                line = process.stdout.readline().strip()
                ended = "crash" if timer.is_alive() else "hang"
                timer.cancel()
                yield line or ended
                done += 1


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.first is not None:
        return read_files(arguments.seed, arguments.first, arguments.files)
    counts = collections.defaultdict(collections.Counter)
    for number, outcome in enumerate(outcomes(arguments)):
        counts[NAMES[number % len(NAMES)]][outcome] += 1
    rows = [(name, *(counts[name][outcome] for outcome in OUTCOMES)) for name in NAMES]
    total = [sum(counts[name][outcome] for name in NAMES) for outcome in OUTCOMES]
    text = (
        f"{arguments.files:,} damaged files, seed {arguments.seed}. A hang takes over "
        f"{LIMIT_S} s.\n\n{table(('file', *OUTCOMES), [*rows, ('all', *total)])}"
        f"\n\n{machine('soundfile', 'av', 'pandas', 'keras')}."
    )
    publish(text, arguments.keep)
    return int(sum(total[2:]) > 0)


if __name__ == "__main__":
    sys.exit(main())
