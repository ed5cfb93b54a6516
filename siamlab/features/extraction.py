"""A whole corpus: made once, kept on disk."""

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .. import audio, store
from ..errors import ArgumentError, AudioError, SiamlabError
from ..progress import say, track
from .spectrogram import Spectrogram
from .utterances import Features

__all__ = ["extract"]

# Changes whenever the same description shall give other frames.
_EDITION = 1


def extract(corpus, spectrogram=None, *, strict=False, cache=True, workers=None):
    """Make the spectrograms of a corpus.

    Parameters
    ----------
    corpus : Corpus
        The recordings.
    spectrogram : Spectrogram, optional
        What to make of them; ``Spectrogram()`` by default.
    strict : bool
        Raise at the first recording that cannot be used, rather than report it.
    cache : bool
        Keep the arrays on disk, under `store.cache_folder`, and use those that
        are there: keyed by the content of the sound file, not by its name.
    workers : int, optional
        Threads; as many as there are cores by default. Decoding, transform and
        mel product all run outside Python's lock.

    Returns
    -------
    Features
        In the order of the corpus. Recordings that cannot be used are in
        `Features.rejected` with the reason, and one line on standard error says
        how many.

    Raises
    ------
    AudioError
        With `strict`, for the first recording that cannot be used.
    SiamlabError
        If there is none left.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(speakers=2, utterances=2))
    >>> features
    4 spectrograms, 2 speakers
    >>> features[0].shape[1]
    128
    """
    import pandas as pd
    from threadpoolctl import threadpool_limits

    spectrogram = Spectrogram() if spectrogram is None else spectrogram
    workers = workers or os.cpu_count() or 1
    kept = store.Kept(store.cache_folder("features")) if cache else None
    # Its filters are made here, once, before several threads do.
    spectrogram(np.zeros(spectrogram.win_length), spectrogram.rate)

    def one(row):
        try:
            return _one(row, spectrogram, kept)
        except SiamlabError as error:
            if strict:
                raise
            return error

    rows = list(corpus.table[["path", "start", "duration"]].itertuples(index=False))
    # One thread of linear algebra for each of ours: more would wait for each other.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        try:
            made = list(
                track(
                    pool.map(one, rows),
                    total=len(rows),
                    description="spectrograms",
                    unit="utterance",
                )
            )
        except BaseException:
            # Ctrl-C, or the first error under `strict`: not the whole queue first.
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    bad = np.array([isinstance(result, SiamlabError) for result in made])
    rejected = pd.DataFrame(
        [
            {"path": row.path, "reason": getattr(error, "reason", str(error))}
            for row, error in zip(rows, made, strict=True)
            if isinstance(error, SiamlabError)
        ],
        columns=["path", "reason"],
    )
    if len(rejected):
        say(
            f"{len(rejected)} of {len(rows)} recordings rejected "
            f"({rejected.path[0]}: {rejected.reason[0]}); see features.rejected"
        )
    if bad.all():
        raise AudioError(
            rejected.path[0],
            f"{rejected.reason[0]} (and so for all {len(rows)} recordings of "
            f"{corpus.name}: none is left)",
        )
    good = [result for result in made if not isinstance(result, SiamlabError)]
    arrays = _Mapped(kept, good) if cache else good
    return Features(arrays, corpus.table[~bad], spectrogram, rejected)


def _one(row, spectrogram, kept):
    """One utterance: its key where arrays are kept, else its array."""
    key = None
    if kept is not None and os.path.isfile(row.path) and os.access(row.path, os.R_OK):
        start, duration = float(row.start), float(row.duration)
        key = store.digest(
            _EDITION,
            store.file_digest(row.path),
            start,
            duration if np.isfinite(duration) else None,
            dataclasses.asdict(spectrogram),
        )
        if kept.load(key) is not None:
            return key
    samples, rate = audio.read(row.path, start=row.start, duration=row.duration)
    audio.check(samples, row.path)
    try:
        frames = spectrogram(samples, rate)
    except ArgumentError as error:
        raise AudioError(row.path, str(error)) from error
    if key is None:
        return frames
    kept.save(key, frames)
    return key


class _Mapped:
    """Arrays in a `Kept`, mapped on first use."""

    # An open map costs an entry in a table of the system, which holds 65,530.
    _MOST = 16384

    def __init__(self, kept, keys):
        self._kept = kept
        self._keys = keys
        self._open = {}

    def __len__(self):
        return len(self._keys)

    def __getitem__(self, index):
        key = self._keys[index]
        if key not in self._open:
            if len(self._open) >= self._MOST:
                self._open.clear()
            self._open[key] = self._kept.open(key)
        return self._open[key]

    def __getstate__(self):
        return {"_kept": self._kept, "_keys": self._keys, "_open": {}}
