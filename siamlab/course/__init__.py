"""The course: its notebooks and the checks of its exercises.

- `start`: prepare a notebook; called in the first cell of each.
- `check`: check an answer to an exercise.
- `faulty_program`: build a program with a fault, to be diagnosed (notebook 13).
- `notebooks_folder`: find the notebooks of this installation.
- `copy`, `Copied`: copy the course to a folder without overwriting your changes.
- `open_lab`: open the course in JupyterLab.

``siamlab lab`` copies the course and opens it.
"""

import lazy_loader

# `start` imports TensorFlow without its startup messages, so nothing may before it.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
