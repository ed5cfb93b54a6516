"""One recording: from samples to frames."""

import dataclasses
import math
from functools import cached_property

import numpy as np

from .. import audio
from ..errors import ArgumentError

__all__ = ["Spectrogram"]

# Frames at a time: their spectrum stays within a processor's cache.
_BLOCK = 256
# Mel bands at a time: each hears few bins, and neighbors hear nearly the same ones.
# The whole product, nearly all of it with 0, took as long as the transform.
_BANDS = 16


@dataclasses.dataclass(frozen=True)
class Spectrogram:
    """Description of a log-power spectrogram, on the mel scale or as it is.

    Parameters
    ----------
    rate : int
        Samples per second; recordings at another rate are resampled.
    window : float
        Length of the Hann window, in seconds.
    hop : float
        From one frame to the next, in seconds.
    bands : int or None
        Number of mel bands (Slaney, 1998), each of unit area. None leaves the bins
        of the short-time Fourier transform as they are: 257 of them by default.
    f_min, f_max : float
        Where the first band begins and the last ends, in hertz; `f_max` is half
        the rate if not given. Without mel bands, bins outside are left out.
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
    >>> Spectrogram(bands=None).width
    257
    """

    rate: int = 16000
    window: float = 0.025
    hop: float = 0.010
    bands: int | None = 128
    f_min: float = 0.0
    f_max: float | None = None
    floor: float = -100.0

    def __post_init__(self):
        for name in ("rate", "window", "hop", "bands"):
            value = getattr(self, name)
            if not (value is None and name == "bands") and not value > 0:
                raise ArgumentError(f"{name} must be positive; got {value}")
        for name in ("window", "hop"):
            if not 1 <= getattr(self, name) * self.rate < math.inf:
                raise ArgumentError(
                    f"{name} must last a sample at least, 1 / {self.rate} s; got "
                    f"{getattr(self, name)} s"
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

        At least twice the window where there are mel bands: 128 of them at 16 kHz
        are narrower at the low end than a bin of a transform of the window's own
        length.
        """
        least = self.win_length * (1 if self.bands is None else 2)
        return 2 ** int(np.ceil(np.log2(least)))

    @cached_property
    def width(self):
        """Numbers in each frame: mel bands, or bins of the transform."""
        return len(self.frequencies)

    @property
    def frequencies(self):
        """Center of each band or bin in hertz, shape (bands,)."""
        import librosa

        top = self.rate / 2 if self.f_max is None else self.f_max
        if self.bands is None:
            bins = librosa.fft_frequencies(sr=self.rate, n_fft=self.n_fft)
            return bins[(bins >= self.f_min) & (bins <= top)]
        edges = librosa.mel_frequencies(self.bands + 2, fmin=self.f_min, fmax=top)
        return edges[1:-1]

    @cached_property
    def hann(self):
        """Window, periodic (von Hann), float32, shape (win_length,)."""
        from scipy.signal import get_window

        # Periodic, as spectral analysis wants it and librosa has it.
        return get_window("hann", self.win_length).astype(np.float32)

    @cached_property
    def _bins(self):
        """Bins of the transform that are kept where there are no mel bands."""
        first = int(np.ceil(self.f_min * self.n_fft / self.rate))
        return slice(first, first + self.width)

    @cached_property
    def filters(self):
        """Weights of the mel bands, float32, shape (bins, bands)."""
        import librosa

        return np.ascontiguousarray(
            librosa.filters.mel(
                sr=self.rate,
                n_fft=self.n_fft,
                n_mels=self.width,
                fmin=self.f_min,
                fmax=self.f_max,
                dtype=np.float32,
            ).T
        )

    @cached_property
    def _groups(self):
        """Neighboring bands: the bins that they hear, which they are, and weights."""
        groups = []
        for first in range(0, self.width, _BANDS):
            bands = slice(first, first + _BANDS)
            heard = np.flatnonzero(self.filters[:, bands].any(axis=1))
            bins = slice(heard[0], heard[-1] + 1) if len(heard) else slice(0)
            weights = np.ascontiguousarray(self.filters[bins, bands])
            groups.append((bins, bands, weights))
        return groups

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
        """Power (frames, bands) of stretches (frames, win_length).

        In blocks, whose memory is used again: the spectrum of an hour of sound would
        take a gigabyte, and fresh memory costs more than the arithmetic.
        """
        from scipy.fft import rfft

        power = np.empty((len(stretches), self.width), dtype=np.float32)
        block = min(_BLOCK, len(stretches))
        padded = np.zeros((block, self.n_fft), dtype=np.float32)
        squares = np.empty((2, block, self.n_fft // 2 + 1), dtype=np.float32)
        for i in range(0, len(stretches), block):
            n = min(block, len(stretches) - i)
            windowed, (real, imag) = padded[:n], squares[:, :n]
            np.multiply(
                stretches[i : i + n], self.hann, out=windowed[:, : self.win_length]
            )
            spectrum = rfft(windowed, axis=1)
            np.square(spectrum.real, out=real)
            np.square(spectrum.imag, out=imag)
            real += imag
            if self.bands is None:
                power[i : i + n] = real[:, self._bins]
            else:
                for bins, bands, weights in self._groups:
                    np.matmul(real[:, bins], weights, out=power[i : i + n, bands])
        return power
