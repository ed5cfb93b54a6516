"""Damaged files of every kind that siamlab reads: what becomes of the process?

    python benchmarks/fuzz.py [--files 5000] [--only FAMILY ...] [--keep fuzz]

Sound, Praat TextGrids, tables, archives, encoders, models and batches, configurations,
runs and the cache: whole files are made, and damaged as transports, disks, editors and
bad wishes do (benchmarks/_fuzz). Each is read through the functions that a person
calls, in a process that another one watches. It must be read, or refused with a
`SiamlabError`: no other exception, no crash, no hang, nothing written outside of the
chosen folder, nothing run, no more memory than allowed.

What should not have been is printed at the end, and kept with ``--failures FOLDER``.
"""

import argparse
import collections
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from _fuzz import watch, wholes
from _report import keep, machine, table

SECONDS, MEGABYTES = 20.0, 1024.0
_FINE = 0.85  # share of files that are damaged while they are fine
_OTHERS = 0.03  # share of files that hold what is of another kind


def cases(families, files, seed):
    """Make cases: first what wishes ill, as it is, then damage.

    Parameters
    ----------
    families : dict of list of Whole to float
        Their shares, as a list of pairs.
    files, seed : int
        How many, and which. A case depends on both and on its number.

    Yields
    ------
    Case
    """
    everything = [whole for family, _ in families for whole in family]
    ill = [whole for whole in everything if whole.ill][:files]
    for index, whole in enumerate(ill):
        yield whole.case(index)
    shares = np.array([share for _, share in families], dtype=float)
    for index in range(len(ill), files):
        rng = np.random.default_rng((seed, index))
        family, _ = families[rng.choice(len(families), p=shares / shares.sum())]
        fine = [whole for whole in family if not whole.ill]
        chosen = fine if rng.random() < _FINE else family
        whole = chosen[rng.integers(len(chosen))]
        if rng.random() < _OTHERS:
            other = everything[rng.integers(len(everything))]
            yield whole.case(index, f"holds {other.target}", other.content)
        else:
            yield whole.case(index, *whole.damage(whole.content, rng))


def first_of_each(families):
    """A whole file for each reader: its process reads it first."""
    found = {}
    for family, _ in families:
        for whole in family:
            case = whole.case()
            if not whole.ill:
                found.setdefault(case.reader, case)
    return found


def figures(found):
    """Counts of verdicts by kind."""
    count = collections.defaultdict(lambda: dict.fromkeys(watch.VERDICTS, 0))
    for each in found:
        count[each.case.kind][each.verdict] += 1
    return {kind: dict(row) for kind, row in sorted(count.items())}


def report(found, seed):
    """Lay the counts out."""
    count = figures(found)
    rows = [
        (kind, sum(row.values()), *(row[v] for v in watch.VERDICTS))
        for kind, row in count.items()
    ]
    sums = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
    head = ("kind", "files", *watch.VERDICTS)
    slow, large = (max(getattr(f, n) for f in found) for n in ("seconds", "mb"))
    return "\n".join(
        [
            f"{len(found):,} damaged files, seed {seed}; at most {SECONDS:g} s of the "
            f"processor and {MEGABYTES:g} MB for each. The slowest took {slow:.1f} s "
            f"by the clock, the largest {large:.0f} MB.",
            "",
            table(head, [*rows, ("all", *sums)]),
            "",
            machine("soundfile", "av", "praatio", "pandas", "keras", "h5py") + ".",
        ]
    )


def save(failures, folder):
    """Keep what should not have been, to look into it."""
    for each in failures:
        case = each.case
        place = Path(folder, f"{case.index:06d}-{each.verdict}")
        for name, content in {**case.tree, case.target: case.content}.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        (place / "said.txt").write_text(str(each), "utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    names = [make.__name__ for make in wholes.FAMILIES]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--failures", metavar="FOLDER", help="what should not be")
    parser.add_argument("--keep", metavar="NAME", help="write results/NAME.md, .json")
    arguments = parser.parse_args()
    families = [
        (list(make()), share)
        for make, share in wholes.FAMILIES.items()
        if make.__name__ in arguments.only
    ]
    sandbox = tempfile.mkdtemp()
    found = []
    try:
        for each in watch.watch(
            cases(families, arguments.files, arguments.seed),
            sandbox,
            wholes=first_of_each(families),
            workers=arguments.workers,
            seconds=SECONDS,
            megabytes=MEGABYTES,
        ):
            found.append(each)
            if each.verdict not in watch.ALLOWED:
                print(f"{each.verdict}: {each}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(sandbox, ignore_errors=True)
    failures = [each for each in found if each.verdict not in watch.ALLOWED]
    if arguments.failures:
        save(failures, arguments.failures)
    text = report(found, arguments.seed)
    print(text)
    if arguments.keep:
        settings = {"files": arguments.files, "seed": arguments.seed}
        keep(arguments.keep, text, {**settings, "verdicts": figures(found)})
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
