"""From recordings to spectrograms.

- `Spectrogram`: one frozen description; called with samples, it gives frames.
- `extract`: a whole corpus, kept on disk.
- `Features`: what comes back: an array per utterance, and its table.

Notebook: 01_sound_to_spectrogram.
"""

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from . import audio, store
from .errors import ArgumentError, AudioError, SiamlabError
from .progress import say, track

__all__ = ["Features", "Spectrogram", "extract"]

# Changes whenever the same description shall give other frames.
_EDITION = 1
# Frames at a time: their spectrum stays within a processor's cache.
_BLOCK = 256


@dataclasses.dataclass(frozen=True)
class Spectrogram:
    """Description of a log-mel spectrogram.

    Parameters
    ----------
    rate : int
        Samples per second; recordings at another rate are resampled.
    window : float
        Length of the Hann window, in seconds.
    hop : float
        From one frame to the next, in seconds.
    bands : int
        Number of mel bands (Slaney, 1998), each of unit area.
    f_min, f_max : float
        Where the first band begins and the last ends, in hertz; `f_max` is half
        the rate if not given.
    floor : float
        Power below this many decibels counts as this many, so that digital
        silence has a logarithm (FAULTS C6). 0 dB is power 1: a sine of full scale
        comes to about +40 dB with the default window.

    Raises
    ------
    ArgumentError
        If a value is out of range.

    Examples
    --------
    >>> spectrogram = Spectrogram()
    >>> spectrogram(np.random.default_rng(0).normal(size=16000), 16000).shape
    (98, 128)
    """

    rate: int = 16000
    window: float = 0.025
    hop: float = 0.010
    bands: int = 128
    f_min: float = 0.0
    f_max: float | None = None
    floor: float = -100.0

    def __post_init__(self):
        for name in ("rate", "window", "hop", "bands"):
            if not getattr(self, name) > 0:
                raise ArgumentError(
                    f"{name} must be positive; got {getattr(self, name)}"
                )
        top = self.rate / 2 if self.f_max is None else self.f_max
        if not 0 <= self.f_min < top <= self.rate / 2:
            raise ArgumentError(
                "frequencies must satisfy 0 <= f_min < f_max <= rate / 2 = "
                f"{self.rate / 2:g} Hz; got {self.f_min:g} and {top:g}"
            )

    @property
    def win_length(self):
        """Length of the window in samples."""
        return round(self.window * self.rate)

    @property
    def hop_length(self):
        """Length of the hop in samples."""
        return round(self.hop * self.rate)

    @property
    def n_fft(self):
        """Length of the Fourier transform: the window, padded with zeros.

        At least twice the window: 128 mel bands of 16 kHz are narrower at the low
        end than a bin of a transform of the window's own length.
        """
        return 2 ** int(np.ceil(np.log2(2 * self.win_length)))

    @cached_property
    def _hann(self):
        from scipy.signal import get_window

        # Periodic, as spectral analysis wants it and librosa has it.
        return get_window("hann", self.win_length).astype(np.float32)

    @cached_property
    def _mel(self):
        import librosa

        # (bins, bands), contiguous, so that the product below is one fast call.
        return np.ascontiguousarray(
            librosa.filters.mel(
                sr=self.rate,
                n_fft=self.n_fft,
                n_mels=self.bands,
                fmin=self.f_min,
                fmax=self.f_max,
                dtype=np.float32,
            ).T
        )

    def __call__(self, samples, rate):
        """Make the spectrogram of one recording.

        Parameters
        ----------
        samples : numpy.ndarray
            Shape (samples,), one channel.
        rate : int
            Samples per second.

        Returns
        -------
        numpy.ndarray
            float32, shape (frames, bands), in dB. Time runs along the first axis
            (FAULTS S29). The first window begins with the first sample and the
            last one ends within the recording: no frame holds samples that were
            never recorded.

        Raises
        ------
        ArgumentError
            If the samples are not one channel, or shorter than one window.
        """
        samples = np.asarray(samples, dtype=np.float32)
        if samples.ndim != 1:
            raise ArgumentError(
                f"samples must be one channel, shape (samples,); got {samples.shape}"
            )
        samples = audio.resample(samples, rate, self.rate)
        if len(samples) < self.win_length:
            raise ArgumentError(
                f"a recording must last one window, {self.window:g} s; got "
                f"{len(samples) / self.rate:.4f} s"
            )
        stretches = np.lib.stride_tricks.sliding_window_view(samples, self.win_length)
        stretches = stretches[:: self.hop_length]
        power = self._power(stretches)
        floor = np.float32(10.0 ** (self.floor / 10.0))
        return 10.0 * np.log10(np.maximum(power, floor, out=power), out=power)

    def _power(self, stretches):
        """Mel power (frames, bands) of stretches (frames, win_length).

        In blocks, whose memory is used again: the spectrum of an hour of sound would
        take a gigabyte, and fresh memory costs more than the arithmetic.
        """
        from scipy.fft import rfft

        power = np.empty((len(stretches), self.bands), dtype=np.float32)
        block = min(_BLOCK, len(stretches))
        padded = np.zeros((block, self.n_fft), dtype=np.float32)
        squares = np.empty((2, block, self.n_fft // 2 + 1), dtype=np.float32)
        for i in range(0, len(stretches), block):
            n = min(block, len(stretches) - i)
            windowed, (real, imag) = padded[:n], squares[:, :n]
            np.multiply(
                stretches[i : i + n], self._hann, out=windowed[:, : self.win_length]
            )
            spectrum = rfft(windowed, axis=1)
            np.square(spectrum.real, out=real)
            np.square(spectrum.imag, out=imag)
            real += imag
            np.matmul(real, self._mel, out=power[i : i + n])
        return power


class Features:
    """Spectrograms of a corpus: an array for each utterance, and its table.

    Behaves as a list of arrays of shape (frames, bands), float32. Those that
    `extract` kept on disk are mapped when they are used and not read before, so
    that a corpus may be larger than the memory.

    Parameters
    ----------
    arrays : sequence of numpy.ndarray
        Shape (frames, bands) each.
    table : pandas.DataFrame
        One row per array, as `Corpus.table`.
    spectrogram : Spectrogram, optional
        How they were made.
    rejected : pandas.DataFrame, optional
        Columns path and reason: recordings of which there are none.

    Attributes
    ----------
    table, rejected, spectrogram
        As given.
    speakers : numpy.ndarray
        Of each utterance, str, shape (utterances,).

    Raises
    ------
    ArgumentError
        If arrays and table differ in length.
    """

    def __init__(self, arrays, table, spectrogram=None, rejected=None):
        import pandas as pd

        if len(arrays) != len(table):
            raise ArgumentError(
                "there must be a row of the table for each array; got "
                f"{len(arrays)} arrays and {len(table)} rows"
            )
        self._arrays = arrays
        self.table = table.reset_index(drop=True)
        self.spectrogram = spectrogram
        if rejected is None:
            rejected = pd.DataFrame({"path": [], "reason": []}, dtype=str)
        self.rejected = rejected

    def __len__(self):
        return len(self._arrays)

    def __getitem__(self, index):
        """Return one array, or the `Features` of a slice."""
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        return self._arrays[index]

    def __iter__(self):
        return (self._arrays[i] for i in range(len(self)))

    def __repr__(self):
        rejected = f", {len(self.rejected)} rejected" if len(self.rejected) else ""
        return (
            f"{len(self)} spectrograms, {len(np.unique(self.speakers))} speakers"
            f"{rejected}"
        )

    @property
    def speakers(self):
        """Speaker of each utterance."""
        return self.table["speaker"].to_numpy(dtype=str)

    def transcripts(self, without=("sil",)):
        """Return what is said in each utterance, as phones without their times.

        Parameters
        ----------
        without : sequence of str
            Symbols that are left out: a pause is heard, not said.

        Returns
        -------
        list of list of str
            Empty where the phones are unknown.
        """
        return [
            [symbol for symbol, _, _ in phones or () if symbol not in without]
            for phones in self.table["phones"]
        ]

    def select(self, rows):
        """Keep some of the utterances.

        Parameters
        ----------
        rows : array of bool or of int
            A mask over the utterances, or positions.

        Returns
        -------
        Features
            The same arrays, fewer of them.
        """
        rows = np.asarray(rows)
        if not rows.size:
            rows = rows.astype(int)  # NumPy takes an empty list for floats
        rows = np.arange(len(self))[rows]
        return Features(
            _Chosen(self._arrays, rows), self.table.iloc[rows], self.spectrogram
        )

    def map(self, function):
        """Apply a function to each array, now.

        Parameters
        ----------
        function : callable
            (frames, bands) -> (frames, bands).

        Returns
        -------
        Features
            In memory, with the same table.
        """
        arrays = [function(array) for array in self]
        return Features(arrays, self.table, self.spectrogram, self.rejected)


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


class _Chosen:
    """Some of a sequence of arrays."""

    def __init__(self, arrays, rows):
        self._arrays = arrays
        self._rows = rows

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        return self._arrays[int(self._rows[index])]


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
    # Made once, before several threads ask for them.
    spectrogram._mel, spectrogram._hann  # noqa: B018

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
