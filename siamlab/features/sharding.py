"""A corpus in shards: made by many workers, one worker a shard.

A folder of shards holds

- ``made_from.json``: of which corpus and description they are (see `plan`);
- ``00000.npy`` and so on: the shards, consecutive rows of the corpus (see `shards`);
- ``table.csv``, ``manifest.json``: written when all are there (see `manifest`).

Whoever makes a shard asks first whether it is there, whole, and of the same
recordings. So what was interrupted goes on by being called again, here or on
another cluster.
"""

import contextlib
import os
import socket
import time
from pathlib import Path

from .. import _files, parallel
from .._progress import progress_bar
from ..errors import AudioError, WorkerError
from . import plan as plans
from . import recording, shards

# A network drive may take so long to show on one machine what another has written.
_PATIENCE_S = 60.0


def make_all(plan, folder, strict=False, client=None, workers=None):
    """Make the shards that are missing, damaged, or of recordings that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    plans.begin(folder, plan)
    jobs = (
        (str(folder), plan.name, number, plan[number], strict)
        for number in range(len(plan))
    )
    work = parallel.results(
        make,
        jobs,
        shared=(plan.spectrogram,),  # its filters are a quarter of a megabyte
        client=client,
        workers=workers,
        name="spectrograms",
        describe=lambda job: f"recordings {job[3][0][0]} to {job[3][-1][0]}",
    )
    bar = progress_bar(
        None, total=len(plan.table), description="spectrograms", unit="utterance"
    )
    with contextlib.closing(work) as done, bar:
        for number, _ in done:
            _wait_for(folder / plans.file(number))
            bar.update(int(plan.cuts[number + 1] - plan.cuts[number]))


def make(spectrogram, folder, plan, number, rows, strict):
    """Make one shard of its rows (path, start, duration), unless it is there."""
    folder = Path(folder)
    if (there := plans.made_from(folder)) != plan:
        raise WorkerError(
            f"{socket.gethostname()}, which shall work on it, sees "
            f"{'other' if there else 'no'} shards in {folder}: it has to be a folder "
            "that all machines see under the same path"
        )
    path = folder / plans.file(number)
    files = _files.digest([_stat(path) for path, _, _ in rows])
    wanted = {"plan": plan, "rows": _files.digest(rows), "files": files}
    if (found := _current(path, wanted)) is None:
        found = _make(path, rows, spectrogram, strict, wanted)
    if strict and found["rejected"]:
        raise AudioError(*found["rejected"][0][1:])


def _make(path, rows, spectrogram, strict, wanted):
    arrays, lengths, rejected = [], [], []
    for row, (recorded, start, duration) in enumerate(rows):
        try:
            frames = recording.frames(recorded, start, duration, spectrogram)
        except AudioError as error:
            if strict:
                raise
            lengths.append(-1)
            rejected.append((row, error.path, error.reason))
        else:
            lengths.append(len(frames))
            arrays.append(shards.quantize(frames))
    description = {**wanted, "lengths": lengths, "rejected": rejected}
    try:
        shards.write(path, arrays, spectrogram.n_bins, description)
    except FileNotFoundError:
        # Somebody else has made it, ended the whole work, and cleared up.
        if _current(path, wanted) is None:
            raise
    return description


def _current(path, wanted):
    """Describe a shard if it is there, made from what is wanted, and not damaged."""
    found = shards.about(path)
    if found is None or any(found.get(key) != wanted[key] for key in wanted):
        return None
    return found if shards.whole(path) else None


def _stat(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _wait_for(path):
    until = time.monotonic() + _PATIENCE_S
    while not path.exists():
        if time.monotonic() > until:
            raise WorkerError(
                f"a worker has written {path}, which is not there on "
                f"{socket.gethostname()}: it has to be a folder that all machines see "
                "under the same path"
            )
        os.listdir(path.parent)  # asks the drive again
        time.sleep(0.2)
