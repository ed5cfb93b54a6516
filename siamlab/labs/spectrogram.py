"""The spectrogram lab (notebook 01): resolution in time and frequency."""

import dataclasses
import io
import warnings

import ipywidgets
import numpy as np
import soundfile

from ..errors import ArgumentError
from ..features import Spectrogram
from ._base import Lab
from ._spectrogram_picture import MIN_DB, SpectrogramPicture

_WINDOWS = (4, 8, 16, 25, 32, 64, 128)  # ms
_HOPS = (2, 5, 10, 16, 20, 32, 64)  # ms
_BANDS = (10, 20, 40, 80, 128)
# With longer recordings, the picture would no longer follow at once.
_MAX_SECONDS = 5.0  # s


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
    cut_off : numpy.ndarray
        Which values are at the floor, bool, shape (time, mel).
    weights : numpy.ndarray
        Of each STFT bin in each band, shape (bins, bands).
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
    cut_off: np.ndarray = dataclasses.field(repr=False, compare=False)
    weights: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """Summarize in one line of HTML."""
        text = (
            f"<b>{self.frames}</b> frames x <b>{self.bands}</b> bands; resolution "
            f"<b>{1000 * self.time_resolution:.1f} ms</b> and "
            f"<b>{self.frequency_resolution:.0f} Hz</b>; "
            f"<b>{self.at_floor:.1%}</b> of the values at the floor"
        )
        if self.skipped:
            text += f"; <b>{self.skipped:.0%}</b> of the samples in no window"
        if self.empty_bands:
            text += f"; <b>{self.empty_bands} bands empty</b>: too narrow for a bin"
        return text


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
    with warnings.catch_warnings():
        # librosa warns about empty filters, which are counted below.
        warnings.filterwarnings("ignore", message="Empty filters")
        values = spectrogram(samples, sr)
    cut_off = values <= spectrogram.floor_db + 1e-3  # up to rounding
    with_bands = spectrogram.n_mels is not None
    weights = spectrogram.mel_filters if with_bands else np.eye(spectrogram.n_bins)
    return SpectrogramAnalysis(
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
        at_floor=float(np.mean(cut_off)),
        skipped=max(0.0, 1 - spectrogram.win_length / spectrogram.hop_length),
        empty_bands=int(np.sum(~weights.any(axis=0))),
        values=values,
        cut_off=cut_off,
        weights=weights,
    )


def wav_bytes(samples, sr):
    """Return samples as the bytes of a WAV file, for an audio player.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), in [-1, 1].
    sr : int
        Sampling rate in hertz.

    Returns
    -------
    bytes
        16 bits per sample.
    """
    content = io.BytesIO()
    soundfile.write(content, samples, sr, format="WAV", subtype="PCM_16")
    return content.getvalue()


def settings(sr, window=0.025, hop=0.01, n_mels=128, floor_db=MIN_DB):
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
    win_length = round(sr * window)
    # Low mel bands are narrower than a bin of a transform as long as the window.
    shortest = win_length if n_mels == "all" else 2 * win_length
    return Spectrogram(
        sr=sr,
        n_fft=2 ** int(np.ceil(np.log2(shortest))),
        win_length=win_length,
        hop_length=round(sr * hop),
        n_mels=None if n_mels == "all" else n_mels,
        floor_db=floor_db,
    )


class SpectrogramLab(Lab):
    """Compute the spectrogram of a recording with other windows, hops and bands.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), in [-1, 1], at most 5 s.
    sr : int
        Sampling rate in hertz.

    Attributes
    ----------
    window, hop : ipywidgets.SelectionSlider
        In seconds, shown in milliseconds.
    n_mels : ipywidgets.SelectionSlider
        Number of mel bands; "all" for the bins of the Fourier transform.
    floor_db : ipywidgets.IntSlider
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
    >>> lab.result.spectrogram == Spectrogram()
    True
    >>> lab.set(hop=0.016, n_mels="all")
    >>> lab.result.frames, lab.result.bands
    (30, 257)
    """

    def __init__(self, samples, sr):
        samples = _check_samples(samples, sr)

        def compute(window, hop, n_mels, floor_db):
            return analyze(samples, sr, settings(sr, window, hop, n_mels, floor_db))

        controls = {
            "window": _slider("window", _WINDOWS, 0.025),
            "hop": _slider("hop", _HOPS, 0.01),
            "n_mels": ipywidgets.SelectionSlider(
                options=[*((str(n), n) for n in _BANDS), ("all bins", "all")],
                value=128,
                description="mel bands",
            ),
            "floor_db": ipywidgets.IntSlider(
                MIN_DB, min=MIN_DB, max=20, step=5, description="floor (dB)"
            ),
        }
        self.sound = ipywidgets.Audio(
            value=wav_bytes(samples, sr), format="wav", autoplay=False, loop=False
        )
        super().__init__(
            controls,
            compute,
            SpectrogramPicture(samples, sr),
            "all bins and a hop of 2 ms, then the window from 4 to 128 ms: when do "
            "vertical stripes (pulses of a low voice) become horizontal ones (its "
            "harmonics)? Then raise the floor until the sentence starts to vanish.",
            extra_widgets=[self.sound],
        )


def _slider(name, milliseconds, first):
    options = [(f"{n} ms", n / 1000) for n in milliseconds]
    return ipywidgets.SelectionSlider(options=options, value=first, description=name)


def _check_samples(samples, sr):
    samples = np.atleast_1d(np.asarray(samples, dtype=np.float32))
    longest = int(_MAX_SECONDS * sr)
    # Refuses samples that cannot be analyzed.
    analyze(samples[:longest], sr, settings(sr))
    if len(samples) > longest:
        raise ArgumentError(
            f"the lab takes at most {_MAX_SECONDS:g} s, to stay fast; got "
            f"{len(samples) / sr:.1f} s. Select a part, such as samples[: 3 * sr]"
        )
    bad = np.count_nonzero(~np.isfinite(samples))
    if bad:
        raise ArgumentError(
            f"samples must be finite; {bad} of {len(samples)} are not. Export the "
            "recording again."
        )
    return samples
