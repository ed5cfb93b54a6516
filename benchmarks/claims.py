"""Do the claims of the notebooks hold with other seeds?

    python benchmarks/claims.py            all notebooks, five seeds
    python benchmarks/claims.py 04 05 --seeds 3

Runs the code cells of each notebook with all seeds changed: other voices, other splits,
other weights, other batches. A cell that fails does not end the run. For each cell with
an ``assert``, the table says how often it held.
"""

import json
import os
import re
import subprocess
import sys
from functools import partial

from _notebooks import NOTEBOOKS, cells_of
from _report import Runs, argument_parser, machine, publish, table

# The seed of an argument, and the global one.
_SEED = re.compile(r"(\bseed=|set_random_seed\()(\d+)")

_RUN = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_cell("import matplotlib; matplotlib.use('agg')")
held = []
for source in json.load(sys.stdin):
    found = shell.run_cell(source)
    held.append(found.success)
    shell.run_cell("import matplotlib.pyplot as _p; _p.close('all')")
print("\\n" + json.dumps(held))
"""


def run(path, seed):
    """Return whether each cell succeeded, with `seed` added to all its seeds."""

    def changed(match):
        return f"{match[1]}{int(match[2]) + seed}"

    sources = [_SEED.sub(changed, source) for source in cells_of(path)]
    found = subprocess.run(
        [sys.executable, "-c", _RUN],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        cwd=path.parent,
        env={**os.environ, "TQDM_DISABLE": "1"},
        check=False,
    )
    if found.returncode:
        raise SystemExit(f"{path.name} ended early:\n{found.stderr[-2000:]}")
    return json.loads(found.stdout.splitlines()[-1])


def claim(source):
    """Return what a cell prints when its claim holds, or its first line."""
    printed = re.findall(r'print\(\s*f?"([^"]*)"', source)
    return (printed or source.splitlines())[-1]


def main():
    parser = argument_parser(__doc__)
    parser.add_argument(
        "notebooks", nargs="*", help="beginnings of names; all by default"
    )
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    chosen = tuple(arguments.notebooks) or ("",)
    paths = [p for p in sorted(NOTEBOOKS.glob("*.ipynb")) if p.name.startswith(chosen)]
    lines, broken = [], []
    for path in paths:
        sources = cells_of(path)
        # Figures of an earlier version of the notebook are not used.
        runs = Runs(arguments.keep and f"{arguments.keep}-{path.stem}", sources)
        found = runs.run_seeds("cells", arguments.seeds, partial(run, path))
        for number, source in enumerate(sources):
            held = sum(cells[number] for cells in found)
            if "assert " in source:
                row = (path.stem[:2], claim(source), f"{held} of {len(found)}")
                lines.append(row)
                print(*row, sep="  ", flush=True)
            elif held < len(found):
                broken.append(f"{path.name}, cell {number + 1}: {held} of {len(found)}")
                print(broken[-1], flush=True)
    parts = [
        f"How often each claim held, over {arguments.seeds} seeds.",
        table(("notebook", "claim", "held"), lines),
        machine("tensorflow", "keras", "numpy", "umap-learn") + ".",
    ]
    if broken:
        parts.insert(2, "\n".join(["Cells that failed without a claim:", *broken]))
    publish("\n\n".join(parts), arguments.keep)


if __name__ == "__main__":
    main()
