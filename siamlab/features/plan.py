"""Which shard holds which rows of a corpus, and which corpus a folder is for."""

import dataclasses
import json
import os

import numpy as np

from .. import _files
from ..errors import ArgumentError, StorageError
from . import recording, shards

SHARD_BYTES = 64 * 2**20
EDITION = 1  # of the folder's layout

_MADE_FROM = "made_from.json"
_UNKNOWN_S = 5.0  # an utterance whose duration is not known


class Plan:
    """Which shard holds which rows: by the corpus, whoever works on it.

    Parameters
    ----------
    corpus : Corpus
        The recordings.
    spectrogram : Spectrogram
        What to make of them.
    shard_bytes : int
        Of a shard, about.
    """

    def __init__(self, corpus, spectrogram, shard_bytes=SHARD_BYTES):
        if shard_bytes < 1:
            raise ArgumentError(f"shard_bytes must be positive; got {shard_bytes}")
        if not shards.LOWEST <= spectrogram.floor_db:
            raise ArgumentError(
                f"shards hold {shards.LOWEST} to {shards.HIGHEST} dB; got a "
                f"spectrogram with floor={spectrogram.floor_db:g}"
            )
        self.table = corpus.table[["path", "start", "duration"]]
        self.spectrogram = spectrogram
        seconds = self.table["duration"].to_numpy(float)
        seconds = np.where(np.isfinite(seconds), seconds, _UNKNOWN_S)
        frames = np.maximum(seconds / spectrogram.hop_seconds, 1).astype(np.int64)
        size = frames * spectrogram.n_bins * shards.DTYPE.itemsize
        number = (np.cumsum(size) - size) // shard_bytes
        cuts = np.flatnonzero(np.diff(number)) + 1
        self.cuts = np.concatenate([[0], cuts, [len(corpus)]])
        self.rows = [_files.digest(self[i]) for i in range(len(self))]
        self.name = _files.digest(
            EDITION,
            recording.EDITION,
            dataclasses.asdict(spectrogram),
            shard_bytes,
            self.rows,
        )

    def __len__(self):
        return len(self.cuts) - 1

    def __getitem__(self, number):
        """Return path, start and duration of each row of a shard."""
        rows = self.table.iloc[self.cuts[number] : self.cuts[number + 1]]
        return [
            (os.path.abspath(path), float(start), float(duration))
            for path, start, duration in rows.itertuples(index=False)
        ]


def file(number):
    """Name the file of a shard."""
    return f"{number:05d}.npy"


def made_from(folder):
    """Name the plan that a folder is for; None if there is none yet."""
    try:
        return json.loads((folder / _MADE_FROM).read_text("utf-8"))["plan"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def begin(folder, plan):
    """Enter in a folder what it is for; refuse one that is for something else."""
    there = made_from(folder)
    if there is None and next(folder.glob("[0-9]*.npy"), None) is None:
        content = {"plan": plan.name, "shards": len(plan)}
        with _files.atomic_write(folder / _MADE_FROM) as temporary:
            temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")
    elif there != plan.name:
        raise StorageError(
            f"{folder} holds other spectrograms: of another corpus, another "
            "description, or shards of another size. Choose another folder, or delete "
            "this one"
        )
