"""Frames of many utterances in one file, and reading stretches of them.

- `write`: a shard, whole or not at all.
- `about`: what is written behind its frames.
- `whole`: whether each of its bytes is as it was written.
- `Shards`: the utterances of all of them.

A shard is an ordinary .npy file, int16, shape (frames, bands), in hundredths of a
decibel: half of float32's bytes, and never off by more than 0.005 dB, where float16 is
by 0.03. Behind the array, where NumPy does not look, stand a description in JSON, its
length, a mark, and a checksum of all that.
"""

import functools
import hashlib
import io
import json
import os
import threading
from pathlib import Path

import numpy as np

from .. import _files
from ..errors import StorageError
from .arrays import Arrays, OpenFiles

DTYPE = np.dtype("<i2")
PER_DB = 100
# What can be written, in decibels; a floor has to be above the first.
LOWEST, HIGHEST = np.iinfo(DTYPE).min / PER_DB, np.iinfo(DTYPE).max / PER_DB

_MARK = b"siamlabs"
_CHECKSUM_BYTES = 16
_TRAILER = 8 + len(_MARK) + _CHECKSUM_BYTES
_BLOCK = 2**20
_SEEKING = threading.Lock()


def quantize(frames):
    """Round decibels to hundredths."""
    hundredths = np.rint(frames * np.float32(PER_DB))
    limits = np.iinfo(DTYPE)
    return np.clip(hundredths, limits.min, limits.max).astype(DTYPE)


def write(path, arrays, bands, description):
    """Write quantized arrays (frames, bands), one after the other, as a shard.

    A shard may have no frames at all: each of its recordings was rejected.
    """
    frames = np.concatenate([np.empty((0, bands), DTYPE), *arrays])
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, np.lib.format.header_data_from_array_1_0(frames)
    )
    text = json.dumps(description).encode()
    state = hashlib.blake2b(digest_size=_CHECKSUM_BYTES)
    with _files.atomic_write(path) as temporary, open(temporary, "wb") as file:
        for part in (
            header.getbuffer(),
            frames.data if frames.size else b"",
            text,
            len(text).to_bytes(8, "little") + _MARK,
        ):
            file.write(part)
            state.update(part)
        file.write(state.digest())


def about(path):
    """Read the description of a shard, with its checksum; None if there is no shard.

    Its frames are not looked at: see `whole`.
    """
    try:
        with open(path, "rb") as file:
            end = file.seek(-_TRAILER, os.SEEK_END)
            trailer = file.read()
            length = int.from_bytes(trailer[:8], "little")
            if trailer[8:-_CHECKSUM_BYTES] != _MARK or length > end:
                return None
            file.seek(end - length)
            description = json.loads(file.read(length))
    except (OSError, ValueError):
        return None
    return {**description, "checksum": trailer[-_CHECKSUM_BYTES:].hex()}


def whole(path):
    """Read a shard through, and compare with its checksum."""
    state = hashlib.blake2b(digest_size=_CHECKSUM_BYTES)
    try:
        with open(path, "rb") as file:
            left = file.seek(-_CHECKSUM_BYTES, os.SEEK_END)
            file.seek(0)
            while left:
                block = file.read(min(left, _BLOCK))
                if not block:
                    return False
                state.update(block)
                left -= len(block)
            return file.read() == state.digest()
    except OSError:
        return False


class Shards(Arrays):
    """Utterances in shards, opened on first use, in decibels again, float32.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the shards lie.
    files : sequence of (str, str)
        Name and checksum of each shard.
    bands : int
        Numbers in a frame.
    shard : numpy.ndarray
        In which one an utterance is, shape (utterances,).
    first : numpy.ndarray
        Where it begins there, in frames, shape (utterances,).
    lengths : numpy.ndarray
        Its frames, shape (utterances,).
    """

    def __init__(self, folder, files, bands, shard, first, lengths):
        self._folder = Path(folder)
        self._files = files
        self._bands = bands
        self._shard, self._first, self._lengths = (
            np.asarray(each, dtype=np.int32) for each in (shard, first, lengths)
        )
        self._open = OpenFiles(functools.partial(_opened, str(folder)))

    def __len__(self):
        return len(self._lengths)

    def __getitem__(self, index):
        return self.cut(index, 0, self._lengths[index])

    @property
    def lengths(self):
        """Frames of each, shape (utterances,)."""
        return self._lengths

    @property
    def content(self):
        """What they are, for `_files.digest`: other frames make it another."""
        checksums = [checksum for _, checksum in self._files]
        where = (self._shard, self._first, self._lengths)
        return [checksums, *(each.tolist() for each in where)]

    def cut(self, index, first, frames):
        """Return a stretch of one; what lies outside of it is not read."""
        start, stop, _ = slice(first, first + frames).indices(int(self._lengths[index]))
        begin = int(self._first[index])
        opened = self._open[self._files[self._shard[index]]]
        frames = opened.frames(
            begin + start, max(begin + stop, begin + start), self._bands
        )
        return frames / np.float32(PER_DB)

    def take(self, rows):
        """Return those at some positions, and know no other shards than theirs."""
        there, shard = np.unique(self._shard[rows], return_inverse=True)
        files = [self._files[i] for i in there]
        first, lengths = self._first[rows], self._lengths[rows]
        return Shards(self._folder, files, self._bands, shard, first, lengths)

    def pieces(self):
        """Deal the rows into pieces for workers: those of a shard are one."""
        order = np.argsort(self._shard, kind="stable")
        cuts = np.flatnonzero(np.diff(self._shard[order])) + 1
        yield from np.split(order, cuts)

    def sent(self, rows):
        """Return some of them; workers see the folder, too."""
        return self.take(rows)


def _opened(folder, file):
    """Open a shard, if it is the one that it was."""
    name, checksum = file
    path = f"{folder}{os.sep}{name}"  # a tenth of the time that a Path takes
    try:
        opened = _File(path)
    except FileNotFoundError as error:
        raise StorageError(
            f"{path} is gone; make it again with "
            "siamlab.extract(corpus, spectrogram, folder=...)"
        ) from error
    except OSError as error:
        raise StorageError(
            f"{path} is there and cannot be opened: {error.strerror}; nothing has to "
            "be made again, once that is mended"
        ) from error
    if opened.checksum != checksum:
        raise StorageError(
            f"{path} has been made again meanwhile, or is damaged; open the folder "
            "again with siamlab.Features.open"
        )
    return opened


class _File:
    """A shard that is open for reading, by several threads at a time.

    It is read rather than mapped: to map a file takes longer than to read a segment,
    and among ten thousand shards the next one is seldom mapped already.
    """

    def __init__(self, path):
        self.path = path
        self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        end = os.fstat(self._handle).st_size - _CHECKSUM_BYTES
        self.checksum = self.read(_CHECKSUM_BYTES, max(end, 0)).hex()
        # Mark and version of a .npy file, then the length of its header.
        self._begin = 10 + int.from_bytes(self.read(10, 0)[8:], "little")

    def __del__(self):
        if hasattr(self, "_handle"):
            os.close(self._handle)

    def read(self, count, offset):
        """Read bytes from a place."""
        if hasattr(os, "pread"):
            return os.pread(self._handle, count, offset)
        with _SEEKING:  # Windows
            os.lseek(self._handle, offset, os.SEEK_SET)
            return os.read(self._handle, count)

    def frames(self, first, stop, bands):
        """Read frames, shape (stop - first, bands), as they were written."""
        size = bands * DTYPE.itemsize
        content = self.read((stop - first) * size, self._begin + first * size)
        if len(content) != (stop - first) * size:
            raise StorageError(
                f"{self.path} is shorter than it was; make it again with "
                "siamlab.extract(corpus, spectrogram, folder=...)"
            )
        return np.frombuffer(content, DTYPE).reshape(-1, bands)
