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
from pathlib import Path

import numpy as np

from .. import store
from ..errors import StoreError
from .arrays import Arrays, OpenFiles

DTYPE = np.dtype("<i2")
PER_DB = 100
# What can be written, in decibels; a floor has to be above the first.
LOWEST, HIGHEST = np.iinfo(DTYPE).min / PER_DB, np.iinfo(DTYPE).max / PER_DB

_MARK = b"siamlabs"
_CHECKSUM_BYTES = 16
_TRAILER = 8 + len(_MARK) + _CHECKSUM_BYTES
_BLOCK = 2**20


def quantise(frames):
    """Round decibels to hundredths."""
    hundredths = np.rint(frames * np.float32(PER_DB))
    limits = np.iinfo(DTYPE)
    return np.clip(hundredths, limits.min, limits.max).astype(DTYPE)


def write(path, arrays, bands, description):
    """Write quantised arrays (frames, bands), one after the other, as a shard.

    A shard may have no frames at all: each of its recordings was rejected.
    """
    frames = np.concatenate([np.empty((0, bands), DTYPE), *arrays])
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, np.lib.format.header_data_from_array_1_0(frames)
    )
    text = json.dumps(description).encode()
    state = hashlib.blake2b(digest_size=_CHECKSUM_BYTES)
    with store.write_whole(path) as temporary, open(temporary, "wb") as file:
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
    """Utterances in shards, mapped on first use, in decibels again, float32.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the shards lie.
    files : sequence of (str, str)
        Name and checksum of each shard.
    shard : numpy.ndarray
        In which one an utterance is, shape (utterances,).
    first : numpy.ndarray
        Where it begins there, in frames, shape (utterances,).
    lengths : numpy.ndarray
        Its frames, shape (utterances,).
    """

    def __init__(self, folder, files, shard, first, lengths):
        self._folder = Path(folder)
        self._files = files
        self._shard, self._first, self._lengths = (
            np.asarray(each, dtype=np.int32) for each in (shard, first, lengths)
        )
        self._open = OpenFiles(functools.partial(_mapped, self._folder))

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
        """What they are, for `store.digest`: other frames make it another."""
        checksums = [checksum for _, checksum in self._files]
        where = (self._shard, self._first, self._lengths)
        return [checksums, *(each.tolist() for each in where)]

    def cut(self, index, first, frames):
        """Return a stretch of one; what lies outside of it is not read."""
        start, stop, _ = slice(first, first + frames).indices(int(self._lengths[index]))
        begin = int(self._first[index])
        mapped = self._open[self._files[self._shard[index]]]
        return mapped[begin + start : begin + stop] / np.float32(PER_DB)

    def take(self, rows):
        """Return those at some positions, and know no other shards than theirs."""
        there, shard = np.unique(self._shard[rows], return_inverse=True)
        files = [self._files[i] for i in there]
        return Shards(
            self._folder, files, shard, self._first[rows], self._lengths[rows]
        )

    def pieces(self):
        """Deal the rows into pieces for workers: those of a shard are one."""
        order = np.argsort(self._shard, kind="stable")
        cuts = np.flatnonzero(np.diff(self._shard[order])) + 1
        yield from np.split(order, cuts)

    def sent(self, rows):
        """Return some of them; workers see the folder, too."""
        return self.take(rows)


def _mapped(folder, file):
    """Map a shard, if it is the one that it was."""
    name, checksum = file
    path = folder / name
    try:
        with open(path, "rb") as stream:
            stream.seek(-_CHECKSUM_BYTES, os.SEEK_END)
            same = stream.read().hex() == checksum
        if same:
            # As a plain array: arithmetic on a memmap costs more than the frames.
            return np.asarray(store.open_array(path))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} is gone or damaged ({error}); make it again with "
            "siamlab.extract(corpus, spectrogram, folder=...)"
        ) from error
    raise StoreError(
        f"{path} has been made again meanwhile, or is damaged; open the folder again "
        "with siamlab.Features.open"
    )
