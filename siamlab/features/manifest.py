"""A finished folder of shards: checked, described, and opened again.

- `collect`: reads what the shards say, and writes the manifest.
- `read`: arrays, table, spectrogram and rejected recordings of a folder.
- `damaged`: which files of a folder are not as they were written.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np

from .. import _files
from ..errors import StorageError
from . import shards, tables
from .plan import EDITION, file
from .spectrogram import Spectrogram

_MANIFEST, _TABLE = "manifest.json", "table.csv"
# A column of the table that the corpus does not have.
_FRAMES = "spectrogram_frames"
_MAKE_AGAIN = "make it again with siamlab.extract(corpus, spectrogram, folder=...)"


def collect(plan, folder, corpus):
    """Read what the shards say, check that each row is in one, write the manifest."""
    entries, rejected = [], []
    lengths = np.full(len(corpus), -2)
    for number in range(len(plan)):
        first, stop = plan.cuts[number], plan.cuts[number + 1]
        found = shards.about(folder / file(number))
        if (
            found is None
            or (found["plan"], found["rows"]) != (plan.name, plan.rows[number])
            or len(found["lengths"]) != stop - first
        ):
            raise StorageError(
                f"{folder / file(number)} is not what a worker has made; make it "
                "again with siamlab.extract, which goes on where it was"
            )
        lengths[first:stop] = found["lengths"]
        rejected += [(int(first) + row, *rest) for row, *rest in found["rejected"]]
        entries.append(
            {
                "file": file(number),
                "rows": [int(first), int(stop)],
                "frames": int(sum(n for n in found["lengths"] if n > 0)),
                "checksum": found["checksum"],
            }
        )
    out = np.array([row for row, *_ in rejected], dtype=int)
    if (lengths < -1).any() or (np.flatnonzero(lengths < 0) != out).any():
        raise StorageError(f"{folder}: some rows of the corpus are in no shard")
    good = lengths >= 0
    table = corpus.table[good]
    columns = tables.write(
        folder / _TABLE, table.assign(**{_FRAMES: lengths[good].astype(np.int32)})
    )
    manifest = {
        "edition": EDITION,
        "spectrogram": dataclasses.asdict(plan.spectrogram),
        "unit": f"dB / {shards.PER_DB}",
        "dtype": shards.DTYPE.str,
        "bands": plan.spectrogram.n_bins,
        "utterances": int(good.sum()),
        "shards": entries,
        "rejected": [[row, path, reason] for row, path, reason in rejected],
        "table": {"columns": columns, "checksum": _files.file_digest(folder / _TABLE)},
    }
    with _files.atomic_write(folder / _MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest) + "\n", encoding="utf-8")
    for left in folder.glob("*.part"):  # of workers that were killed
        left.unlink(missing_ok=True)


def read(folder):
    """Open a finished folder; gives the arguments of `Features`.

    No shard is read, and none is opened.
    """
    import pandas as pd

    folder = Path(folder)
    manifest = _manifest(folder)
    entries, about = manifest["shards"], manifest["table"]
    path = folder / _TABLE
    if not path.exists() or _files.file_digest(path) != about["checksum"]:
        raise StorageError(f"{path} is gone or damaged; {_MAKE_AGAIN}")
    table = tables.read(path, about["columns"])
    lengths = table.pop(_FRAMES).to_numpy(np.int64)
    rejected = manifest["rejected"]
    rows = np.delete(np.arange(entries[-1]["rows"][1]), [row for row, *_ in rejected])
    starts = [entry["rows"][0] for entry in entries]
    shard = np.searchsorted(starts, rows, side="right") - 1
    frames = np.array([entry["frames"] for entry in entries])
    if (np.bincount(shard, lengths, len(entries)) != frames).any():
        raise StorageError(
            f"{path} and {_MANIFEST} contradict each other; {_MAKE_AGAIN}"
        )
    first = np.cumsum(lengths) - lengths - (np.cumsum(frames) - frames)[shard]
    arrays = shards.Shards(
        folder.absolute(),
        [(entry["file"], entry["checksum"]) for entry in entries],
        manifest["bands"],
        shard,
        first,
        lengths,
    )
    return (
        arrays,
        table,
        Spectrogram(**manifest["spectrogram"]),
        pd.DataFrame([rest for _, *rest in rejected], columns=["path", "reason"]),
    )


def damaged(folder):
    """Read all shards of a finished folder through, as after a copy.

    Parameters
    ----------
    folder : str or os.PathLike
        As given to `extract`.

    Returns
    -------
    list of str
        Names of the files that are missing or not as they were written; none is good.

    Raises
    ------
    StorageError
        If the folder is not finished.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    bad = []
    for entry in manifest["shards"]:
        path = folder / entry["file"]
        found = shards.about(path)
        same = found is not None and found["checksum"] == entry["checksum"]
        if not (same and shards.whole(path)):
            bad.append(entry["file"])
    path = folder / _TABLE
    if not path.exists() or _files.file_digest(path) != manifest["table"]["checksum"]:
        bad.append(_TABLE)
    return bad


def _manifest(folder):
    path = folder / _MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
        edition = manifest["edition"]
    except FileNotFoundError as error:
        raise StorageError(
            f"{folder} holds no finished spectrograms (there is no {_MANIFEST}); "
            "siamlab.extract(corpus, spectrogram, folder=...) makes them, or goes on "
            "where it was"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged ({error}); {_MAKE_AGAIN}") from error
    if edition != EDITION:
        raise StorageError(
            f"{folder} is of edition {edition}, this siamlab reads {EDITION}; "
            f"{_MAKE_AGAIN}"
        )
    return manifest
