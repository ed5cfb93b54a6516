"""The spectrogram lab (notebook 01): what a window hears, and what a band takes."""

import dataclasses
import io
import warnings

import ipywidgets
import librosa
import numpy as np
import soundfile

from ..errors import ArgumentError
from ..features import Spectrogram
from ._lab import Lab
from ._spectrogram import LOWEST, SpectrogramPicture

_WINDOWS = (4, 8, 16, 25, 32, 64, 128)  # ms
_HOPS = (2, 5, 10, 16, 20, 32, 64)  # ms
_BANDS = (10, 20, 40, 80, 128)
# Longer than a sentence, and the answer no longer comes at once.
_LONGEST = 5.0  # s


@dataclasses.dataclass(frozen=True)
class Analysis:
    """A spectrogram, and what can be told apart in it.

    Parameters
    ----------
    spectrogram : Spectrogram
        How it was made.
    frames, bands : int
        Its shape.
    time_resolution : float
        In seconds: what is closer runs together. Half the window, over which a Hann
        window stays above half its height, or the hop if that is longer.
    frequency_resolution : float
        In hertz, at the low end: 2 over the window, the width of a Hann window's
        spectrum 6 dB below its top (Harris, 1978), or the distance of two bands if that
        is wider.
    at_floor : float
        Share of the values that are as low as the floor.
    unheard : float
        Share of the samples that lie in no window, because the hop is longer.
    empty : int
        Mel bands so narrow that they hold no bin of the transform: always at the floor.
    values : numpy.ndarray
        In dB, shape (frames, bands).
    weights : numpy.ndarray
        Of `band_weights`, shape (bins, bands).
    """

    spectrogram: Spectrogram
    frames: int
    bands: int
    time_resolution: float
    frequency_resolution: float
    at_floor: float
    unheard: float
    empty: int
    values: np.ndarray = dataclasses.field(repr=False, compare=False)
    weights: np.ndarray = dataclasses.field(repr=False, compare=False)

    @property
    def cut_off(self):
        """Which values are as low as the floor, shape (frames, bands)."""
        return _cut_off(self.values, self.spectrogram.floor_db)

    def __str__(self):
        """One line of HTML."""
        text = (
            f"<b>{self.frames}</b> frames x <b>{self.bands}</b> bands; tells apart "
            f"what lies <b>{1000 * self.time_resolution:.1f} ms</b> or "
            f"<b>{self.frequency_resolution:.0f} Hz</b> apart; "
            f"<b>{self.at_floor:.1%}</b> of the values at the floor"
        )
        if self.unheard:
            text += f"; <b>{self.unheard:.0%}</b> of the samples in no window"
        if self.empty:
            text += f"; <b>{self.empty} bands empty</b>: no bin is so low and so narrow"
        return text


def analyze(samples, rate, spectrogram):
    """Make a spectrogram, and say what can be told apart in it.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), one channel.
    rate : int
        Samples per second.
    spectrogram : Spectrogram
        How to make it.

    Returns
    -------
    Analysis
        The spectrogram and its numbers.

    Raises
    ------
    ArgumentError
        If the samples are not one channel, or shorter than one window.

    Examples
    --------
    A longer window hears pitches more exactly, and moments less:

    >>> noise = np.random.default_rng(0).normal(size=16000)
    >>> found = analyze(noise, 16000, Spectrogram(n_fft=512, win_length=512, n_mels=None))
    >>> found.time_resolution, found.frequency_resolution
    (0.016, 62.5)
    >>> found = analyze(noise, 16000, Spectrogram(win_length=1024, n_mels=None))
    >>> found.time_resolution, found.frequency_resolution
    (0.032, 31.25)
    """
    with warnings.catch_warnings():
        # librosa warns of empty filters; we count them.
        warnings.filterwarnings("ignore", message="Empty filters")
        values = spectrogram(samples, rate)
        weights = band_weights(spectrogram)
    return Analysis(
        spectrogram=spectrogram,
        frames=len(values),
        bands=spectrogram.n_bins,
        time_resolution=max(
            spectrogram.win_length / (2 * spectrogram.sr), spectrogram.hop_seconds
        ),
        frequency_resolution=max(
            2 * spectrogram.sr / spectrogram.win_length,
            float(np.diff(spectrogram.frequencies[:2])[0]),
        ),
        at_floor=float(np.mean(_cut_off(values, spectrogram.floor_db))),
        unheard=max(0.0, 1 - spectrogram.win_length / spectrogram.hop_length),
        empty=int(np.sum(~weights.any(axis=0))),
        values=values,
        weights=weights,
    )


def _cut_off(values, floor):
    # Up to rounding.
    return values <= floor + 1e-3


def band_weights(spectrogram):
    """How much each band takes of each bin of the Fourier transform.

    Parameters
    ----------
    spectrogram : Spectrogram
        With or without mel bands.

    Returns
    -------
    numpy.ndarray
        Shape (bins, bands): power in the bins times weights is power in the bands.

    Examples
    --------
    >>> band_weights(Spectrogram(n_mels=40)).shape
    (513, 40)
    """
    if spectrogram.n_mels is None:
        return np.eye(spectrogram.n_bins, dtype=np.float32)
    weights = librosa.filters.mel(
        sr=spectrogram.sr,
        n_fft=spectrogram.n_fft,
        n_mels=spectrogram.n_mels,
        fmin=spectrogram.fmin,
        fmax=spectrogram.fmax,
    )
    return weights.T


def wav(samples, rate):
    """Write samples as the bytes of a WAV file, for a player.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), in [-1, 1].
    rate : int
        Samples per second.

    Returns
    -------
    bytes
        16 bits for each sample.
    """
    content = io.BytesIO()
    soundfile.write(content, samples, rate, format="WAV", subtype="PCM_16")
    return content.getvalue()


class SpectrogramLab(Lab):
    """Make a recording's spectrogram with other windows, hops, bands and floors.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), in [-1, 1], at most 5 s of them.
    rate : int
        Samples per second.

    Attributes
    ----------
    window, hop : ipywidgets.SelectionSlider
        In seconds, shown in milliseconds.
    bands : ipywidgets.SelectionSlider
        Number of mel bands; "all" leaves the bins of the Fourier transform.
    floor : ipywidgets.IntSlider
        In dB.
    sound : ipywidgets.Audio
        The recording.

    Raises
    ------
    ArgumentError
        If the samples are not one channel, not finite, too short or too long.

    Examples
    --------
    >>> lab = SpectrogramLab(np.random.default_rng(0).normal(0, 0.1, 8000), 16000)
    >>> lab.found.spectrogram == Spectrogram()
    True
    >>> lab.set(hop=0.016, bands="all")
    >>> lab.found.frames, lab.found.bands
    (30, 257)
    """

    def __init__(self, samples, rate):
        samples = _checked(samples, rate)

        def compute(**settings):
            return analyze(samples, rate, _in_samples(rate, **settings))

        controls = {
            "window": _slider("window", _WINDOWS, 0.025),
            "hop": _slider("hop", _HOPS, 0.010),
            "bands": ipywidgets.SelectionSlider(
                options=[*((str(n), n) for n in _BANDS), ("all bins", "all")],
                value=128,
                description="mel bands",
            ),
            "floor": ipywidgets.IntSlider(
                LOWEST, min=LOWEST, max=20, step=5, description="floor (dB)"
            ),
        }
        self.sound = ipywidgets.Audio(
            value=wav(samples, rate), format="wav", autoplay=False, loop=False
        )
        super().__init__(
            controls,
            compute,
            SpectrogramPicture(samples, rate),
            "all bins and a hop of 2 ms, then the window from 4 to 128 ms: where do "
            "upright stripes (each pulse of a deep voice) become level ones (its "
            "harmonics)? Then raise the floor until the sentence begins to go.",
            below=[self.sound],
        )


def _in_samples(rate, window, hop, bands, floor):
    """Make a spectrogram of settings in seconds; bands may be "all"."""
    win_length = round(window * rate)
    # Low mel bands are narrower than a bin of a transform of the window's length.
    shortest = win_length if bands == "all" else 2 * win_length
    return Spectrogram(
        rate,
        n_fft=2 ** int(np.ceil(np.log2(shortest))),
        win_length=win_length,
        hop_length=round(hop * rate),
        # No value of a selection may be None.
        n_mels=None if bands == "all" else bands,
        floor_db=floor,
    )


def _slider(name, milliseconds, first):
    options = [(f"{n} ms", n / 1000) for n in milliseconds]
    return ipywidgets.SelectionSlider(options=options, value=first, description=name)


def _checked(samples, rate):
    samples = np.atleast_1d(np.asarray(samples, dtype=np.float32))
    spectrogram = _in_samples(rate, 0.025, 0.010, 128, LOWEST)
    longest = int(_LONGEST * rate)
    analyze(samples[:longest], rate, spectrogram)  # refuses what cannot be analyzed
    if len(samples) > longest:
        raise ArgumentError(
            f"the lab takes at most {_LONGEST:g} s, or it would answer too slowly; got "
            f"{len(samples) / rate:.1f} s. Cut a stretch out: samples[: 3 * rate]."
        )
    bad = np.count_nonzero(~np.isfinite(samples))
    if bad:
        raise ArgumentError(
            f"samples must be finite; {bad} of {len(samples)} are not. Export the "
            "recording again."
        )
    return samples
