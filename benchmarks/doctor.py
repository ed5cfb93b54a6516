"""How many faults does the doctor find, and how many false alarms does it raise?

    python benchmarks/doctor.py [--only WORD] [--keep doctor]

All programs of tests/doctor are examined: healthy ones of many kinds, and the same
programs with one change, which is a fault. Recall is over the changes. A false alarm
is a fatal or serious finding on a healthy program; on a changed one, a finding that the
change does not explain is counted as well. Each examination is saved, and an
interrupted run continues, as long as neither the library nor a program has changed.
"""

import collections
import statistics
import sys
import time
import warnings
from functools import partial
from pathlib import Path

from _report import Runs, argument_parser, machine, publish, table

ROOT = Path(__file__).parents[1]
HEAD = (
    "check",
    "changed programs",
    "found",
    "first",
    "healthy programs",
    "false alarms",
)


def examine(build):
    """Build one program, examine it, and return what was found."""
    import siamlab as sl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = build()
        start = time.perf_counter()
        report = sl.doctor.examine(program.model, program.batch, **program.options)
    serious = {f.code for f in report.findings if f.severity != "minor"}
    return {
        "expected": program.expected,
        "found": list(report.codes),
        "unexplained": sorted(serious - program.allowed),
        "passed": list(report.passed),
        "seconds": round(time.perf_counter() - start, 2),
    }


def stamp():
    """Return the sizes and times of the files on which the results depend."""
    folders = ROOT / "siamlab" / "doctor", ROOT / "tests" / "doctor"
    files = sorted(p for folder in folders for p in folder.rglob("*.py"))
    return [f"{p.relative_to(ROOT)} {p.stat().st_size}" for p in files]


def lines(found, codes):
    """Yield a line of the table for each check."""
    healthy = [r for r in found.values() if not r["expected"]]
    for code in codes:
        changed = [r for r in found.values() if r["expected"] == code]
        hits = [r for r in changed if code in r["found"]]
        first = sum(r["found"][0] == code for r in hits)
        applied = [r for r in healthy if code in (*r["passed"], *r["found"])]
        alarms = sum(code in r["found"] for r in applied)
        yield code, len(changed), len(hits), first, len(applied), alarms


def describe(found):
    """Return the misses, and the findings that nothing explains."""
    for name, result in found.items():
        expected = result["expected"]
        if expected and expected not in result["found"]:
            yield f"- missed: {name} ({expected}); found: {', '.join(result['found'])}"
        if result["unexplained"]:
            yield f"- not explained: {name}: {', '.join(result['unexplained'])}"


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--only", default="", metavar="WORD", help="programs with it")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "doctor"))
    import ctc_programs  # noqa: F401
    import siamese_programs  # noqa: F401
    from corpus import PROGRAMS

    import siamlab as sl

    runs, found = Runs(arguments.keep, {"files": stamp()}), {}
    for name in sorted(PROGRAMS):
        if arguments.only in name:
            found[name] = runs.run(name, 0, partial(examine, PROGRAMS[name]))
    changed = [r for r in found.values() if r["expected"]]
    hits = [r for r in changed if r["expected"] in r["found"]]
    n_healthy = len(found) - len(changed)
    alarms = sum(bool(r["unexplained"]) for r in found.values() if not r["expected"])
    first = sum(r["found"][0] == r["expected"] for r in hits)
    seconds = [r["seconds"] for r in found.values()]
    severe = collections.Counter(bool(r["unexplained"]) for r in changed)[True]
    parts = [
        f"{len(found)} programs. Found: {len(hits)} of {len(changed)} changes; {first} "
        f"of them first in the report. False alarms: {alarms} of {n_healthy} healthy "
        f"programs; findings that the change does not explain: on {severe} changed "
        f"ones. Seconds: median {statistics.median(seconds):.1f}, most "
        f"{max(seconds):.1f}.",
        table(HEAD, lines(found, sl.doctor.CHECKS)),
        "\n".join(describe(found)),
        machine("tensorflow", "keras", "numpy") + ".",
    ]
    publish("\n\n".join(filter(None, parts)), arguments.keep)


if __name__ == "__main__":
    main()
