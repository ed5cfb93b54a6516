"""Corpora that anybody may download."""

import contextlib
import logging
import shutil
import tempfile
from pathlib import Path

from .._progress import print_line
from ..errors import ArgumentError, CorpusError, StorageError
from ._archives import ARCHIVES, ELSEWHERE
from ._fetch import Resuming, unpack


def download(name, folder):
    """Download a corpus, and unpack it.

    What broke off goes on where it was when you call again, after a kill as well: the
    beginning is kept as ``NAME.part`` in the folder. The archive is compared with its
    checksum, unpacked under a temporary name, and removed.

    Parameters
    ----------
    name : str
        "librispeech/" and one of train-clean-100 (6.4 GB), train-clean-360,
        train-other-500, dev-clean (0.3 GB), dev-other, test-clean, test-other, or of
        the small ones for trying out, train-clean-5 and dev-clean-2 (0.1 GB);
        "fsdd" (12 MB).
    folder : str or os.PathLike
        Where it shall be; made if need be.

    Returns
    -------
    pathlib.Path
        The folder that ``siamlab.corpora.librispeech`` or ``fsdd`` takes. What is there
        already is not downloaded again.

    Raises
    ------
    CorpusError
        If it cannot be downloaded from here: says where it is, under which terms, and
        how it has to lie.
    ArgumentError
        If there is no such name.
    StorageError
        If the connection broke off, the disk is too small, or the file is another one.

    Examples
    --------
    >>> import siamlab as sl
    >>> root = sl.corpora.download(
    ...     "librispeech/test-other", "corpora"
    ... )  # doctest: +SKIP
    >>> corpus = sl.corpora.librispeech(root, "test-other")  # doctest: +SKIP
    """
    if name not in ARCHIVES and name.split("/")[0] in ELSEWHERE:
        raise CorpusError(
            f"{name} cannot be downloaded from here: {ELSEWHERE[name.split('/')[0]]}"
        )
    if name not in ARCHIVES:
        known = ", ".join([*ARCHIVES, *ELSEWHERE])
        raise ArgumentError(f"there is no corpus {name!r} to download; known: {known}")
    archive, folder = ARCHIVES[name], Path(folder)
    if not (folder / archive.to / archive.marker).is_dir():
        path = _fetch(name, archive, folder)
        _install(path, archive, folder)
        path.unlink()
    return folder / archive.root


def _fetch(name, archive, folder):
    """Bring the archive, whole and compared with its checksum."""
    import pooch

    path = folder / f"{name.replace('/', '-')}{_ending(archive.url)}"
    part = path.with_name(f"{path.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = sum(p.stat().st_size for p in (part, path) if p.exists())
        _check_space(archive, folder, there)
    except OSError as error:
        raise StorageError(
            f"cannot write to {folder} ({error.strerror}); choose another folder"
        ) from error
    if not path.exists():
        have = f", {_size(there)} of it are there" if there else ""
        print_line(
            f"{name}: {_size(archive.bytes)} to download{have} ({archive.license})"
        )
    try:
        with _quiet(pooch.get_logger()):
            pooch.retrieve(
                archive.url,
                f"sha256:{archive.sha256}",
                fname=path.name,
                path=folder,
                downloader=Resuming(part, archive.bytes),
            )
    except ValueError as error:  # pooch removes it
        raise StorageError(
            f"what came from {archive.url} has another checksum than {archive.sha256} "
            "and was removed; call again, or tell the authors of siamlab"
        ) from error
    return path


def _check_space(archive, folder, there):
    """Look for room for the archive and what is in it: sound is compressed already."""
    needed = 2 * archive.bytes - there
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"{folder} has {_size(free)} free; {_size(needed)} are needed while it is "
            "unpacked. Choose another folder"
        )


def _install(path, archive, folder):
    """Unpack beside the place where it shall be, then rename."""
    with tempfile.TemporaryDirectory(
        dir=folder, prefix=f"{path.name}.", suffix=".part"
    ) as temporary:
        unpack(path, Path(temporary))
        inside = Path(temporary, archive.inside)
        if not (inside / archive.marker).is_dir():
            raise StorageError(
                f"{path} holds no folder {archive.inside}/{archive.marker}; "
                "tell the authors of siamlab"
            )
        (folder / archive.to).mkdir(exist_ok=True)
        # What says that all is there comes last.
        for entry in sorted(inside.iterdir(), key=lambda p: p.name == archive.marker):
            target = folder / archive.to / entry.name
            if not target.exists():
                entry.rename(target)


@contextlib.contextmanager
def _quiet(logger):
    """Let pooch not say again what we said."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _ending(url):
    return ".zip" if url.endswith(".zip") else ".tar.gz"


def _size(count):
    """Bytes in a unit that one can imagine."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
