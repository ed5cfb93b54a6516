"""Plots of recordings and of their spectrograms."""

import numpy as np

from ..errors import ArgumentError
from .figure_style import get_axes, show_image

_TICKS_KHZ = (0.5, 1, 2, 3, 4, 6, 8, 12, 16)  # enough for mel and for linear scales


def waveform(samples, sr, *, ax=None):
    """Plot a waveform.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,), in [-1, 1].
    sr : int
        Sampling rate in hertz.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Amplitude over time in seconds.
    """
    ax = get_axes(ax, (8, 2))
    ax.plot(np.arange(len(samples)) / sr, samples, linewidth=0.5)
    ax.set(xlabel="time (s)", ylabel="amplitude", xlim=(0, len(samples) / sr))
    return ax


def spectrogram(values, *, hop_seconds=0.010, frequencies=None, ax=None, unit="dB"):
    """Plot a spectrogram.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (time, mel).
    hop_seconds : float
        Time from one frame to the next.
    frequencies : numpy.ndarray, optional
        Center frequencies of the bands in hertz (`Spectrogram.frequencies`), for the
        vertical axis. Without them the bands are numbered.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.
    unit : str
        Label of the color bar.

    Returns
    -------
    matplotlib.axes.Axes
        Time in seconds on the horizontal axis, frequency on the vertical one.

    Raises
    ------
    ArgumentError
        If the array does not have two axes.
    """
    values = np.asarray(values)
    if values.ndim != 2:
        raise ArgumentError(
            f"a spectrogram must have shape (time, mel); got {values.shape}"
        )
    ax = get_axes(ax, (8, 3))
    extent = (0, len(values) * hop_seconds, 0, values.shape[1])
    show_image(ax, values.T, unit, cmap="magma", extent=extent)
    ax.set(xlabel="time (s)", ylabel="band")
    if frequencies is not None:
        low, high = frequencies[0], frequencies[-1]
        ticks = np.array([khz for khz in _TICKS_KHZ if low <= 1000 * khz <= high])
        bands = np.interp(1000 * ticks, frequencies, np.arange(len(frequencies)))
        ax.set_yticks(bands + 0.5, [f"{khz:g}" for khz in ticks])
        ax.set_ylabel("frequency (kHz)")
    return ax
