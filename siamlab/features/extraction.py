"""A whole corpus: made once, kept on disk."""

import contextlib
import dataclasses
import os
from pathlib import Path

import numpy as np

from .. import _files, audio, parallel
from .._progress import progress_bar
from ..errors import SiamlabError
from . import manifest, recording
from .arrays import Mapped
from .plan import SHARD_BYTES, Plan
from .sharding import make_all
from .spectrogram import Spectrogram
from .utterances import Features

__all__ = ["extract"]


def extract(
    corpus,
    spectrogram=None,
    *,
    strict=False,
    cache=True,
    workers=None,
    client=None,
    folder=None,
    shard_bytes=SHARD_BYTES,
):
    """Make the spectrograms of a corpus, on the cores here or on a cluster.

    Without `client` and `folder` there is an array for each recording, kept on disk
    under the content of its file. With one of them there are shards: consecutive rows
    of the corpus in one file, made by one worker each, to the hundredth of a decibel.
    What was interrupted or killed goes on when it is called again, whoever works then;
    a shard that is damaged, or whose recordings have changed, is made again.

    Parameters
    ----------
    corpus : Corpus
        The recordings.
    spectrogram : Spectrogram, optional
        What to make of them; ``Spectrogram()`` by default.
    strict : bool
        Raise at the first recording that cannot be used, rather than report it.
    cache : bool
        Keep the arrays on disk, under `_files.cache_folder`, and use those that
        are there: keyed by the content of the sound file, not by its name.
    workers : int, optional
        Threads; as many as there are cores by default. Decoding, transform and
        mel product all run outside Python's lock. A cluster has workers of its own.
    client : distributed.Client, optional
        Of a Dask cluster (``pip install "siamlab[cluster]"``), whose workers see the
        recordings and the folder under the same paths.
    folder : str or os.PathLike, optional
        Where the shards lie. `Features.open` needs nothing else. With a client, it is
        one under `_files.cache_folder` by default.
    shard_bytes : int
        Of a shard, about: what is lost when a worker dies, and what one of them does
        at a time. 64 MB are 43 minutes of sound in 128 bands.

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
    StorageError
        If the folder holds other spectrograms.
    WorkerError
        If several workers die over the same shard, do not see the folder, or have no
        siamlab or another one.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=2, n_utterances=2))
    >>> features
    4 spectrograms, 2 speakers
    >>> features[0].shape[1]
    128

    In a folder, for a training that runs elsewhere:

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=2)
    >>> sl.extract(corpus, folder=folder)
    4 spectrograms, 2 speakers
    >>> sl.Features.open(folder)
    4 spectrograms, 2 speakers
    """
    from threadpoolctl import threadpool_limits

    spectrogram = Spectrogram() if spectrogram is None else spectrogram
    # Its filters are made here, once, before several threads do.
    spectrogram(np.zeros(spectrogram.win_length), spectrogram.sr)
    # One thread of linear algebra for each of ours: more would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        if client is None and folder is None:
            return _arrays(corpus, spectrogram, strict, cache, workers)
        plan = Plan(corpus, spectrogram, shard_bytes)
        if folder is None:
            folder = _files.cache_folder("shards") / plan.name
        folder = Path(folder).absolute()
        make_all(plan, folder, strict, client, workers)
    manifest.collect(plan, folder, corpus)
    features = Features.open(folder)
    recording.report(features.rejected, corpus)
    return features


def _arrays(corpus, spectrogram, strict, cache, workers):
    """Make an array for each recording."""
    kept = _files.Kept(_files.cache_folder("features")) if cache else None

    def one(path, start, duration):
        try:
            return _one(path, start, duration, spectrogram, kept)
        except SiamlabError as error:
            if strict:
                raise
            return error

    rows = corpus.table[["path", "start", "duration"]].itertuples(index=False)
    made = [None] * len(corpus)
    with contextlib.closing(parallel.results(one, rows, workers=workers)) as done:
        for number, result in progress_bar(
            done, total=len(made), description="spectrograms", unit="utterance"
        ):
            made[number] = result
    bad = np.array([isinstance(result, SiamlabError) for result in made])
    rejected = recording.report(
        [
            (corpus.table.path[i], getattr(made[i], "reason", str(made[i])))
            for i in np.flatnonzero(bad)
        ],
        corpus,
    )
    good = [result for result in made if not isinstance(result, SiamlabError)]
    arrays = Mapped(kept, *zip(*good, strict=True)) if cache else good
    return Features(arrays, corpus.table[~bad], spectrogram, rejected)


def _one(path, start, duration, spectrogram, kept):
    """One utterance: its array, or where arrays are kept its key and its length."""
    if kept is None:
        return recording.frames(path, start, duration, spectrogram)
    if not (os.path.isfile(path) and os.access(path, os.R_OK)):
        audio.read(path)  # says why it cannot
    key = _files.digest(
        recording.EDITION,
        _files.file_digest(path),
        float(start),
        float(duration) if np.isfinite(duration) else None,
        dataclasses.asdict(spectrogram),
    )
    array = kept.load(key)
    if array is None:
        array = recording.frames(path, start, duration, spectrogram)
        kept.save(key, array)
    return key, len(array)
