"""Spectrograms in shards, which several machines can create and read.

A folder of shards contains

- ``corpus.json``: the settings and the table, written before the first shard;
- ``00000.npy``, ``00001.npy``, ...: the frames of consecutive utterances, int16, shape
  (frames, n_bins), in hundredths of a decibel: half the size of float32, with an error
  of at most 0.005 dB (float16 has 0.03 dB);
- ``00000.json``, ...: the number of frames of each utterance in the shard, or why it
  has none, and a key made from its recordings. It is written last: with it, the shard
  is complete.

A worker creates a shard only if it is missing or damaged, or if its recordings have
changed. An extraction that was interrupted is therefore resumed by calling `extract`
again, on the same cluster or on another one.
"""

import dataclasses
import json
import os
import socket
from functools import partial
from pathlib import Path

import numpy as np

from .. import _files
from .._progress import map_in_threads
from ..errors import ArgumentError, AudioError, StorageError, WorkerError
from .arrays import STEPS_PER_DB, StoredArray
from .cluster import run_jobs, split_by_size
from .spectrogram import EDITION, Spectrogram

SHARD_BYTES = 64 * 2**20

_CORPUS = "corpus.json"
_DTYPE = np.dtype("<i2")
_UNKNOWN_DURATION_S = 5.0


def make_shards(corpus, spectrogram, folder, shard_bytes, client, n_jobs):
    """Create the shards that are missing or out of date; return their folder."""
    table = corpus.table[["path", "start", "duration"]]
    table = table.assign(path=table["path"].map(os.path.abspath))
    rows = list(table.itertuples(index=False, name=None))
    ranges = shard_rows(table["duration"], spectrogram, shard_bytes)
    content = {"spectrogram": dataclasses.asdict(spectrogram), "n_shards": len(ranges)}
    key = _files.digest(EDITION, content, shard_bytes, rows)
    folder = Path(folder or _files.cache_folder("shards") / key).absolute()
    found = _read_json(folder / _CORPUS)
    if found is None and not any(folder.glob("*.npy")):
        content.update(key=key, table=corpus.table.to_dict("list"))
        _files.write_text(folder / _CORPUS, json.dumps(content, default=str))
    elif found is None or found["key"] != key:
        raise StorageError(
            f"{folder} contains other spectrograms: of another corpus, with other "
            "settings, or in shards of a different size. Choose another folder, or "
            "delete this one"
        )
    jobs = [
        (_shard_path(folder, number), rows[each.start : each.stop])
        for number, each in enumerate(ranges)
    ]
    if client is None:
        make = partial(make_shard, spectrogram)
        map_in_threads(make, jobs, "spectrograms", "shard", n_jobs)
    else:
        sizes = [len(each) for each in ranges]
        run_jobs(make_shard, spectrogram, jobs, sizes, "spectrograms", client)
    return folder


def shard_rows(durations, spectrogram, shard_bytes):
    """Return the rows of each shard, as ranges.

    They depend on the corpus alone, not on the workers, so that any cluster can resume.
    """
    if shard_bytes < 1:
        raise ArgumentError(f"shard_bytes must be positive; got {shard_bytes}")
    seconds = np.where(np.isfinite(durations), durations, _UNKNOWN_DURATION_S)
    frames = np.maximum(seconds / spectrogram.hop_seconds, 1).astype(np.int64)
    size = frames * spectrogram.n_bins * _DTYPE.itemsize
    return split_by_size(size, shard_bytes)


def make_shard(spectrogram, job):
    """Create one shard, unless it is complete.

    The job is its path, and the rows (path, start, duration) of its recordings. The
    index has a "key", the size of the file, and "results": the number of frames of each
    recording, or the reason why it cannot be used.
    """
    path, rows = job
    if not (path.parent / _CORPUS).exists():
        raise WorkerError(
            f"the worker on {socket.gethostname()} cannot access {path.parent}; the "
            "folder must have the same path on all machines"
        )
    settings = dataclasses.asdict(spectrogram)
    key = _files.digest(EDITION, settings, rows, [_version(row[0]) for row in rows])
    index = _read_index(path)
    if index is not None and index["key"] == key:
        return
    results: list = []
    arrays = [np.empty((0, spectrogram.n_bins), _DTYPE)]
    for row in rows:
        try:
            arrays.append(quantize(spectrogram.from_file(*row)))
            results.append(len(arrays[-1]))
        except AudioError as error:
            results.append(error.reason)
    path.with_suffix(".json").unlink(missing_ok=True)
    _files.save_array(path, np.concatenate(arrays))
    index = {"key": key, "n_bytes": path.stat().st_size, "results": results}
    _files.write_text(path.with_suffix(".json"), json.dumps(index))


def quantize(decibels):
    """Round decibels to hundredths, int16."""
    steps = np.rint(decibels * np.float32(STEPS_PER_DB))
    return np.clip(steps, -(2**15), 2**15 - 1).astype(_DTYPE)


def open_shards(folder):
    """Return the arguments of `features.gather` for a finished folder of shards."""
    folder = Path(folder).absolute()
    again = "call siamlab.extract(corpus, spectrogram, folder=...) again"
    corpus = _read_json(folder / _CORPUS)
    if corpus is None:
        raise StorageError(f"{folder} contains no spectrograms; {again}")
    spectrogram = Spectrogram(**corpus["spectrogram"])
    results, n_bins = [], spectrogram.n_bins
    for number in range(corpus["n_shards"]):
        path = _shard_path(folder, number)
        index = _read_index(path)
        if index is None:
            raise StorageError(f"{path} is missing or damaged; {again} to resume")
        end = 0
        for result in index["results"]:
            if isinstance(result, int):
                first, end = end, end + result
                result = StoredArray(str(path), first, result, n_bins, _DTYPE)
            results.append(result)
    return results, table_from_json(corpus["table"]), spectrogram, folder


def table_from_json(columns):
    """Return the table whose columns were stored as JSON."""
    import pandas as pd

    if "phones" in columns:  # JSON has no tuples
        columns["phones"] = [
            [tuple(phone) for phone in phones] if isinstance(phones, list) else phones
            for phones in columns["phones"]
        ]
    return pd.DataFrame(columns)


def _shard_path(folder, number):
    return folder / f"{number:05d}.npy"


def _version(path):
    """Return size and time of change of a recording; None if it is missing."""
    found = os.stat(path) if os.path.exists(path) else None
    return found and (found.st_size, found.st_mtime_ns)


def _read_index(path):
    """Return the index of a complete shard; None if it is incomplete or damaged."""
    index = _read_json(path.with_suffix(".json"))
    n_bytes = path.stat().st_size if path.is_file() else 0
    return index if index and index.get("n_bytes") == n_bytes else None


def _read_json(path):
    """Return what `_write_json` wrote; None if it is missing or damaged."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
