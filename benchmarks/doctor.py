"""How many faults does the doctor find, and how many false alarms does it raise?

    python benchmarks/doctor.py [--only WORD] [--workers 2] [--keep doctor]

All programs of tests/faults are examined: those with a fault, their healthy twins,
which differ only in the fault, and healthy programs of other kinds. Recall is over the
faults that a program was written to have. A false alarm is any finding on a healthy
program. Other findings on a faulty program are counted separately, because one mistake
often causes another.

Each examination is saved in results/NAME.json. An interrupted run resumes, as long as
neither the library nor a program has changed.
"""

import collections
import multiprocessing
import statistics
import sys
import time
import warnings
from pathlib import Path

from _report import Runs, argument_parser, machine, publish, table

from siamlab import _files

ROOT = Path(__file__).parents[1]
FAULTS = ROOT / "tests" / "faults"


def examine(name):
    """Build one program, examine it, and return what was found."""
    sys.path.insert(0, str(FAULTS))
    from corpus import programs

    import siamlab as sl

    program = programs()[name]()
    facts = {k: v for k, v in program.arrays.items() if k in sl.doctor.FACTS}
    if program.distance is not None:
        facts["distance"] = program.distance
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = sl.doctor.examine(
            program.model,
            program.batch,
            loss=program.loss,
            metrics=list(program.metrics) or None,
            optimizer=program.optimizer,
            kind=program.kind,
            extractor=program.extractor,
            pairs=program.pairs,
            **facts,
        )
    return {
        "kind": program.kind,
        "faults": sorted(program.faults),
        "also": sorted(program.also),
        "found": {f.code: f.evidence for f in report.findings},
        "order": list(report.passed),
        "seconds": round(time.perf_counter() - start, 2),
    }


def _named(name):
    return name, examine(name)


def names():
    """Return the names of all programs, without building one."""
    sys.path.insert(0, str(FAULTS))
    from corpus import programs

    return list(programs())


def edition():
    """Return a checksum of the code that a result depends on."""
    files = [*(ROOT / "siamlab").rglob("*.py"), *FAULTS.glob("*.py")]
    return _files.digest(*(path.read_bytes() for path in sorted(files)))


def by_number(code):
    """Return the sort key of a code: S before C, then by number."""
    return code[0] != "S", int(code[1:])


def figures(runs):
    """Count by code."""
    count = collections.defaultdict(collections.Counter)
    for run in runs.values():
        healthy = not run["faults"]
        for code in run["faults"]:
            count[code]["programs"] += 1
            count[code]["found"] += code in run["found"]
        for code in [*run["order"], *run["found"]]:
            if healthy:
                count[code]["healthy"] += 1
        for code in run["found"]:
            if healthy:
                count[code]["alarms"] += 1
            elif code not in run["faults"]:
                count[code]["also" if code in run["also"] else "beside"] += 1
    return count


def report(runs):
    """Format the counts, with a row for each rule and one for all."""
    count = figures(runs)
    columns = ("programs", "found", "healthy", "alarms", "also", "beside")
    rows = [
        [code, *(count[code][column] for column in columns)]
        for code in sorted(count, key=by_number)
    ]
    total = [sum(row[k] for row in rows) for k in range(1, 7)]
    rows.append(["all", *total])
    faulty = sum(bool(run["faults"]) for run in runs.values())
    healthy = len(runs) - faulty
    alarmed = sum(bool(r["found"]) for r in runs.values() if not r["faults"])
    missed = [
        f"{name}: {', '.join(c for c in run['faults'] if c not in run['found'])}"
        for name, run in runs.items()
        if any(c not in run["found"] for c in run["faults"])
    ]
    false = [
        f"{name}: {', '.join(run['found'])}"
        for name, run in runs.items()
        if not run["faults"] and run["found"]
    ]
    head = ["code", "faulty", "found", "healthy, examined", "false alarms"]
    head += ["also found, expected", "also found, unexpected"]
    seconds = [run["seconds"] for run in runs.values()]
    lines = [
        table(head, rows),
        "",
        f"{faulty} faulty programs with {total[0]} faults, {healthy} healthy ones. "
        f"Recall {total[1] / total[0]:.3f}; healthy programs with a false alarm: "
        f"{alarmed} of {healthy}. Precision over the intended faults and the alarms on "
        f"healthy programs: {total[1] / (total[1] + total[3]):.3f}.",
        "",
        f"Seconds for a program: median {statistics.median(seconds):.1f}, at most "
        f"{max(seconds):.1f}.",
    ]
    if missed:
        lines += ["", "Missed:", "", *(f"- {line}" for line in missed)]
    if false:
        lines += ["", "False alarms:", "", *(f"- {line}" for line in false)]
    return "\n".join(lines)


def main():
    """Examine, and print the table."""
    parser = argument_parser(__doc__)
    parser.add_argument("--only", help="programs whose name contains this")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    kept = Runs(arguments.keep, {"code": edition()})
    chosen = [n for n in names() if not arguments.only or arguments.only in n]
    known = kept.known()
    runs = {name: known[name]["0"] for name in chosen if name in known}
    waiting = [name for name in chosen if name not in known]
    context = multiprocessing.get_context("spawn")
    # Processes are replaced, because TensorFlow keeps everything that it compiled.
    with context.Pool(arguments.workers, maxtasksperchild=40) as pool:
        for name, run in pool.imap_unordered(_named, waiting):
            runs[name] = kept.run(name, 0, lambda run=run: run)
            print(f"\r{len(runs)} of {len(chosen)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    runs = {name: runs[name] for name in chosen}
    text = "\n".join([machine("keras", "tensorflow"), "", report(runs)])
    publish(text, arguments.keep)


if __name__ == "__main__":
    main()
