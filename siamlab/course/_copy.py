"""A copy of the course that belongs to the reader.

A receipt in the folder says what each file was when it was copied. A file that is so
still may be replaced by a new edition; one that the reader has changed may not.
"""

import contextlib
import dataclasses
import itertools
import json
import os
import shutil
import stat
from pathlib import Path, PurePosixPath

from .._files import atomic_write, file_digest
from .._version import __version__
from ..errors import StorageError
from . import _files

RECEIPT = ".siamlab-course.json"


@dataclasses.dataclass(frozen=True)
class Copied:
    """What `copy` did; names are relative to the folder.

    Parameters
    ----------
    folder : pathlib.Path
        The reader's folder.
    written : tuple of str
        Files that are new, or of which there was an older edition.
    same : tuple of str
        Files that were there already.
    changed : tuple of str
        Files that the reader has changed. They are as they were.
    beside : dict of str to str
        For those among them of which there is a newer edition: where that lies.
    """

    folder: Path
    written: tuple = ()
    same: tuple = ()
    changed: tuple = ()
    beside: dict = dataclasses.field(default_factory=dict)


def copy(folder):
    """Copy the course to a folder; what the reader has changed there stays.

    A new edition of a changed file goes beside it, under a name with siamlab's version.
    The same call again, for example with a newer siamlab, brings the folder up to date.

    Parameters
    ----------
    folder : str or os.PathLike
        The reader's folder; it is made if need be. In a clone's own folder nothing is
        done.

    Returns
    -------
    Copied
        What is new, what was changed, and where its new edition is.

    Raises
    ------
    StorageError
        If the folder cannot be written to, or this installation has no notebooks.
    """
    folder, source = Path(folder), _files.root()
    names = _files.files(source)
    if folder.resolve() == source:
        return Copied(folder, same=tuple(names))
    before = _receipt(folder)
    receipt = dict(before)
    done: dict[str, list] = {"written": [], "same": [], "changed": []}
    beside = {}
    try:
        for name in names:
            steps = list(_place(source / name, folder, name, receipt))
            for target, step in steps:
                done[step].append(target)
            if len(steps) > 1:
                beside[name] = steps[-1][0]
    finally:
        # After Ctrl-C as well: what has been copied by then is known the next time.
        if receipt != before:
            _keep_receipt(folder, receipt)
    return Copied(
        folder, **{step: tuple(found) for step, found in done.items()}, beside=beside
    )


def _place(source, folder, name, receipt):
    """Put one file where it may be; yields each name that was tried, and what it is."""
    edition = file_digest(source)
    for target in _names(name):
        path = folder / target
        present = file_digest(path) if path.is_file() else None
        if present == edition:
            receipt[target] = edition
            yield target, "same"
            return
        untouched = present is not None and present == receipt.get(target)
        if untouched or not os.path.lexists(path):
            _write(source, path)
            receipt[target] = edition
            yield target, "written"
            return
        yield target, "changed"
        if receipt.get(target) == edition:
            return  # the reader works with this very edition


def _names(name):
    """Its own name, and names beside it."""
    yield name
    path = PurePosixPath(name)
    for k in itertools.count(1):
        edition = __version__ if k == 1 else f"{__version__}-{k}"
        yield str(path.with_name(f"{path.stem}-{edition}{path.suffix}"))


def _write(source, path):
    try:
        with atomic_write(path) as temporary:
            shutil.copyfile(source, temporary)
            # As readable for others as it is in the package, and ours to change.
            mode = stat.S_IMODE(source.stat().st_mode) | stat.S_IWUSR
            temporary.chmod(mode)
    except OSError as error:
        raise StorageError(
            f"cannot write {path} ({error.strerror}); choose another folder, or free "
            "some space"
        ) from error


def _receipt(folder):
    """{name: digest of what was copied there}; nothing if it is lost or damaged."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _keep_receipt(folder, receipt):
    with atomic_write(folder / RECEIPT) as temporary:
        temporary.write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")
