"""All test programs: `programs()` gives name -> function that builds one."""

import importlib
import pathlib

from program import REGISTRY


def programs():
    """Import every file of programs; nothing is built before it is called.

    Returns
    -------
    dict
        Name -> function without arguments that returns a Program.
    """
    folder = pathlib.Path(__file__).parent
    for pattern in ("siamese_*.py", "ctc_*.py", "healthy_*.py"):
        for path in sorted(folder.glob(pattern)):
            importlib.import_module(path.stem)
    return dict(REGISTRY)
