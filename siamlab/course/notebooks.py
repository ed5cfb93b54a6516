"""Prepare, copy and open the notebooks."""

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import shutil
import signal
import sys
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from .._files import atomic_write, write_text
from .._version import __version__
from ..errors import StorageError

START = "notebooks/00_start_here.ipynb"
RECEIPT = ".siamlab-course.json"
_PACKAGE = Path(__file__).resolve().parents[1]


def start(seed=0):
    """Prepare a notebook: set figure style and random seeds, and silence TensorFlow.

    Figures are drawn with twice as many pixels as the page shows, so that they stay
    sharp when they are enlarged.

    Call it in the first cell, before ``import keras``.

    Parameters
    ----------
    seed : int
        Seed for Python, NumPy and Keras.

    Examples
    --------
    >>> import siamlab as sl
    >>> sl.course.start(seed=0)
    >>> import keras
    """
    from .. import plots
    from ..training import quiet_tensorflow

    plots.style()
    quiet_tensorflow()
    import keras
    from IPython import get_ipython
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    if get_ipython() is not None:
        set_matplotlib_formats("retina")

    keras.utils.set_random_seed(seed)


def notebooks_folder():
    """Return the folder of the notebooks, in a wheel or in a clone.

    Returns
    -------
    pathlib.Path
        The folder. To work on the notebooks, copy them first; see `copy`.

    Raises
    ------
    StorageError
        If this installation has no notebooks.

    Examples
    --------
    >>> sorted(path.name for path in notebooks_folder().glob("00*"))
    ['00_start_here.ipynb']
    """
    return _source() / "notebooks"


@dataclasses.dataclass(frozen=True)
class Copied:
    """Result of `copy`. Names are relative to the folder.

    Parameters
    ----------
    folder : pathlib.Path
        Your folder.
    written : tuple of str
        Files that are new, or that replaced an older version without changes of yours.
    kept : tuple of str
        Files that already existed and were not changed.
    beside : dict of str to str
        For files that you have changed and that have a new version: the name of the
        file that contains the new version.
    """

    folder: Path
    written: tuple = ()
    kept: tuple = ()
    beside: dict = dataclasses.field(default_factory=dict)


def copy(folder):
    """Copy the course to a folder, without overwriting files that you have changed.

    To update the folder, call it again with a newer version of siamlab. If a file that
    you have changed has a new version, the new version is written beside it, under a
    name that contains the version of siamlab.

    Parameters
    ----------
    folder : str or os.PathLike
        Your folder; it is created if necessary. Nothing is copied if it is the clone
        from which siamlab is imported.

    Returns
    -------
    Copied
        The files that were written, and the files that were kept.

    Raises
    ------
    StorageError
        If the folder cannot be written to, or this installation has no notebooks.
    """
    folder, source = Path(folder), _source()
    names = _names(source)
    if folder.resolve() == source:
        return Copied(folder, kept=tuple(names))
    # The checksum of the version of each file that was copied last. A file that still
    # has this checksum was not changed by the reader.
    before = _read_receipt(folder)
    receipt = dict(before)
    written, kept, beside = [], [], {}
    try:
        for name in names:
            new, present = _checksum(source / name), _checksum(folder / name)
            if new in (present, receipt.get(name)) and os.path.lexists(folder / name):
                kept.append(name)
            elif not os.path.lexists(folder / name) or present == receipt.get(name):
                _write(source / name, folder / name)
                written.append(name)
            else:
                target = _free_name(folder, name)
                _write(source / name, folder / target)
                kept.append(name)
                beside[name] = target
            receipt[name] = new
    finally:
        # Also after Ctrl-C: the next call must know what was copied by then.
        if receipt != before:
            write_text(folder / RECEIPT, json.dumps(receipt, indent=1))
    return Copied(folder, tuple(written), tuple(kept), beside)


def open_lab(folder, options=(), *, browser=None, ready=None):
    """Open the first notebook in JupyterLab, which runs until Ctrl-C is pressed.

    JupyterLab accepts connections only from this machine and requires a token.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder with the course, as created by `copy`, or a clone.
    options : sequence of str, optional
        Options for JupyterLab. They override the defaults of siamlab.
    browser : bool, optional
        Whether to open a browser. By default, it opens if a display is available.
    ready : callable, optional
        Function ``ready(address, browser)`` that is called once: `address` contains the
        token, and `browser` is whether a browser was opened. By default, the address is
        printed.
    """
    # A kernel of the same name in the user's home must not come before ours.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    from jupyterlab.labapp import LabApp

    if browser is None:
        browser = _has_screen(sys.platform, os.environ)
    settings = [
        f"--ServerApp.root_dir={os.path.abspath(folder)}",
        "--ServerApp.ip=127.0.0.1",
        f"--IdentityProvider.token={secrets.token_hex(24)}",
        f"--ServerApp.open_browser={browser}",
        f"--LabApp.default_url=/lab/tree/{START}",
        # A hundred lines of startup messages would hide the address.
        "--Application.log_level=ERROR",
        # No dialog that asks whether news may be fetched from the network.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        # Root is usual inside a container; Jupyter would refuse to start there.
        "--ServerApp.allow_root=True",
    ]
    server = LabApp.initialize_server(argv=[*settings, *options])
    # Jupyter's own handler would ask for a confirmation.
    signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
    # The port is known once the loop runs: the usual one may be taken.
    server.io_loop.add_callback(
        lambda: (ready or _print_address)(_address(server), server.open_browser)
    )
    server.start()


def _source():
    """Find the folder that holds ``notebooks``: in the package, or around it."""
    # hatch_build.py puts the files of the course into the wheel.
    folders = _PACKAGE / "course_files", _PACKAGE.parent
    for folder in folders:
        if (folder / START).is_file():
            return folder
    raise StorageError(
        f"expected the notebooks in {folders[0]} (a wheel) or {folders[1]} (a clone), "
        "but found them in neither; reinstall siamlab, or clone the repository"
    )


def _names(source):
    """List the files of the course; names relative to the source, with "/"."""
    patterns = (_PACKAGE / "course_files.txt").read_text(encoding="utf-8").split()
    found = [path for pattern in patterns for path in sorted(source.glob(pattern))]
    return [path.relative_to(source).as_posix() for path in found if path.is_file()]


def _checksum(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _free_name(folder, name):
    """Add siamlab's version to a name, and a number where that name is taken."""
    stem, suffix = os.path.splitext(name)
    numbers = ("", *(f"-{k}" for k in range(2, 1000)))
    names = (f"{stem}-{__version__}{number}{suffix}" for number in numbers)
    return next(free for free in names if not os.path.lexists(folder / free))


def _write(source, path):
    with atomic_write(path) as temporary:
        shutil.copyfile(source, temporary)


def _read_receipt(folder):
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _has_screen(platform, environ):
    """Return whether a display is available for a browser."""
    if platform in ("darwin", "win32", "cygwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _address(server):
    query = urlencode({"token": server.identity_provider.token})
    return urlsplit(server.local_url)._replace(query=query).geturl()


def _print_address(address, browser):
    if browser:
        advice = "If no browser opens, open this address:"
    else:
        advice = "Open this address in a browser:"
    print(
        f"\nJupyterLab is running. Press Ctrl-C to stop it. "
        f"{advice}\n\n    {address}\n",
        flush=True,
    )
