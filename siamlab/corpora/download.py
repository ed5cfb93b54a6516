"""Download corpora that are free to download.

- `download`: download an archive, verify its checksum, unpack it.

``downloads.yaml`` lists the archives.
"""

import functools
import shutil
import tarfile
import types
import zlib
from importlib import resources
from pathlib import Path

from .._progress import format_size, print_line, progress_bar
from ..errors import ArgumentError, CorpusError, StorageError


def download(name, folder):
    """Download a corpus and unpack it.

    The size and the license are printed first. The checksum of the archive is verified;
    then the archive is unpacked under a temporary name and deleted. An interrupted
    download restarts from the beginning; an interrupted extraction reuses the archive.

    Parameters
    ----------
    name : str
        "librispeech/" followed by train-clean-100 (6.4 GB), train-clean-360,
        train-other-500, dev-clean (0.3 GB), dev-other, test-clean, test-other, or one
        of the small subsets train-clean-5 and dev-clean-2 (0.1 GB); or "fsdd" (12 MB).
    folder : str or os.PathLike
        Where to put the corpus; created if necessary.

    Returns
    -------
    pathlib.Path
        The folder to pass to ``siamlab.corpora.librispeech`` or ``fsdd``. A corpus that
        already exists is not downloaded again.

    Raises
    ------
    CorpusError
        If the corpus is not free to download. The message says where to get it, under
        which license, and how to arrange its files.
    ArgumentError
        If there is no corpus with this name.
    StorageError
        If the connection fails, the checksum differs, the disk is too small, or the
        archive has a member that would be written outside the folder.

    Examples
    --------
    >>> import siamlab as sl
    >>> root = sl.corpora.download(
    ...     "librispeech/test-other", "corpora"
    ... )  # doctest: +SKIP
    >>> corpus = sl.corpora.librispeech(root, "test-other")  # doctest: +SKIP
    """
    archives, elsewhere = _registry()
    corpus = name.split("/")[0]
    if name not in archives and corpus in elsewhere:
        raise CorpusError(
            f"siamlab cannot download {corpus}. To get it: {elsewhere[corpus]}"
        )
    if name not in archives:
        raise ArgumentError(
            f"name must be one of {', '.join(archives)}; got {name!r}. "
            f"For {', '.join(elsewhere)}, download tells where to get them"
        )
    archive, folder = archives[name], Path(folder)
    if not (folder / archive.folder / archive.marker).is_dir():
        work = folder / f"{name.replace('/', '-')}.part"
        try:
            path = _fetch(name, archive, work)
            _unpack(path, work / "unpacked")
            _install(archive, work / "unpacked", folder)
            shutil.rmtree(work)
        except OSError as error:
            raise StorageError(
                f"cannot write to {folder} ({error}); choose another folder, or free "
                "some space"
            ) from error
    return folder / archive.folder


@functools.cache
def _registry():
    """Read the archives by name, and where to get other corpora."""
    import yaml

    text = (resources.files(__package__) / "downloads.yaml").read_text("utf-8")
    found = yaml.safe_load(text)
    entries = found["archives"].items()
    archives = {name: types.SimpleNamespace(**entry) for name, entry in entries}
    return archives, found["elsewhere"]


def _fetch(name, archive, work):
    """Download an archive unless a complete one is there; verify its checksum."""
    import pooch
    import requests

    path = work / "archive.tar.gz"
    # The unpacked files need as much as the archive: the audio in it is compressed.
    needed = archive.size * (1 if path.exists() else 2)
    work.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(work.parent).free
    if free < needed:
        raise StorageError(
            f"the disk of {work.parent} has {format_size(free)} free, but the archive "
            f"and its files need {format_size(needed)}. Choose another disk"
        )
    if not path.exists():
        shutil.rmtree(work, ignore_errors=True)  # of an interrupted download
        size = format_size(archive.size)
        print_line(f"downloading {name}: {size}, license {archive.license}")
    bar = progress_bar(None, total=archive.size, description=name, unit="B")
    pooch.get_logger().disabled = True  # its lines repeat ours
    try:
        with bar:
            pooch.retrieve(
                archive.url,
                f"sha256:{archive.sha256}",
                fname=path.name,
                path=work,
                downloader=pooch.HTTPDownloader(progressbar=bar, chunk_size=2**20),
            )
    except requests.RequestException as error:
        raise StorageError(
            f"the download of {archive.url} failed ({error}). Try again later; the "
            "download will start from the beginning"
        ) from error
    except ValueError as error:  # pooch has deleted the file
        raise StorageError(
            f"the file from {archive.url} does not have the SHA-256 checksum "
            f"{archive.sha256} and was deleted. Try again, or report it as an issue"
        ) from error
    finally:
        pooch.get_logger().disabled = False
    return path


def _unpack(path, folder):
    """Unpack an archive; no member may be written outside the folder."""
    if not hasattr(tarfile, "data_filter"):
        raise StorageError("unpacking needs Python 3.11.4 or later; update Python")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise StorageError(
            f"{path} cannot be unpacked ({error}), and none of its files were used. "
            "Delete it and try again, or report it as an issue"
        ) from error


def _install(archive, unpacked, folder):
    """Move the unpacked files to their place; existing files are kept."""
    top = unpacked / archive.top
    target = folder / archive.folder
    target.mkdir(exist_ok=True)
    # The marker comes last: it says that everything else is there.
    for entry in sorted(top.iterdir(), key=lambda path: path.name == archive.marker):
        if not (target / entry.name).exists():
            entry.rename(target / entry.name)
