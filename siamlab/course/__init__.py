"""The course: its notebooks and the checks of its exercises.

- `start`: prepare a notebook; called in the first cell of each.
- `check`: check an answer to an exercise.
- `notebooks_folder`: find the notebooks of this installation.
- `copy`, `Copied`: copy the course to a folder without overwriting your changes.
- `open_lab`: open the course in JupyterLab.

``siamlab lab`` copies the course and opens it.
"""

from .checking import Checked, check
from .notebooks import START, Copied, copy, notebooks_folder, open_lab, start

__all__ = [
    "START",
    "Checked",
    "Copied",
    "check",
    "copy",
    "notebooks_folder",
    "open_lab",
    "start",
]
