"""The picture of the spectrogram lab."""

import dataclasses

import librosa
import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from .. import plots
from ._base import Picture

MIN_DB = -100  # lower end of the colors, and of the slider for the floor
# Upper end of the axis of the bands: the lower harmonics of a voice.
_LOW = 2000.0  # Hz
_CLOSE = 0.23  # s: the longest window and the next one
_TICKS = np.array([250, 500, 1000, 2000, 3000, 4000, 6000, 8000, 12000, 16000])  # Hz


class SpectrogramPicture(Picture):
    """Recording and spectrogram; one window, and the weights of the bands."""

    def __init__(self, samples, sr):
        self._samples, self._sr = samples, sr
        # The window that is shown is near the loudest 25 ms.
        power = np.convolve(np.square(samples), np.ones(round(0.025 * sr)), "same")
        self._loudest = float(np.argmax(power)) / sr
        self._height = float(np.abs(samples).max()) or 1.0
        super().__init__(
            (11.5, 6), "ab;cd", width_ratios=(1.6, 1), height_ratios=(1, 2)
        )

    def prepare(self):
        """Draw the waveform twice, and the axes."""
        whole, close, spectrogram, bands = self.axes
        for ax in (whole, close):
            plots.waveform(self._samples, self._sr, ax=ax)
            ax.lines[0].set_color("0.4")
            ax.set_ylim(-1.1 * self._height, 1.1 * self._height)
        whole.set(xlabel="", title="the recording, and one window")
        self._span = whole.axvspan(0, 1, color="C1", alpha=0.7)
        last = max(0, len(self._samples) / self._sr - _CLOSE)
        first = np.clip(self._loudest - 0.4 * _CLOSE, 0, last)
        close.set_xlim(first, first + _CLOSE)
        close.set_title("that window (solid) and the next one (dashed)")
        self._windows = [
            close.plot([], [], color=color, linestyle=style, linewidth=2)[0]
            for color, style in (("C0", "-"), ("C4", "--"))
        ]
        self._image = spectrogram.imshow(
            [[0.0]],
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            # Values at the floor are drawn below the scale, in gray.
            norm=Normalize(MIN_DB, 40),
            cmap=colormaps["magma"].with_extremes(under="0.7"),
        )
        label = "level (dB; gray: at the floor)"
        axes = [whole, spectrogram]
        self.figure.colorbar(self._image, ax=axes, label=label, extend="both")
        spectrogram.set_xlim(0, len(self._samples) / self._sr)
        spectrogram.set(xlabel="time (s)", ylabel="frequency (kHz)")
        spectrogram.set_title("the spectrogram")
        spectrogram.grid(visible=False)
        bands.set(xlim=(0, min(_LOW, self._sr / 2)), ylim=(0, 1.05))
        bands.xaxis.set_major_formatter(lambda hertz, _: f"{hertz / 1000:g}")
        bands.set(xlabel="frequency (kHz)", ylabel="relative to the largest")
        bands.set_title("its spectrum (black) and the bands")
        colors = ["C0", "C1"]  # alternating
        self._bands = LineCollection([], linewidth=1, alpha=0.6, colors=colors)
        bands.add_collection(self._bands)
        self._spectrum = bands.stairs([0], [0, 1], color="black", linewidth=1.5)
        moving = (self._span, *self._windows, self._bands, self._spectrum)
        return (*moving, self._image, spectrogram.yaxis)

    def draw(self, result):
        """Move the windows, and draw the map and the axis of its bands."""
        self._draw_map(result)
        spectrogram = result.spectrogram
        window, hop = spectrogram.win_length / self._sr, spectrogram.hop_seconds
        i = np.clip(round((self._loudest - window / 2) / hop), 0, result.frames - 1)
        first = i * spectrogram.hop_length
        self._span.set(x=first / self._sr, width=window)
        t = np.linspace(0, window, 65)
        hann = self._height * np.sin(np.pi * t / window) ** 2
        for line, start in zip(self._windows, (0, hop), strict=True):
            line.set_data(first / self._sr + start + t, hann)
        stretch = self._samples[first : first + spectrogram.win_length]
        bins = dataclasses.replace(spectrogram, n_mels=None, floor_db=-200.0)
        (level,) = bins(stretch, self._sr)
        half = bins.frequencies[1] / 2
        edges = np.append(bins.frequencies - half, bins.frequencies[-1] + half)
        self._spectrum.set_data(10 ** ((level - level.max()) / 20), edges)
        self._bands.set_segments(_outlines(spectrogram, result.weights))

    def _draw_map(self, result):
        spectrogram, axis = result.spectrogram, self._image.axes
        marked = np.where(result.cut_off, 2 * MIN_DB, result.values)
        self._image.set_data(marked.T)
        # Mel bands are equidistant in mel, and bins in hertz.
        centers, ticks = spectrogram.frequencies, _TICKS
        if spectrogram.n_mels is None:
            positions = ticks = ticks[ticks >= 1000]
        else:
            centers, positions = librosa.hz_to_mel(centers), librosa.hz_to_mel(ticks)
        half = (centers[1] - centers[0]) / 2
        low, high = centers[0] - half, centers[-1] + half
        inside = (positions >= low) & (positions <= high)
        axis.set_ylim(low, high)
        axis.set_yticks(positions[inside], [f"{f / 1000:g}" for f in ticks[inside]])
        # A frame is at the center of its window.
        window, hop = spectrogram.win_length / self._sr, spectrogram.hop_seconds
        left = (window - hop) / 2
        right = left + result.frames * hop
        self._image.set_extent((left, right, low, high))


def _outlines(spectrogram, weights):
    """Return the weights of each low band as a line (points, 2) over hertz."""
    frequencies = np.linspace(0, spectrogram.sr / 2, len(weights))
    weights = weights / weights.max()
    lines = []
    for column in weights[:, spectrogram.frequencies <= _LOW].T:
        (bins,) = np.nonzero(column)
        if len(bins):
            shown = slice(max(bins[0] - 1, 0), bins[-1] + 2)
            lines.append(np.column_stack([frequencies[shown], column[shown]]))
    return lines
