"""How long is it from a moved control to the new picture?

    python benchmarks/labs.py            every lab
    python benchmarks/labs.py 05 06      those of some notebooks

Runs the code cells of each notebook as far as its labs, so that each stands on the
notebook's own data, and moves every control through its values: in the kernel, from
the new value to the picture and the numbers that go to the browser. The maps that the
speaker explorer has to compute are among its moves.
"""

import argparse
import itertools
import os
import re
import time

import ipywidgets
import numpy as np
from _notebooks import NOTEBOOKS, cells_of
from _report import keep, machine, table

import siamlab as sl

HEAD = ("lab", "control", "moves", "median (ms)", "95 % below (ms)")
_MADE = re.compile(r"^(\w+) = sl\.labs\.(\w+)\(", re.MULTILINE)


def labs(path):
    """Labs of a notebook, made on its data, with their names."""
    os.chdir(path.parent)
    space = {"__name__": "__main__"}
    sources = cells_of(path)
    last = max((i for i, s in enumerate(sources) if _MADE.search(s)), default=-1)
    for source in sources[: last + 1]:
        exec(compile(source, path.name, "exec"), space)
        for variable, name in _MADE.findall(source):
            yield name, space[variable]


def values(control, moves):
    """Values to move a control through, each another one than before."""
    if isinstance(control, ipywidgets.FloatSlider | ipywidgets.IntSlider):
        kind = type(control.value)
        ends = control.min, control.max
        found = [kind(v) for v in np.linspace(*ends, moves)]
    elif isinstance(control, ipywidgets.Checkbox | ipywidgets.ToggleButton):
        found = [True, False]
    else:
        found = [value for _, value in control._options_full]
    found = itertools.islice(itertools.cycle(found), 1, moves + 1)
    return [value for value, _ in itertools.groupby(found)]


def milliseconds(lab, control, moves):
    """Time of each move that brought another picture."""
    found = []
    for value in values(control, moves):
        before = lab.image.value
        began = time.perf_counter()
        control.value = value
        passed = 1e3 * (time.perf_counter() - began)
        if lab.image.value != before:
            found.append(passed)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", help="beginnings of names; else all")
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument(
        "--keep", metavar="NAME", help="write results/NAME.md and .json"
    )
    arguments = parser.parse_args()
    chosen = tuple(arguments.notebooks) or ("",)
    rows, figures = [], {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not path.name.startswith(chosen) or "sl.labs." not in path.read_text():
            continue
        for name, lab in labs(path):
            every = []
            for control_name, control in lab._controls.items():
                times = milliseconds(lab, control, arguments.moves)
                figures[f"{name}.{control_name}"] = times
                every += times
                rows.append(line(name, control_name, times))
                print(*rows[-1], sep="  ", flush=True)
            lab.reset()
            rows.append(line(name, "all", every))
    text = "\n".join(
        [
            "From a control's new value to the picture and the numbers, in the kernel.",
            "",
            table(HEAD, rows),
            "",
            machine("ipywidgets", "matplotlib", "numpy") + ".",
        ]
    )
    print("\n" + text)
    if arguments.keep:
        keep(arguments.keep, text, figures)


def line(lab, control, times):
    """Lay out a row of the table."""
    middle, most = np.quantile(times, [0.5, 0.95])
    return lab, control, len(times), f"{middle:.0f}", f"{most:.0f}"


if __name__ == "__main__":
    sl.plots.style()
    main()
