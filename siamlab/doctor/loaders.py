"""Handing a broken file to a program's loader."""

import contextlib
import io
import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np

from .rule import NotExamined


class _Listener(logging.Handler):
    def __init__(self):
        super().__init__()
        self.heard = 0

    def emit(self, record):
        self.heard += 1


def hides_broken(loader, files=None, broken=None):
    """Ask whether a loader lets a broken file disappear.

    Parameters
    ----------
    loader : callable
        List of files -> something for each.
    files : list, optional
        That can be read.
    broken : path, optional
        Made, if it is not given.

    Returns
    -------
    tuple of (float, str) or None
    """
    files = list(files or [])
    with tempfile.TemporaryDirectory() as folder:
        if broken is None:
            suffix = Path(str(files[0])).suffix if files else ".wav"
            broken = Path(folder) / f"broken{suffix}"
            broken.write_bytes(b"this is no sound")
            if files and isinstance(files[0], str):
                broken = str(broken)
        if isinstance(broken, list | tuple):
            broken = broken[0]
        if files:
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    fine = _count(loader(list(files)))
            except Exception as error:
                raise NotExamined(f"loader= fails on its own files: {error}") from error
        raised, said, found = _listen(loader, [*files, broken])
    if raised or said:
        return None
    if files and found is not None and fine is not None and found != fine:
        if found > len(files):
            what = "something is given for a file that cannot be read"
        else:
            what = f"{len(files) + 1} files, one of them broken, give {found} results"
    else:
        what = "a broken file is left out"
    return 1.0, f"{what}, and nothing is raised, warned, logged or printed"


def _count(result):
    if isinstance(result, tuple) and result and not np.isscalar(result[0]):
        result = result[0]
    try:
        return len(result)
    except TypeError:
        try:
            return len(list(result))
        except TypeError:
            return None


def _listen(loader, files):
    """(whether it raised, whether it said anything, how many results it gave)."""
    listener = _Listener()
    root = logging.getLogger()
    root.addHandler(listener)
    out, err = io.StringIO(), io.StringIO()
    found = None
    try:
        with (
            warnings.catch_warnings(record=True) as warned,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            warnings.simplefilter("always")
            try:
                found = _count(loader(files))
            except Exception:
                return True, False, None
    finally:
        root.removeHandler(listener)
    name = Path(str(files[-1])).name
    printed = out.getvalue() + err.getvalue()
    said = any(
        word in printed.lower()
        for word in (
            name.lower(),
            "broken",
            "fail",
            "error",
            "skip",
            "cannot",
            "could not",
        )
    )
    warned = [w for w in warned if not issubclass(w.category, DeprecationWarning)]
    return False, bool(said or warned or listener.heard), found
