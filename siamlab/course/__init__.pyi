from .checking import Checked, check
from .faulty_programs import faulty_program
from .notebooks import START, Copied, copy, notebooks_folder, open_lab, start

__all__ = [
    "START",
    "Checked",
    "Copied",
    "check",
    "copy",
    "faulty_program",
    "notebooks_folder",
    "open_lab",
    "start",
]
