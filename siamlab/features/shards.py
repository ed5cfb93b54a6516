"""Spectrograms in shards, which several machines can create and read.

A folder of shards contains

- ``settings.json``: which corpus and settings it is for;
- ``00000.npy``, ``00001.npy``, ...: the frames of consecutive utterances, int16, shape
  (frames, n_bins), in hundredths of a decibel: half the size of float32, with an error
  of at most 0.005 dB (float16 has 0.03 dB);
- ``00000.json``, ...: the number of frames of each utterance in the shard, and a key
  made from its recordings;
- ``manifest.json``: written when all shards are complete, with the table.

A worker creates a shard only if it is missing or damaged, or if its recordings have
changed. An extraction that was interrupted is therefore resumed by calling `extract`
again, with the same cluster or another one.
"""

import contextlib
import dataclasses
import json
import os
import socket
import time
from pathlib import Path

import numpy as np

from .. import _files
from .._progress import progress_bar
from ..errors import ArgumentError, AudioError, StorageError, WorkerError
from .arrays import HEADER_BYTES, STEPS_PER_DB, StoredArrays
from .jobs import run_jobs
from .spectrogram import EDITION, Spectrogram

SHARD_BYTES = 64 * 2**20

_SETTINGS, _MANIFEST = "settings.json", "manifest.json"
_DTYPE = np.dtype("<i2")
_RANGE = np.iinfo(_DTYPE)
_UNKNOWN_DURATION_S = 5.0
# How long a network drive may take to show a file that another machine has written.
_PATIENCE_S = 60.0


def extract_shards(corpus, spectrogram, folder, shard_bytes, strict, client, n_jobs):
    """Create the shards that are missing or out of date; return their folder."""
    rows = [
        (os.path.abspath(path), float(start), float(duration))
        for path, start, duration in corpus.table[
            ["path", "start", "duration"]
        ].itertuples(index=False)
    ]
    bounds = shard_bounds([row[2] for row in rows], spectrogram, shard_bytes)
    settings = {"spectrogram": dataclasses.asdict(spectrogram), "bytes": shard_bytes}
    settings["key"] = _files.digest(EDITION, settings, rows)
    if folder is None:
        folder = _files.cache_folder("shards") / settings["key"]
    folder = Path(folder).absolute()
    _claim(folder, settings)
    jobs = (
        (str(folder), settings["key"], number, rows[first:stop], strict)
        for number, (first, stop) in enumerate(bounds)
    )
    work = run_jobs(
        make_shard,
        jobs,
        shared=spectrogram,
        client=client,
        n_jobs=n_jobs,
        describe=lambda job: f"recordings {job[3][0][0]} to {job[3][-1][0]}",
    )
    indexes: list[dict] = [{}] * len(bounds)
    bar = progress_bar(total=len(rows), description="spectrograms", unit="utterance")
    with contextlib.closing(work), bar:
        for number, indexes[number] in work:
            _wait_for(_shard_path(folder, number))
            bar.update(len(indexes[number]["lengths"]))
    _write_manifest(folder, corpus, spectrogram, indexes)
    return folder


def shard_bounds(durations, spectrogram, shard_bytes):
    """Return (first row, row after the last) of each shard.

    They depend on the corpus alone, not on the workers, so that any cluster can resume.
    """
    if shard_bytes < 1:
        raise ArgumentError(f"shard_bytes must be positive; got {shard_bytes}")
    lowest, highest = _RANGE.min / STEPS_PER_DB, _RANGE.max / STEPS_PER_DB
    if spectrogram.floor_db < lowest:
        raise ArgumentError(
            f"shards store {lowest} to {highest} dB; got a spectrogram with "
            f"floor_db={spectrogram.floor_db:g}"
        )
    seconds = np.where(np.isfinite(durations), durations, _UNKNOWN_DURATION_S)
    frames = np.maximum(seconds / spectrogram.hop_seconds, 1).astype(np.int64)
    size = frames * spectrogram.n_bins * _DTYPE.itemsize
    shard = (np.cumsum(size) - size) // shard_bytes
    starts = np.flatnonzero(np.diff(shard, prepend=-1)).tolist()
    return list(zip(starts, [*starts[1:], len(shard)], strict=True))


def make_shard(spectrogram, folder, key, number, rows, strict):
    """Create one shard from rows of (path, start, duration), unless it is complete.

    Returns its index: "key", "lengths" (frames per row; 0 if the recording was
    rejected) and "reasons" (why, for each rejected row).
    """
    found = (_read_json(Path(folder, _SETTINGS)) or {}).get("key")
    if found != key:
        raise WorkerError(
            f"the worker on {socket.gethostname()} sees "
            f"{'other' if found else 'no'} shards in {folder}; the folder must be "
            "visible under the same path on all machines"
        )
    path = _shard_path(folder, number)
    key = _files.digest(key, rows, [_stat(recording) for recording, _, _ in rows])
    index = _current_index(path, key, spectrogram)
    if index is None:
        index = _make(path, key, rows, spectrogram, strict)
    if strict and index["reasons"]:
        recording, _, _ = rows[index["lengths"].index(0)]
        raise AudioError(recording, index["reasons"][0])
    return index


def _make(path, key, rows, spectrogram, strict):
    arrays, lengths, reasons = [np.empty((0, spectrogram.n_bins), _DTYPE)], [], []
    for row in rows:
        try:
            frames = spectrogram.from_file(*row)
        except AudioError as error:
            if strict:
                raise
            lengths.append(0)
            reasons.append(error.reason)
        else:
            lengths.append(len(frames))
            arrays.append(quantize(frames))
    index = {"key": key, "lengths": lengths, "reasons": reasons}
    try:
        # The index is written last: with it, the shard is complete.
        path.with_suffix(".json").unlink(missing_ok=True)
        _files.save_array(path, np.concatenate(arrays))
        _write_json(path.with_suffix(".json"), index)
    except FileNotFoundError:
        # Another process has finished the folder and deleted temporary files.
        if _current_index(path, key, spectrogram) is None:
            raise
    return index


def quantize(decibels):
    """Round decibels to hundredths, int16."""
    steps = np.rint(decibels * np.float32(STEPS_PER_DB))
    return np.clip(steps, _RANGE.min, _RANGE.max).astype(_DTYPE)


def _current_index(path, key, spectrogram):
    """Return the index of a shard; None if the shard is incomplete or out of date."""
    index = _read_json(path.with_suffix(".json"))
    if index is None or index.get("key") != key:
        return None
    frames = _files.open_array(path)
    expected = (sum(index["lengths"]), spectrogram.n_bins)
    return index if frames is not None and frames.shape == expected else None


def _write_manifest(folder, corpus, spectrogram, indexes):
    lengths = [length for index in indexes for length in index["lengths"]]
    reasons = [reason for index in indexes for reason in index["reasons"]]
    good = np.array(lengths) > 0
    manifest = {
        "edition": EDITION,
        "spectrogram": dataclasses.asdict(spectrogram),
        "rows_per_shard": [len(index["lengths"]) for index in indexes],
        "lengths": lengths,
        "rejected": [corpus.table["path"][~good].tolist(), reasons],
        "table": encode_table(corpus.table[good]),
    }
    _write_json(folder / _MANIFEST, manifest)
    for leftover in folder.glob("*.part"):  # from workers that were killed
        leftover.unlink(missing_ok=True)


def open_shards(folder):
    """Return the arguments of `Features` for a finished folder of shards."""
    import pandas as pd

    folder = Path(folder).absolute()
    again = "call siamlab.extract(corpus, spectrogram, folder=...) again"
    if not (folder / _MANIFEST).exists():
        raise StorageError(
            f"{folder} contains no finished spectrograms (no {_MANIFEST}); {again} to "
            "create them or to resume"
        )
    try:
        manifest = _read_json(folder / _MANIFEST)
        rows_per_shard, lengths = (
            np.array(manifest[name]) for name in ("rows_per_shard", "lengths")
        )
        shard = np.repeat(np.arange(len(rows_per_shard)), rows_per_shard)
        spectrogram = Spectrogram(**manifest["spectrogram"])
        table = decode_table(manifest["table"])
        paths, reasons = manifest["rejected"]
    except (TypeError, KeyError, ValueError) as error:
        raise StorageError(f"{folder / _MANIFEST} is damaged; {again}") from error
    frames = np.bincount(shard, lengths, len(rows_per_shard)).astype(int)
    files = [str(_shard_path(folder, number)) for number in range(len(frames))]
    for file, n_frames in zip(files, frames, strict=True):
        size = HEADER_BYTES + n_frames * spectrogram.n_bins * _DTYPE.itemsize
        if not os.path.isfile(file) or os.path.getsize(file) != size:
            raise StorageError(f"{file} is missing or damaged; {again}")
    first = np.cumsum(lengths) - lengths - (np.cumsum(frames) - frames)[shard]
    good = lengths > 0
    return {
        "arrays": StoredArrays(
            files, shard[good], first[good], lengths[good], spectrogram.n_bins, _DTYPE
        ),
        "table": table,
        "spectrogram": spectrogram,
        "rejected": pd.DataFrame({"path": paths, "reason": reasons}, dtype=str),
        "folder": folder,
    }


def encode_table(table):
    """Turn a table into what JSON can hold, with the type of each column."""
    encoded = {}
    for name, column in table.items():
        if not isinstance(column.dtype, np.dtype) or column.dtype.kind == "O":
            column = column.astype(object).where(column.notna(), None)
        encoded[name] = [str(table[name].dtype), column.tolist()]
    return encoded


def decode_table(encoded):
    """Undo `encode_table`."""
    import pandas as pd

    columns = {}
    for name, (dtype, values) in encoded.items():
        if name == "phones":  # JSON has no tuples
            values = [v if v is None else [tuple(phone) for phone in v] for v in values]
        columns[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(columns)


def _claim(folder, settings):
    """Write what a folder is for; refuse one that holds something else."""
    found = (_read_json(folder / _SETTINGS) or {}).get("key")
    if found is None and next(folder.glob("*.npy"), None) is None:
        _write_json(folder / _SETTINGS, settings)
    elif found != settings["key"]:
        raise StorageError(
            f"{folder} contains other spectrograms: of another corpus, with other "
            "settings, or in shards of another size. Choose another folder, or delete "
            "this one"
        )


def _shard_path(folder, number):
    return Path(folder, f"{number:05d}.npy")


def _stat(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _read_json(path):
    """Read a dictionary; None if there is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _write_json(path, content):
    with _files.atomic_write(path) as temporary:
        text = json.dumps(content, ensure_ascii=False, default=str)
        temporary.write_text(f"{text}\n", encoding="utf-8")


def _wait_for(path):
    """Wait until a file that a worker has written is visible on this machine."""
    deadline = time.monotonic() + _PATIENCE_S
    while not path.exists():
        if time.monotonic() > deadline:
            raise WorkerError(
                f"a worker has written {path}, which does not exist on "
                f"{socket.gethostname()}; the folder must be visible under the same "
                "path on all machines"
            )
        os.listdir(path.parent)  # makes a network drive look again
        time.sleep(0.2)
