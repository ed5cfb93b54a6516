"""What all benchmarks share: tables, the machine, and saved results."""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
from functools import partial
from pathlib import Path

from siamlab import _files

RESULTS = Path(__file__).with_name("results")


def argument_parser(description):
    """Return a parser with ``--keep``, described by the first line of a docstring."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--keep", metavar="NAME", help="write results/NAME.md (.json)")
    return parser


def machine(*packages):
    """Describe processor, cores, system, versions and date in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [x for x in cpuinfo.read_text().splitlines() if "model name" in x]
        model = names[0].split(":", 1)[1].strip() if names else model
    versions = [f"{p} {importlib.metadata.version(p)}" for p in packages]
    return ", ".join(
        [
            f"{os.cpu_count()} cores of {model}",
            f"{platform.system()}, Python {platform.python_version()}",
            *versions,
            datetime.date.today().isoformat(),
        ]
    )


def table(head, rows):
    """Format rows as a Markdown table."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    width = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, width, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in width) + "|")
    return "\n".join(lines)


class Runs:
    """Figures of single runs, saved after each, so that a benchmark can be resumed.

    Delete ``results/NAME.json`` to start from the beginning.
    """

    def __init__(self, name, settings):
        self._path = RESULTS / f"{name}.json" if name else None
        self._content = {"settings": settings, "runs": {}}
        if self._path is not None and self._path.exists():
            saved = json.loads(self._path.read_text("utf-8"))
            if saved.get("settings") == json.loads(json.dumps(settings)):
                self._content = saved

    def run(self, row, seed, function):
        """Return the figures of a row's seed, measured now or earlier."""
        runs = self._content["runs"].setdefault(row, {})
        if str(seed) not in runs:
            runs[str(seed)] = function()
            self._write()
        return runs[str(seed)]

    def run_seeds(self, row, n_seeds, function):
        """Return the figures of all seeds of a row: ``function(seed)``."""
        return [self.run(row, seed, partial(function, seed)) for seed in range(n_seeds)]

    def known(self):
        """Return the figures that were saved earlier, by row and seed."""
        return dict(self._content["runs"])

    def _write(self):
        if self._path is not None:
            self._path.parent.mkdir(exist_ok=True)
            content = json.dumps(self._content, indent=1, sort_keys=True) + "\n"
            with _files.atomic_write(self._path) as temporary:
                temporary.write_text(content, encoding="utf-8")


def publish(text, name, figures=None):
    """Print a result, and write it to results/NAME.md, with its figures in NAME.json.

    Nothing is written without a name. Figures of `Runs` are saved already.
    """
    print(f"\n{text}")
    if not name:
        return
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text + "\n", encoding="utf-8")
    if figures is not None:
        content = json.dumps(figures, indent=1, sort_keys=True) + "\n"
        (RESULTS / f"{name}.json").write_text(content, encoding="utf-8")
