"""Pictures of recordings."""

import numpy as np

from ..errors import ArgumentError
from .common import axes

# Enough to read either scale by.
_KILOHERTZ = (0.5, 1, 2, 3, 4, 6, 8, 12, 16)


def waveform(samples, rate, *, ax=None):
    """Draw samples over time.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), in [-1, 1].
    rate : int
        Samples per second.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        With time in seconds and amplitude.
    """
    ax = axes(ax, (8, 2))
    ax.plot(np.arange(len(samples)) / rate, samples, linewidth=0.5)
    ax.set(xlabel="time (s)", ylabel="amplitude", xlim=(0, len(samples) / rate))
    return ax


def spectrogram(frames, *, hop_seconds=0.010, frequencies=None, ax=None, unit="dB"):
    """Draw a spectrogram.

    Parameters
    ----------
    frames : numpy.ndarray
        Shape (frames, bands): time first, as everywhere here.
    hop_seconds : float
        From one frame to the next, in seconds.
    frequencies : numpy.ndarray, optional
        Of the bands in hertz (`Spectrogram.frequencies`), to be written beside
        them; otherwise the bands are counted.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    unit : str
        Beside the color bar.

    Returns
    -------
    matplotlib.axes.Axes
        With time in seconds to the right and bands upwards.

    Raises
    ------
    ArgumentError
        If the array has other than two axes.
    """
    frames = np.asarray(frames)
    if frames.ndim != 2:
        raise ArgumentError(
            f"a spectrogram has shape (frames, bands); got {frames.shape}"
        )
    ax = axes(ax, (8, 3))
    image = ax.imshow(
        frames.T,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="magma",
        extent=(0, len(frames) * hop_seconds, 0, frames.shape[1]),
    )
    ax.figure.colorbar(image, ax=ax, label=unit, pad=0.02)
    ax.set(xlabel="time (s)", ylabel="band")
    if frequencies is not None:
        shown = [f for f in _KILOHERTZ if frequencies[0] <= 1000 * f <= frequencies[-1]]
        places = np.interp(
            1000 * np.array(shown), frequencies, np.arange(len(frequencies))
        )
        ax.set_yticks(places + 0.5, [f"{f:g}" for f in shown])
        ax.set_ylabel("frequency (kHz)")
    ax.grid(visible=False)
    return ax


def value_histogram(frames, *, padding=None, label="value", ax=None):
    """Draw how often each value occurs in spectrograms.

    Parameters
    ----------
    frames : numpy.ndarray or sequence of numpy.ndarray
        Of any shape; all values are counted together.
    padding : float, optional
        What batches are filled up with: a line, to be compared with what is there.
    label : str
        Of the values, with their unit.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        With the share of values in each of 60 bins. What lies beyond the outermost
        0.05 % on either side is counted at the edge: one stray value would leave
        nothing to see of the others.
    """
    ax = axes(ax, (6, 2.5))
    arrays = [frames] if isinstance(frames, np.ndarray) else frames
    values = np.concatenate([np.ravel(array) for array in arrays])
    values = np.clip(values, *np.percentile(values, (0.05, 99.95)))
    ax.hist(values, bins=60, weights=np.full(len(values), 1 / len(values)))
    ax.axvline(0, color="0.6", linewidth=1)
    if padding is not None:
        ax.axvline(padding, color="#D55E00", linestyle="--", label="padding")
        ax.legend()
    ax.set(xlabel=label, ylabel="share")
    return ax
