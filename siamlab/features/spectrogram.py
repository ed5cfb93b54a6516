"""Log-mel and log-power spectrograms of one recording."""

import dataclasses
import itertools
from contextlib import closing
from functools import cached_property, partial

import numpy as np

from .. import audio
from ..errors import ArgumentError, AudioError

# Increase it whenever the same settings give other frames or files; part of each key.
EDITION = 2
# Frames per block: their spectrum fits into a processor's cache.
_BLOCK = 256
_SECONDS = 120.0  # of a recording, read at a time: 42 MB of stereo at 44.1 kHz
# Mel bands per matrix product. A band covers few bins, and neighboring bands cover
# nearly the same ones: the full product, mostly zeros, took as long as the FFT.
_BANDS = 16


@dataclasses.dataclass(frozen=True)
class Spectrogram:
    """Settings of a log-mel or log-power spectrogram.

    Instances are callable: ``spectrogram(samples, sr)`` computes the spectrogram. The
    parameters are named as in `librosa.feature.melspectrogram`.

    Parameters
    ----------
    sr : int
        Sampling rate in hertz. Recordings at another rate are resampled to it.
    n_fft : int
        Length of the FFT in samples. Windows are zero-padded to this length.
    win_length : int
        Length of the Hann window in samples; at most `n_fft`.
    hop_length : int
        Distance between the starts of adjacent frames, in samples.
    n_mels : int or None
        Number of mel bands (Slaney, 1998), each with a filter of unit area. If None,
        the spectrogram has the ``n_fft // 2 + 1`` bins of the short-time Fourier
        transform.
    fmin, fmax : float
        Lowest and highest frequency in hertz; `fmax` defaults to ``sr / 2``. Without
        mel bands, bins outside this range are dropped.
    floor_db : float
        Lower limit in dB. It keeps the logarithm finite for digital silence. 0 dB is a
        power of 1; a full-scale sine wave reaches about +40 dB with the default window.
    level_db : float, optional
        If given, the mean of each recording (a constant offset) is removed, and the
        recording is brought to this level: its root mean square, in dB relative to full
        scale. By default, recordings are used as they are.
    kaldi : {"povey", "hamming"}, optional
        Compute the mel bands as Kaldi does, with this window; see `kaldi_fbank`.

    Raises
    ------
    ArgumentError
        If a value is out of range.

    Examples
    --------
    >>> spectrogram = Spectrogram(sr=16000, win_length=400, hop_length=160, n_mels=64)
    >>> spectrogram(np.random.default_rng(0).normal(size=16000), 16000).shape
    (98, 64)
    >>> Spectrogram(n_fft=512, n_mels=None).n_bins
    257
    """

    sr: int = 16000
    n_fft: int = 1024
    win_length: int = 400
    hop_length: int = 160
    n_mels: int | None = 128
    fmin: float = 0.0
    fmax: float | None = None
    floor_db: float = -100.0
    level_db: float | None = None
    kaldi: str | None = None

    @classmethod
    def kaldi_fbank(cls, n_mels=80, sr=16000, window="povey"):
        """Return the settings of Kaldi's "fbank", the input of many speaker encoders.

        As in Kaldi (Povey et al., 2011), windows of 25 ms start every 10 ms. The mean
        of each is subtracted, and ``x[t] - 0.97 * x[t - 1]`` emphasizes high
        frequencies. The mel scale is ``1127 * log(1 + f / 700)`` from 20 Hz; filters
        have the height 1.

        Parameters
        ----------
        n_mels : int
            Number of mel bands.
        sr : int
            Sampling rate in hertz.
        window : {"povey", "hamming"}
            The default is a Hann window to the power of 0.85.

        Returns
        -------
        Spectrogram
            Its values are in dB, for samples from -1 to 1. Kaldi's own values are
            natural logarithms of the power, for samples from -32768 to 32767:
            ``log(10) / 10 * decibels + log(32768**2)``.

        Examples
        --------
        >>> spectrogram = Spectrogram.kaldi_fbank()
        >>> spectrogram(np.random.default_rng(0).normal(size=16000), 16000).shape
        (98, 80)
        """
        win_length = sr * 25 // 1000
        return cls(
            sr=sr,
            n_fft=1 << (win_length - 1).bit_length(),
            win_length=win_length,
            hop_length=sr // 100,
            n_mels=n_mels,
            fmin=20.0,
            floor_db=float(10 * np.log10(np.finfo(np.float32).eps / 2**30)),
            kaldi=window,
        )

    def __post_init__(self):
        with_mel = [] if self.n_mels is None else ["n_mels"]
        for name in ["sr", "n_fft", "win_length", "hop_length", *with_mel]:
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ArgumentError(f"{name} must be a positive integer; got {value}")
        known = ("povey", "hamming") if self.n_mels else ()
        if self.kaldi is not None and self.kaldi not in known:
            raise ArgumentError(
                'kaldi must be "povey" or "hamming", with mel bands; got '
                f"kaldi={self.kaldi!r}, n_mels={self.n_mels}"
            )
        if self.win_length > self.n_fft:
            raise ArgumentError(
                f"win_length must be at most n_fft={self.n_fft}; got {self.win_length}"
            )
        if not 0 <= self.fmin < self._fmax <= self.sr / 2:
            raise ArgumentError(
                f"frequencies must satisfy 0 <= fmin < fmax <= sr / 2 = "
                f"{self.sr / 2:g} Hz; got fmin={self.fmin:g} and fmax={self._fmax:g}"
            )

    @property
    def _fmax(self):
        return self.sr / 2 if self.fmax is None else self.fmax

    @property
    def hop_seconds(self):
        """Distance between the starts of adjacent frames, in seconds."""
        return self.hop_length / self.sr

    @cached_property
    def n_bins(self):
        """Size of the last axis: number of mel bands, or of STFT bins."""
        return len(self.frequencies)

    @property
    def frequencies(self):
        """Center of each mel band or STFT bin in hertz, shape (n_bins,)."""
        import librosa

        if self.kaldi:
            return 700 * np.expm1(self._kaldi_edges[1:-1] / 1127)
        if self.n_mels is None:
            bins = librosa.fft_frequencies(sr=self.sr, n_fft=self.n_fft)
            return bins[(bins >= self.fmin) & (bins <= self._fmax)]
        edges = librosa.mel_frequencies(
            self.n_mels + 2, fmin=self.fmin, fmax=self._fmax
        )
        return edges[1:-1]

    @property
    def _kaldi_edges(self):
        """Edges of Kaldi's mel bands, on its mel scale, shape (n_mels + 2,)."""
        low, high = 1127 * np.log1p(np.array([self.fmin, self._fmax]) / 700)
        return np.linspace(low, high, (self.n_mels or 0) + 2)

    @cached_property
    def window(self):
        """Periodic Hann window, float32, shape (win_length,); or that of Kaldi."""
        from scipy.signal import get_window

        if self.kaldi:
            name, power = ("hann", 0.85) if self.kaldi == "povey" else ("hamming", 1)
            window = get_window(name, self.win_length, fftbins=False)
            return (window**power).astype(np.float32)
        return get_window("hann", self.win_length).astype(np.float32)

    @cached_property
    def mel_filters(self):
        """Weights of the mel bands, float32, shape (n_fft // 2 + 1, n_mels)."""
        from librosa.filters import mel

        if self.kaldi:
            low, center, high = (self._kaldi_edges[i:][: self.n_mels] for i in range(3))
            hertz = np.arange(self.n_fft // 2 + 1)[:, None] * self.sr / self.n_fft
            bins = 1127 * np.log1p(hertz / 700)
            sides = (bins - low) / (center - low), (high - bins) / (high - center)
            return np.minimum(*sides).clip(0).astype(np.float32)
        filters = mel(
            sr=self.sr,
            n_fft=self.n_fft,
            n_mels=self.n_bins,
            fmin=self.fmin,
            fmax=self.fmax,
        )
        return filters.T

    @cached_property
    def _filter_blocks(self):
        """Blocks of neighboring mel bands: (STFT bins, bands, weights) of each."""
        blocks = []
        for first in range(0, self.n_bins, _BANDS):
            bands = slice(first, first + _BANDS)
            used = np.flatnonzero(self.mel_filters[:, bands].any(axis=1))
            bins = slice(used[0], used[-1] + 1) if len(used) else slice(0)
            weights = np.ascontiguousarray(self.mel_filters[bins, bands])
            blocks.append((bins, bands, weights))
        return blocks

    def __call__(self, samples, sr):
        """Compute the spectrogram of one recording.

        Parameters
        ----------
        samples : array_like
            One channel, shape (samples,).
        sr : int
            Sampling rate of `samples` in hertz.

        Returns
        -------
        numpy.ndarray
            In dB, float32, shape (time, mel); without mel bands, (time, n_bins). The
            first window starts at the first sample, and the last one ends within the
            recording: no frame contains padding (librosa's ``center=False``).

        Raises
        ------
        ArgumentError
            If `samples` has more than one axis, is shorter than one window, or has a
            type that `audio.as_float` refuses.
        """
        samples = audio.as_float(samples)
        if samples.ndim != 1 or not samples.size:
            raise ArgumentError(
                "samples must be one channel of at least one sample, shape (samples,); "
                f"got {samples.shape}"
            )
        return self._compute(lambda: [(samples, sr)])

    def from_file(self, path, start=0.0, duration=None):
        """Compute the spectrogram of a recording in a file.

        Parameters
        ----------
        path : str or os.PathLike
            The sound file.
        start, duration : float
            The part to read, in seconds; the whole file by default.

        Returns
        -------
        numpy.ndarray
            As for `__call__`, shape (time, mel).

        Raises
        ------
        AudioError
            If the file cannot be read, or is too short.
        """
        part = {"start": start, "duration": duration, "seconds": _SECONDS}
        read = partial(audio.blocks, path, **part)
        with closing(read()) as recording:
            beginning = list(itertools.islice(recording, 2))
        if len(beginning) > 1:
            beginning = []  # held, they would add to the memory
        try:
            return self._compute((lambda: beginning) if beginning else read, path)
        except ArgumentError as error:
            raise AudioError(path, str(error)) from error

    def _compute(self, read, path=None):
        """Compute the frames of a recording, of which one piece is held at a time.

        `read` yields the pieces (samples, sr) from the beginning. It is called twice,
        for the level and for the frames.
        """
        level = audio.Level(with_rms=self.level_db is not None)
        for samples, sr in read():  # noqa: B007 - used below
            level.add(samples)
        if path is not None:
            level.check(path)
        audio.resample(samples[:1], sr, self.sr)  # refuses impossible rates
        recording = (self._normalize(samples, level) for samples, _ in read())
        hop, longest = self.hop_length, max(self.win_length, self.hop_length)
        n_frames = int(level.n * self.sr / sr / hop) + 1
        frames = np.empty((n_frames, self.n_bins), dtype=np.float32)
        rest, done = np.empty(0, dtype=np.float32), 0
        for samples in _resampled(recording, sr, self.sr):
            rest = np.concatenate([rest, samples]) if len(rest) else samples
            n = (len(rest) - longest) // hop + 1
            if n > 0:
                end = (n - 1) * hop + self.win_length
                self._decibels(rest[:end], out=frames[done : done + n])
                rest, done = rest[n * hop :], done + n
        if len(rest) >= self.win_length:  # only if there are gaps between windows
            self._decibels(rest[: self.win_length], out=frames[done : done + 1])
            done += 1
        if not done:
            raise ArgumentError(
                f"a recording must have at least {self.win_length} samples, the length "
                f"of one window; got {len(rest)} samples at {self.sr} Hz"
            )
        return frames[:done]

    def _normalize(self, samples, level):
        """Remove the offset, and bring the root mean square to `level_db`."""
        if self.level_db is None:
            return samples
        offset, rms = level.offset_and_rms()
        gain = 10 ** (self.level_db / 20) / rms
        return (samples - np.float32(offset)) * np.float32(gain)

    def _decibels(self, samples, out):
        """Compute the frames (time, n_bins) of samples at the right sampling rate.

        Blocks of frames reuse the same memory: the spectrum of an hour of sound would
        take a gigabyte, and allocating it costs more than the arithmetic.
        """
        from scipy.fft import rfft

        frames = np.lib.stride_tricks.sliding_window_view(samples, self.win_length)
        frames = frames[:: self.hop_length]
        size = min(_BLOCK, len(frames))
        padded = np.zeros((size, self.n_fft), dtype=np.float32)
        squares = np.empty((2, size, self.n_fft // 2 + 1), dtype=np.float32)
        for i in range(0, len(frames), size):
            block, power = frames[i : i + size], out[i : i + size]
            windowed, (real, imag) = padded[: len(block)], squares[:, : len(block)]
            if self.kaldi:
                block = block - block.mean(axis=1, keepdims=True)
                before = np.concatenate([block[:, :1], block[:, :-1]], axis=1)
                block -= np.float32(0.97) * before
            np.multiply(block, self.window, out=windowed[:, : self.win_length])
            spectrum = rfft(windowed, axis=1)
            np.square(spectrum.real, out=real)
            np.square(spectrum.imag, out=imag)
            real += imag
            if self.n_mels is None:
                first = int(np.ceil(self.fmin * self.n_fft / self.sr))
                power[:] = real[:, first : first + self.n_bins]
            else:
                for bins, bands, weights in self._filter_blocks:
                    np.matmul(real[:, bins], weights, out=power[:, bands])
            np.maximum(power, np.float32(10 ** (self.floor_db / 10)), out=power)
            np.multiply(10, np.log10(power, out=power), out=power)


def _resampled(pieces, orig_sr, target_sr):
    """Yield the pieces of a recording at another sampling rate.

    They are the same as those of the whole recording, resampled at once.
    """
    if orig_sr == target_sr:
        yield from pieces
        return
    import soxr

    stream = soxr.ResampleStream(orig_sr, target_sr, 1, dtype="float32")
    for samples in pieces:
        yield stream.resample_chunk(samples)
    yield stream.resample_chunk(samples[:0], last=True)
