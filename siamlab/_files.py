"""Files that are kept: written whole or not at all, and checked when read.

- `atomic_write`, `atomic_folder`: a file or a folder appears under its name only
  when it is complete.
- `check_zip`: refuse an archive that is damaged, or made to fill the memory.
- `digest`: a short, stable name for what something is made from.
- `cache_folder`, `Kept`: arrays on disk, keyed by what they were made from.
- `open_array`: an array on disk, mapped.
- `cache_entries`, `clear_cache`: what ``siamlab cache`` shows and clears.

A run that is killed leaves a file with a temporary name behind, never half an
entry; a damaged entry fails its checksum and is made again.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import threading
import uuid
import zipfile
from pathlib import Path

import numpy as np

from .errors import StorageError

__all__ = [
    "Kept",
    "cache_entries",
    "cache_folder",
    "check_zip",
    "clear_cache",
    "digest",
    "file_digest",
    "open_array",
    "atomic_write",
    "atomic_folder",
]

# Behind the array's own bytes stand this mark and a checksum of them. NumPy reads
# a .npy file up to its end and no further, so the file stays an ordinary .npy.
_MARK = b"siamlab1"
_CHECKSUM_BYTES = 16
_TRAILER = len(_MARK) + _CHECKSUM_BYTES
_TEMPORARY = ".part"


@contextlib.contextmanager
def atomic_write(path):
    """Write a file under a temporary name, then rename it.

    Parameters
    ----------
    path : str or os.PathLike
        Where the finished file shall be; missing folders are made.

    Yields
    ------
    pathlib.Path
        The temporary name to write to, in the same folder.

    Raises
    ------
    StorageError
        If the folder cannot be made or written to.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_write(folder / "note.txt") as temporary:
    ...     _ = temporary.write_text("done")
    >>> [p.name for p in folder.iterdir()]
    ['note.txt']
    """
    path = Path(path)
    temporary = _temporary(lambda name: name.touch(exist_ok=False), path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path):
    """Fill a folder under a temporary name, then rename it.

    Parameters
    ----------
    path : str or os.PathLike
        Where the finished folder shall be. If it is there by then, because another
        process was quicker, that one stays and this one is dropped.

    Yields
    ------
    pathlib.Path
        An empty folder, beside it.

    Raises
    ------
    StorageError
        If the folder cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "notes"
    >>> with atomic_folder(path) as temporary:
    ...     _ = (temporary / "note.txt").write_text("done")
    >>> [p.name for p in path.iterdir()]
    ['note.txt']
    """
    path = Path(path)
    temporary = _temporary(Path.mkdir, path)
    try:
        yield temporary
        # Not onto a folder that holds something.
        with contextlib.suppress(OSError):
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary(make, path):
    """Make a temporary file or folder beside a path.

    With the permissions that the person's other files have: those of the module
    tempfile are for nobody else, and stay so when the file is renamed.
    """
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}{_TEMPORARY}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        make(temporary)
        return temporary
    except OSError as error:
        raise StorageError(
            f"cannot write to {path.parent} ({error.strerror}); choose another "
            "folder, or free some space"
        ) from error


# Of a file that was made to fill the memory of whoever opens it. Arrays of speech are
# packed to a tenth at best.
_BOMB_BYTES, _BOMB_RATIO = 2**28, 100


def check_zip(path):
    """Refuse a ZIP archive that is damaged, or made to fill the memory.

    To be asked before a library reads what is in it by itself: not all of them compare
    checksums, and not all survive what is damaged.

    Parameters
    ----------
    path : str or os.PathLike
        A .keras or .npz file, say.

    Raises
    ------
    StorageError
        If it is no such archive, the checksum of a member is wrong, or if it would
        unpack to over 256 MB and to over a hundred times its size.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.npz"
    >>> np.savez(path, x=np.zeros(3))
    >>> check_zip(path)
    """
    try:
        size = os.path.getsize(path)
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > max(_BOMB_BYTES, _BOMB_RATIO * size):
                raise StorageError(
                    f"{path} would unpack from {size:,} to {unpacked:,} bytes; it was "
                    "made to fill the memory. Do not open it"
                )
            damaged = archive.testzip()
    except StorageError:
        raise
    except Exception as error:  # a damaged archive raises one of many
        raise StorageError(f"{path} is damaged ({error}); copy it again") from error
    if damaged is not None:
        raise StorageError(
            f"{path} is damaged: {damaged} has another checksum; copy it again"
        )


def digest(*parts):
    """Name something by what it is made from.

    Parameters
    ----------
    *parts : object
        Anything that JSON can hold, or bytes.

    Returns
    -------
    str
        32 hexadecimal digits (BLAKE2b), the same on every machine.

    Examples
    --------
    >>> digest("a", 1) == digest("a", 1), digest("a", 1) == digest("a", 2)
    (True, False)
    """
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        if not isinstance(part, bytes):
            part = json.dumps(part, sort_keys=True, ensure_ascii=False).encode()
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def file_digest(path):
    """Name a file by its content.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    str
        32 hexadecimal digits (BLAKE2b).
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=16)
        ).hexdigest()


def cache_folder(kind=None):
    """Say where siamlab keeps what it can make again.

    Parameters
    ----------
    kind : str, optional
        A folder inside: "features", "voices".

    Returns
    -------
    pathlib.Path
        ``$SIAMLAB_CACHE``, or else the platform's user cache folder. It need not
        exist yet.
    """
    import platformdirs

    chosen = os.environ.get("SIAMLAB_CACHE")
    root = Path(chosen) if chosen else platformdirs.user_cache_path("siamlab")
    return root / kind if kind else root


# NumPy hands the header of a file to Python's parser, which before 3.12.1 counts its
# depth for all threads together and then, rarely, takes it for broken (CPython issue
# 106905).
_HEADER = threading.Lock()


def open_array(path):
    """Map the array of a .npy file; only what is used is read.

    Parameters
    ----------
    path : str or os.PathLike
        The file; what stands behind the array is not looked at.

    Returns
    -------
    numpy.memmap
        Read-only.
    """
    with _HEADER:
        return np.load(path, mmap_mode="r", allow_pickle=False)


class Kept:
    """Arrays kept in a folder, each under a key, each with a checksum.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder; it is made with the first entry.

    Examples
    --------
    >>> import tempfile
    >>> kept = Kept(tempfile.mkdtemp())
    >>> kept.save("0a1b", np.arange(3))
    >>> kept.load("0a1b"), kept.load("ffff")
    (array([0, 1, 2]), None)
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def path(self, key):
        """Name the file of an entry.

        Parameters
        ----------
        key : str
            The key, hexadecimal.

        Returns
        -------
        pathlib.Path
            Spread over 256 folders: some file systems are slow in large ones.
        """
        return self.folder / key[:2] / f"{key}.npy"

    def save(self, key, array):
        """Keep an array.

        Parameters
        ----------
        key : str
            The key, hexadecimal.
        array : numpy.ndarray
            Any shape, any numeric type.
        """
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        content = buffer.getbuffer()
        with atomic_write(self.path(key)) as temporary, open(temporary, "wb") as file:
            file.write(content)
            file.write(_MARK + _checksum(content))

    def load(self, key):
        """Read an array back, whole and checked.

        Parameters
        ----------
        key : str
            The key, hexadecimal.

        Returns
        -------
        numpy.ndarray or None
            None if there is no such entry, or if it is damaged.
        """
        try:
            content = memoryview(self.path(key).read_bytes())
        except OSError:
            return None
        body, trailer = content[:-_TRAILER], content[-_TRAILER:]
        if trailer[: len(_MARK)] != _MARK or trailer[len(_MARK) :] != _checksum(body):
            return None
        with _HEADER:
            return np.load(io.BytesIO(body), allow_pickle=False)

    def open(self, key):
        """Map an array that was checked before; only what is used is read.

        Parameters
        ----------
        key : str
            The key, hexadecimal.

        Returns
        -------
        numpy.memmap
            Read-only.

        Raises
        ------
        StorageError
            If the entry has gone meanwhile.
        """
        try:
            return open_array(self.path(key))
        except Exception as error:  # a damaged header raises one of many
            raise StorageError(
                f"{self.path(key)} was kept and is gone or damaged now; "
                "make the features again with siamlab.extract"
            ) from error


def _checksum(content):
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES).digest()


def cache_entries():
    """List what the cache holds.

    Returns
    -------
    list of (str, int, int)
        Kind, number of files, bytes; by kind.
    """
    root = cache_folder()
    rows = []
    for folder in sorted(p for p in root.glob("*") if p.is_dir()):
        sizes = [p.stat().st_size for p in folder.rglob("*") if p.is_file()]
        rows.append((folder.name, len(sizes), sum(sizes)))
    return rows


def clear_cache(kind=None):
    """Delete what the cache holds; all of it can be made again.

    Parameters
    ----------
    kind : str, optional
        Only this kind, as `cache_entries` names it.

    Returns
    -------
    int
        Bytes freed.
    """
    freed = 0
    for name, _, size in cache_entries():
        if kind in (None, name):
            shutil.rmtree(cache_folder(name))
            freed += size
    return freed
