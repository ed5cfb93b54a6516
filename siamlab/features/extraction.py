"""Spectrograms of a corpus, computed once and cached on disk."""

import dataclasses
import os

import numpy as np

from .. import _files, audio
from .._progress import map_in_threads, print_line
from ..errors import ArgumentError, AudioError
from .arrays import StoredArray
from .features import Features, gather
from .shards import SHARD_BYTES, make_shards
from .spectrogram import EDITION, Spectrogram


def extract(
    corpus,
    spectrogram=None,
    *,
    cache=True,
    n_jobs=None,
    client=None,
    folder=None,
    shard_bytes=SHARD_BYTES,
):
    """Compute the spectrograms of a corpus, on this machine or on a cluster.

    By default each recording becomes one array in the cache, keyed by the content of
    the sound file. With `client` or `folder`, consecutive utterances are stored
    together in shards and rounded to hundredths of a decibel. Each shard is created by
    one worker.

    If the extraction is interrupted, call `extract` again to resume it. Files that are
    damaged, or whose recordings have changed, are recreated.

    Parameters
    ----------
    corpus : Corpus
        The recordings.
    spectrogram : Spectrogram, optional
        The settings; ``Spectrogram()`` by default.
    cache : bool
        Store the arrays in the cache, and reuse arrays that are already there. If
        False, the arrays are kept in memory.
    n_jobs : int, optional
        Number of threads; one per core by default. Ignored with `client`.
    client : distributed.Client, optional
        Client of a Dask cluster (``pip install "siamlab[cluster]"``). Its workers
        must see the recordings and the folder under the same paths.
    folder : str or os.PathLike, optional
        Folder for the shards; `Features.open` opens it later. With `client`, the
        default is a folder in the cache.
    shard_bytes : int
        Approximate size of a shard in bytes. If a worker dies, at most one shard per
        thread is lost. The default, 64 MB, holds 43 minutes of audio in 128 bands.

    Returns
    -------
    Features
        In the order of the corpus, without the recordings that cannot be used. These
        are listed in `Features.rejected` with the reason. Their number is printed to
        standard error.

    Raises
    ------
    ArgumentError
        If `corpus` is not a Corpus.
    AudioError
        If no recording can be used.
    StorageError
        If the folder contains spectrograms of another corpus or with other settings.
    WorkerError
        If workers die, cannot access the folder, or do not have this version of
        siamlab.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=2, n_utterances=2))
    >>> features
    4 spectrograms, 2 speakers
    >>> features[0].shape[1]
    128

    Store the spectrograms in a folder, to train on another machine:

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> corpus = sl.corpora.voices(n_speakers=2, n_utterances=2)
    >>> sl.extract(corpus, folder=folder)
    4 spectrograms, 2 speakers
    >>> sl.Features.open(folder)
    4 spectrograms, 2 speakers
    """
    from threadpoolctl import threadpool_limits

    from ..corpora import Corpus  # imports pandas, which an encoder does not need

    if not isinstance(corpus, Corpus):
        raise ArgumentError(
            "corpus must be a Corpus; got a "
            f"{type(corpus).__name__}. siamlab.corpora.recordings(path) reads one"
        )
    spectrogram = Spectrogram() if spectrogram is None else spectrogram
    # Compute window and filters once, before several threads need them.
    spectrogram(np.zeros(spectrogram.win_length), spectrogram.sr)
    n_jobs = os.cpu_count() if n_jobs is None else n_jobs
    # One BLAS thread per job: more would compete for the same cores.
    with threadpool_limits(1, user_api="blas"):
        if client is None and folder is None:
            features = _extract_arrays(corpus, spectrogram, cache, n_jobs)
        else:
            folder = make_shards(
                corpus, spectrogram, folder, shard_bytes, client, n_jobs
            )
            features = Features.open(folder)
    _report_rejected(features.rejected, corpus)
    return features


def _extract_arrays(corpus, spectrogram, cache, n_jobs):
    """Compute one array per recording, in the cache or in memory."""
    compute = _cached if cache else Spectrogram.from_file

    def job(row):
        try:
            return compute(spectrogram, *row)
        except AudioError as error:
            return error.reason

    rows = corpus.table[["path", "start", "duration"]].itertuples(index=False)
    results = map_in_threads(job, list(rows), "spectrograms", "utterance", n_jobs)
    return gather(results, corpus.table, spectrogram)


def _cached(spectrogram, path, start, duration):
    """Return the cached array of one utterance, which is computed if it is missing."""
    with audio.open_file(path) as file:
        content = _files.file_digest(file)
    settings = dataclasses.asdict(spectrogram)
    key = _files.digest(EDITION, content, float(start), float(duration), settings)
    # Spread over 256 folders: some file systems are slow with large ones.
    file = _files.cache_folder("features") / key[:2] / f"{key}.npy"
    frames = _files.open_array(file)
    if frames is None:
        frames = spectrogram.from_file(path, start, duration)
        _files.save_array(file, frames)
    return StoredArray(str(file), 0, len(frames), spectrogram.n_bins, frames.dtype)


def _report_rejected(rejected, corpus):
    """Print how many recordings cannot be used; if none can, raise an error."""
    if not len(rejected):
        return
    path, reason = rejected.iloc[0]
    counted = f"{len(rejected)} of {len(corpus)} recordings rejected"
    if len(rejected) == len(corpus):
        raise AudioError(path, f"{reason} ({counted})")
    print_line(f"{counted} ({path}: {reason}); see features.rejected")
