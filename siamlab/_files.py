"""The cache folder, and files that are written completely or not at all.

- `atomic_write`: a file appears under its name only when it is complete.
- `write_text`: the same for text.
- `save_array`, `open_array`: arrays in ``.npy`` files; `save_arrays`: in an ``.npz``
  file.
- `digest`, `file_digest`: a short, stable key computed from content.
- `cache_folder`, `cache_entries`, `clear_cache`: what ``siamlab cache`` shows and
  deletes.

A process that is killed while it writes leaves a file with a temporary name
(``*.part``), never an incomplete file under the final name.
"""

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from pathlib import Path

import numpy as np

from .errors import StorageError


@contextlib.contextmanager
def atomic_write(path):
    """Write a file under a temporary name, then rename it.

    Parameters
    ----------
    path : str or os.PathLike
        The final name. Missing folders are created.

    Yields
    ------
    pathlib.Path
        The temporary name to write to, in the same folder.

    Raises
    ------
    StorageError
        If the folder cannot be created, or the file cannot be written.

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
    # Not by the module tempfile, whose files are private, also after renaming.
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(
            f"cannot write to {path.parent} ({error.strerror or error}); choose "
            "another folder, or free some space"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_text(path, text):
    """Write text to a file.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    text : str
        Its content, which is encoded as UTF-8.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def save_array(path, array):
    """Write an array to a ``.npy`` file.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    array : numpy.ndarray
        Any shape, any numeric type.
    """
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array, allow_pickle=False)


def save_arrays(path, arrays):
    """Write arrays to an ``.npz`` file.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    arrays : dict of str to numpy.ndarray
        The arrays by name.
    """
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def open_array(path):
    """Open the array of a ``.npy`` file without reading its content.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    numpy.memmap or None
        Read-only. None if the file is missing, is not an array, or is shorter or
        longer than its header says.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.npy"
    >>> save_array(path, np.arange(3))
    >>> open_array(path).tolist(), open_array(path.with_name("b.npy"))
    ([0, 1, 2], None)
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        complete = array.offset + array.nbytes == os.path.getsize(path)
    except Exception:  # NumPy raises many kinds for a damaged header
        return None
    return array if complete else None


def digest(*parts):
    """Compute a key from content.

    Parameters
    ----------
    *parts : object
        Bytes, or anything that JSON can hold.

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


def file_digest(file):
    """Compute a key from the content of a file.

    Parameters
    ----------
    file : file
        The file, open for reading bytes.

    Returns
    -------
    str
        32 hexadecimal digits (BLAKE2b).
    """
    state = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    return state.hexdigest()


def cache_folder(kind=None):
    """Return the cache folder, for files that siamlab can recreate.

    Parameters
    ----------
    kind : str, optional
        Name of a subfolder: "features", "shards" or "voices".

    Returns
    -------
    pathlib.Path
        ``$SIAMLAB_CACHE`` if it is set; otherwise, the user cache folder of the
        platform. The folder may not exist yet.
    """
    import platformdirs

    chosen = os.environ.get("SIAMLAB_CACHE")
    root = Path(chosen) if chosen else platformdirs.user_cache_path("siamlab")
    return root / kind if kind else root


def cache_entries():
    """List the content of the cache.

    Returns
    -------
    list of (str, int, int)
        Kind, number of files and bytes, sorted by kind.
    """
    entries = []
    for folder in sorted(p for p in cache_folder().glob("*") if p.is_dir()):
        sizes = [p.stat().st_size for p in folder.rglob("*") if p.is_file()]
        entries.append((folder.name, len(sizes), sum(sizes)))
    return entries


def clear_cache(kind=None):
    """Delete the content of the cache.

    Parameters
    ----------
    kind : str, optional
        Delete only this kind, as named by `cache_entries`.

    Returns
    -------
    int
        Number of bytes that were deleted.
    """
    freed = 0
    for name, _, size in cache_entries():
        if kind in (None, name):
            shutil.rmtree(cache_folder(name))
            freed += size
    return freed
