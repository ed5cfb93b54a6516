"""The spectrogram lab (notebook 01): resolution in time and frequency."""

import dataclasses
import warnings

import numpy as np
import traitlets

from ..errors import ArgumentError
from ..features import Spectrogram
from ._view import Lab

_BANDS = (10, 20, 40, 80, 128)


@dataclasses.dataclass(frozen=True)
class SpectrogramAnalysis:
    """A spectrogram and its resolution.

    Parameters
    ----------
    spectrogram : Spectrogram
        Its settings.
    frames, bands : int
        Its shape.
    time_resolution : float
        In seconds. Half the window, over which a Hann window is above half its height,
        or the hop if that is longer.
    frequency_resolution : float
        In hertz, at the low end. 2 divided by the window, the 6-dB width of the
        spectrum of a Hann window (Harris, 1978), or the distance of two bands if that
        is wider.
    at_floor : float
        Share of the values at the floor.
    skipped : float
        Share of the samples outside of all windows, if the hop is longer.
    empty_bands : int
        Mel bands too narrow to contain a bin of the transform: always at the floor.
    values : numpy.ndarray
        In dB, shape (time, mel).
    """

    spectrogram: Spectrogram
    frames: int
    bands: int
    time_resolution: float
    frequency_resolution: float
    at_floor: float
    skipped: float
    empty_bands: int
    values: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """Summarize in one line."""
        return (
            f"{self.frames} frames x {self.bands} bands; resolution "
            f"{1e3 * self.time_resolution:.1f} ms, {self.frequency_resolution:.0f} Hz; "
            f"{self.at_floor:.1%} at the floor; {self.empty_bands} bands empty"
        )


def analyze(samples, sr, spectrogram):
    """Compute a spectrogram and its resolution.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), one channel.
    sr : int
        Sampling rate in hertz.
    spectrogram : Spectrogram
        The settings.

    Returns
    -------
    SpectrogramAnalysis
        The spectrogram and its resolution.

    Raises
    ------
    ArgumentError
        If the samples are not one channel, or shorter than one window.

    Examples
    --------
    A longer window resolves frequencies better, and times worse:

    >>> noise = np.random.default_rng(0).normal(size=16000)
    >>> result = analyze(noise, 16000, Spectrogram(win_length=512, n_mels=None))
    >>> result.time_resolution, result.frequency_resolution
    (0.016, 62.5)
    >>> result = analyze(noise, 16000, Spectrogram(win_length=1024, n_mels=None))
    >>> result.time_resolution, result.frequency_resolution
    (0.032, 31.25)
    """
    # librosa warns about empty filters, which are counted below.
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        values = spectrogram(samples, sr)
    step = spectrogram.hop_seconds
    window = spectrogram.win_length / spectrogram.sr
    first, second = spectrogram.frequencies[:2]
    filters = np.ones(1) if spectrogram.n_mels is None else spectrogram.mel_filters
    return SpectrogramAnalysis(
        spectrogram,
        frames=len(values),
        bands=spectrogram.n_bins,
        time_resolution=max(window / 2, step),
        frequency_resolution=max(2 / window, float(second - first)),
        # Up to rounding.
        at_floor=float(np.mean(values <= spectrogram.floor_db + 1e-3)),
        skipped=max(0.0, 1 - window / step),
        empty_bands=int(np.sum(~filters.any(axis=0))),
        values=values,
    )


def settings(sr, window=0.025, hop=0.01, n_mels=128, floor_db=-100):
    """Make a `Spectrogram` from the values of the lab's controls.

    Parameters
    ----------
    sr : int
        Sampling rate in hertz.
    window, hop : float
        In seconds.
    n_mels : int or "all"
        Number of mel bands, or all bins of the Fourier transform.
    floor_db : float
        In dB.

    Returns
    -------
    Spectrogram
        Its `n_fft` is a power of two, at least the window, and at least twice the
        window with mel bands.
    """
    win_length = int(sr * window + 0.5)  # as in JavaScript, halves are rounded up
    # Low mel bands are narrower than a bin of a transform as long as the window.
    shortest = win_length if n_mels == "all" else 2 * win_length
    return Spectrogram(
        sr=sr,
        n_fft=2 ** int(np.ceil(np.log2(shortest))),
        win_length=win_length,
        hop_length=int(sr * hop + 0.5),
        n_mels=None if n_mels == "all" else n_mels,
        floor_db=floor_db,
    )


class SpectrogramLab(Lab):
    """Drag a window over a recording, and see its spectrum and the spectrogram.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), in [-1, 1], from 0.128 to 3 s.
    sr : int
        Sampling rate in hertz.

    Attributes
    ----------
    window, hop : float
        In seconds, from 0.004 to 0.128 and from 0.002 to 0.064.
    n_mels : {10, 20, 40, 80, 128, "all"}
        Number of mel bands; "all" for the bins of the Fourier transform.
    floor_db : int
        In dB, from -100 to 20.
    time : float
        Center of the window whose spectrum is shown, in seconds; it changes no other
        number. At first the loudest 25 ms.

    Raises
    ------
    ArgumentError
        If the samples are not one channel, not finite, too short or too long.

    Examples
    --------
    >>> lab = SpectrogramLab(np.random.default_rng(0).normal(0, 0.1, 8000), 16000)
    >>> lab.result.spectrogram == Spectrogram()
    True
    >>> lab.set(hop=0.016, n_mels="all")
    >>> lab.result.frames, lab.result.bands
    (30, 257)
    """

    window = traitlets.Float(0.025, min=0.004, max=0.128).tag(sync=True, control=True)
    hop = traitlets.Float(0.01, min=0.002, max=0.064).tag(sync=True, control=True)
    n_mels = traitlets.Enum([*_BANDS, "all"], 128).tag(sync=True, control=True)
    floor_db = traitlets.Int(-100, min=-100, max=20).tag(sync=True, control=True)
    time = traitlets.Float(min=0.0).tag(sync=True, control=True)

    def __init__(self, samples, sr):
        self._samples, self._sr = _check_samples(samples, sr), sr
        mel = {n: Spectrogram(sr=sr, n_mels=n).frequencies.tolist() for n in _BANDS}
        # Of 500 pieces of the recording, the highest and the lowest sample.
        starts = np.linspace(0, len(self._samples), 500, endpoint=False, dtype=int)
        ends = [f.reduceat(self._samples, starts) for f in (np.maximum, np.minimum)]
        super().__init__(samples=self._samples, sr=sr, mel=mel, wave=np.stack(ends, 1))

    @traitlets.default("time")
    def _loudest(self):
        energy = np.convolve(self._samples**2, np.ones(self._sr // 40), mode="same")
        return round(int(np.argmax(energy)) / self._sr, 3)

    def _compute(self, window, hop, n_mels, floor_db, time):
        """Compute the spectrogram; see `analyze`."""
        chosen = settings(self._sr, window, hop, n_mels, floor_db)
        return analyze(self._samples, self._sr, chosen)


def _check_samples(samples, sr):
    samples = np.asarray(samples, dtype=np.float32)
    fits = 0.128 <= len(samples) / sr <= 3  # longer ones would not follow at once
    if samples.ndim != 1 or not fits or not np.isfinite(samples).all():
        raise ArgumentError(
            "samples must be one channel of 0.128 to 3 s and finite; got shape "
            f"{samples.shape} at {sr} Hz. Select a part, such as samples[: 3 * sr]"
        )
    return samples
