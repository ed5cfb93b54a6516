"""The scaling lab (notebook 02): an LSTM whose input is far from 0."""

import dataclasses

import numpy as np
import traitlets
from scipy.special import expit, ndtr

from .. import scaling as scalers
from ..errors import ArgumentError
from ._view import Lab

# Beyond it, the slope of a sigmoid is below 0.018: see `scaling.gate_saturation`.
SATURATION = 4.0
# Decibels in one unit of the natural logarithm of the magnitude.
_DB_PER_NEPER = 20 / np.log(10)
_FRAMES = 100  # of which the view gets the gates


@dataclasses.dataclass(frozen=True)
class FirstStep:
    """An untrained LSTM whose state is 0, on each frame of a spectrogram.

    Parameters
    ----------
    mean : float
        Mean of the scaled values.
    middle : tuple of float
        Their 5th and 95th percentile.
    saturated : float
        Share of the pre-activations of the gates beyond 4, where a sigmoid is flat.
    expected : float
        The same if they were normal with the variance of the initialization (Glorot
        and Bengio, 2010).
    change : float
        Standard deviation of a gate over the frames, on average.
    shared : float
        Share of the squared gradient at the input weights that is the same for all
        bands. For a frame x the gradient is the product of x and one number for each
        gate, so this is the share of the mean over the bands in the squared input.
    """

    mean: float
    middle: tuple[float, float]
    saturated: float
    expected: float
    change: float
    shared: float

    def __str__(self):
        """Summarize in one line."""
        return (
            f"mean {self.mean:.2f}; {self.saturated:.1%} saturated (formula: "
            f"{self.expected:.1%}), change {self.change:.3f}, alike {self.shared:.0%}"
        )


def first_step(x, shift=0.0, scale=1.0, units=64, seed=0):
    """Compute the gates of an untrained LSTM on each frame of a spectrogram.

    The state is 0, as in the first frame of an utterance.

    Parameters
    ----------
    x : numpy.ndarray
        Shape (time, mel).
    shift, scale : float
        The input of the LSTM is ``(x - shift) / scale``.
    units : int
        Units of the LSTM, which is initialized as in Keras.
    seed : int
        Seed of its weights.

    Returns
    -------
    FirstStep
        Statistics of input and gates.

    Raises
    ------
    ArgumentError
        If the shape differs, a value is not finite, or the scale is not positive.

    Examples
    --------
    A constant offset saturates the gates, and moves all weights of a gate alike:

    >>> x = np.random.default_rng(0).normal(size=(50, 40))
    >>> centered, shifted = first_step(x), first_step(x, shift=12)
    >>> centered.saturated < 0.01 < 0.3 < shifted.saturated
    True
    >>> centered.shared < 0.1 < 0.9 < shifted.shared
    True
    """
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 2 or not x.size or not np.isfinite(x).all() or not scale > 0:
        got = f"shape {x.shape}, {np.sum(~np.isfinite(x))} not finite, scale {scale}"
        raise ArgumentError(f"a spectrogram (time, mel) needs a floor_db; got {got}")
    bands = x.shape[1]
    kernel, bias = draw_gates(bands, units, seed)
    # In the precision of the view, so that both count the same gates.
    inputs = np.float32(x @ kernel).astype(np.float64)
    z = inputs / scale + (bias - shift / scale * kernel.sum(axis=0))
    mean, *middle, square, frames = _moments((x - shift) / scale)
    # Silence that is scaled to 0 has no gradient at all.
    square = max(square, 1e-18)
    s = np.sqrt(2 * bands * square / (bands + 4 * units))
    return FirstStep(
        mean=mean,
        middle=tuple(middle),
        saturated=float(np.mean(np.abs(z) > SATURATION)),
        expected=float(2 * ndtr(-SATURATION / s)),
        change=float(expit(z).std(axis=0).mean()),
        shared=frames / square,
    )


def _moments(x):
    """Mean, 5th and 95th percentile, mean square, and mean square of frames' means."""
    squares = np.mean(x**2), np.mean(x.mean(axis=1) ** 2)
    return np.hstack((x.mean(), np.percentile(x, (5, 95)), squares)).tolist()


def draw_gates(bands, units=64, seed=0):
    """Draw the input weights of the gates of an LSTM, as `keras.layers.LSTM` does.

    Glorot-uniform (Glorot and Bengio, 2010), and a forget bias of 1 (Jozefowicz et al.,
    2015). The candidate, which is not a gate, is left out. The units of each
    gate are sorted by the sum of their weights.

    Parameters
    ----------
    bands, units : int
        Size of input and output.
    seed : int
        Seed of the weights.

    Returns
    -------
    kernel : numpy.ndarray
        Shape (mel, 3 * units): input gate, forget gate, output gate.
    bias : numpy.ndarray
        Shape (3 * units,).
    """
    limit = np.sqrt(6 / (bands + 4 * units))
    rng = np.random.default_rng(seed)
    kernel = rng.uniform(-limit, limit, (bands, 3 * units))
    order = np.lexsort((kernel.sum(axis=0), np.repeat([0, 1, 2], units)))
    return kernel[:, order], np.repeat([0.0, 1.0, 0.0], units)


class ScalingLab(Lab):
    """Drag the range that is scaled to -1 to 1, and see the gates of an LSTM.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        In dB, shape (time, mel) each. "standardized" uses the statistics of all; the
        first one is shown, and up to 100 frames of its gates.
    reference_db : float
        Level in dB at which the natural logarithm of the magnitude is 0.

    Attributes
    ----------
    low, high : float
        Natural logarithms of the magnitude that are scaled to -1 and to 1.
    per_band : bool
        Whether each band first gets the mean and the standard deviation of all.
    settings : dict of str to dict
        Values of these controls for the scalings of notebook 02, "raw", "plus 20",
        "min-max" and "standardized", and for min-max with a floor that is 100 dB lower.

    Raises
    ------
    ArgumentError
        If the features are not spectrograms, a value of the first is not finite, or
        `high` is not above `low`.

    Examples
    --------
    >>> frames = np.random.default_rng(0).normal(-100, 15, size=(2, 60, 40))
    >>> lab = ScalingLab(list(frames))
    >>> lab.result.saturated > 0.1
    True
    >>> lab.set(**lab.settings["standardized"])
    >>> lab.result.saturated < 0.01
    True
    """

    low = traitlets.Float(-1.0).tag(sync=True, control=True)
    high = traitlets.Float(1.0).tag(sync=True, control=True)
    per_band = traitlets.Bool(False).tag(sync=True, control=True)

    def __init__(self, features, reference_db=0.0):
        logs = scalers.AffineScaler(reference_db, _DB_PER_NEPER).transform(features)
        raw = np.asarray(next(iter(logs), ()))
        first_step(raw)  # checks its shape and values
        overall = scalers.StandardScaler(per_band=False).fit(logs)
        mean, std = (float(x) for x in overall.shift_and_scale())
        alike = scalers.StandardScaler().fit(logs).transform(raw) * std + mean
        self._shown = [x[:_FRAMES].astype(float) for x in (raw, alike)]
        low, high = float(raw.min()), max(float(raw.max()), float(raw.min()) + 1)
        lower = low - 100 / _DB_PER_NEPER
        self.settings = {
            "raw": _settings(-1.0, 1.0),
            "plus 20": _settings(-21.0, -19.0),
            "min-max": _settings(low, high),
            "min-max, floor 100 dB lower": _settings(lower, high),
            "standardized": _settings(mean - std, mean + std, per_band=True),
        }
        edges = np.linspace(min(lower, -21.0) - 1.5, max(high, 1.0) + 1.5, 121)
        kernel, bias = draw_gates(raw.shape[1])
        super().__init__(
            settings=self.settings,
            edges=edges.tolist(),
            shares=[list(np.histogram(x, edges)[0] / x.size) for x in (raw, alike)],
            moments=[_moments(x) for x in self._shown],
            inputs=np.stack([(x @ kernel).T for x in self._shown]),
            weights=[kernel.sum(axis=0).tolist(), bias.tolist()],
            bands=raw.shape[1],
        )

    def _compute(self, low, high, per_band):
        """Compute the gates; see `first_step`."""
        return first_step(self._shown[per_band], (low + high) / 2, (high - low) / 2)


def _settings(low, high, per_band=False):
    return {"low": low, "high": high, "per_band": per_band}
