"""The scaling lab (notebook 02): an LSTM whose input is far from 0."""

import dataclasses
import functools

import ipywidgets
import numpy as np

from .. import scaling as scalers
from ..errors import ArgumentError
from ._base import Lab
from ._numpy_lstm import backpropagate, draw_lstm
from ._scaling_picture import SATURATION, ScalingPicture

# Decibels in one unit of the natural logarithm.
_DB_PER_NAT = 10 / np.log(10)
# Two seconds at the usual hop, so that the picture follows at once.
_FRAMES = 125


@dataclasses.dataclass(frozen=True)
class FirstStep:
    """The first training step of an untrained LSTM on one spectrogram.

    Parameters
    ----------
    mean, std : float
        Mean and standard deviation of the values.
    negative : float
        Share of the values below 0.
    saturated : float
        Share of the pre-activations of the gates beyond 4, where a sigmoid is flat.
    gradient_norm : float
        Norm of the gradient at the input, for a gradient of norm 1 at the outputs.
    shared : float
        Share of the squared gradient at the input weights that is the same for all
        bands: 1 if the first step depends only on the mean over the bands.
    values : numpy.ndarray
        The spectrogram, shape (time, mel).
    sums : numpy.ndarray
        Pre-activations of the gates, shape (time, 3 * units).
    gradient : numpy.ndarray
        At the input weights of gates and candidates, shape (mel, 4 * units).
    """

    mean: float
    std: float
    negative: float
    saturated: float
    gradient_norm: float
    shared: float
    values: np.ndarray = dataclasses.field(repr=False, compare=False)
    sums: np.ndarray = dataclasses.field(repr=False, compare=False)
    gradient: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """Summarize in one line of HTML."""
        return (
            f"mean <b>{self.mean:.2f}</b>, standard deviation <b>{self.std:.2f}</b>, "
            f"<b>{self.negative:.1%}</b> negative; gates beyond {SATURATION:g}: "
            f"<b>{self.saturated:.1%}</b>; norm of the gradient at the input "
            f"<b>{self.gradient_norm:.2f}</b> (at the outputs 1); "
            f"<b>{self.shared:.0%}</b> of the first step is the same for all bands"
        )


def first_step(x, units=64, seed=0):
    """Compute the gradient of the first step of an untrained LSTM on a spectrogram.

    The loss is ``(errors * outputs).sum()`` with errors drawn from a normal
    distribution and scaled to norm 1, as from an untrained output layer. The errors are
    the same for all inputs of one length, so that differences in the gradient come from
    the LSTM and its input alone.

    Parameters
    ----------
    x : numpy.ndarray
        Scaled or not, shape (time, mel).
    units : int
        Units of the LSTM, which is initialized as in Keras.
    seed : int
        Seed of weights and errors.

    Returns
    -------
    FirstStep
        In double precision.

    Raises
    ------
    ArgumentError
        If the shape differs or a value is not finite.

    Examples
    --------
    A constant offset saturates the gates, and moves all weights of a gate alike:

    >>> x = np.random.default_rng(0).normal(size=(50, 40))
    >>> centered, shifted = first_step(x), first_step(x - 12)
    >>> centered.saturated < 0.01 < 0.3 < shifted.saturated
    True
    >>> centered.shared < 0.1 < 0.9 < shifted.shared
    True
    >>> shifted.gradient_norm < 0.8 * centered.gradient_norm
    True
    """
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 2 or not x.size:
        raise ArgumentError(f"a spectrogram has shape (time, mel); got {x.shape}")
    if not np.isfinite(x).all():
        bad = np.count_nonzero(~np.isfinite(x))
        raise ArgumentError(
            f"values must be finite; {bad} of {x.size} are not. Use a Spectrogram with "
            "a floor_db"
        )
    weights, errors = _random_lstm(*x.shape, units, seed)
    sums, deltas = backpropagate(x, errors, *weights)
    # The candidate, third of four in the order of Keras, is not a gate.
    gates = np.delete(sums.reshape(len(x), 4, units), 2, axis=1).reshape(len(x), -1)
    gradient = x.T @ deltas
    shared = x.shape[1] * np.square(gradient.mean(axis=0)).sum()
    total = np.square(gradient).sum()
    return FirstStep(
        mean=float(x.mean()),
        std=float(x.std()),
        negative=float(np.mean(x < 0)),
        saturated=float(np.mean(np.abs(gates) > SATURATION)),
        gradient_norm=float(np.linalg.norm(deltas @ weights[0].T)),
        # Silence that is scaled to 0 has no gradient at all.
        shared=float(shared / total) if total else 0.0,
        values=x,
        sums=gates,
        gradient=gradient,
    )


@functools.lru_cache(maxsize=8)
def _random_lstm(frames, bands, units, seed):
    """Draw an LSTM, and errors of norm 1 at its outputs, shape (frames, units)."""
    rng = np.random.default_rng(seed)
    weights = draw_lstm(bands, units, rng)
    errors = rng.normal(size=(frames, units))
    return weights, errors / np.linalg.norm(errors)


def scaling_steps(floor_db=None, reference_db=0.0):
    """Make the four scalers that notebook 02 compares.

    Parameters
    ----------
    floor_db : float, optional
        Lower values are replaced by it.
    reference_db : float
        Level in dB at which the natural logarithm of the first two is 0.

    Returns
    -------
    dict of str to scaler
        "raw", "+20", "min-max" (per utterance) and "standardized", which needs `fit`.

    Examples
    --------
    >>> loud = np.zeros((1, 1))
    >>> scaling_steps()["+20"].transform(loud)
    array([[20.]], dtype=float32)
    """
    return {
        "raw": scalers.AffineScaler(reference_db, _DB_PER_NAT, floor_db),
        "+20": scalers.AffineScaler(
            reference_db - 20 * _DB_PER_NAT, _DB_PER_NAT, floor_db
        ),
        "min-max": scalers.MinMaxScaler(per="utterance", floor_db=floor_db),
        "standardized": scalers.StandardScaler(floor_db=floor_db),
    }


class ScalingLab(Lab):
    """Scale a spectrogram, and see the first step of training.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        In dB, shape (time, mel) each, with a low floor, so that the lab can raise it.
        "standardized" uses the statistics of all; the first one is shown, up to 125
        frames of it.
    reference_db : float
        Level in dB, such as that of full scale, to which the floor and the natural
        logarithm are relative.
    units : int
        Units of the LSTM.
    seed : int
        Seed of its weights, and of the errors at its outputs.

    Attributes
    ----------
    scaling : ipywidgets.ToggleButtons
        The scalers of `scaling_steps`.
    floor_db : ipywidgets.IntSlider
        In dB relative to the reference.

    Raises
    ------
    ArgumentError
        If the features are not spectrograms, or a value of the first is not finite.

    Examples
    --------
    >>> frames = np.random.default_rng(0).normal(-50, 15, size=(2, 60, 40))
    >>> lab = ScalingLab(list(frames))
    >>> lab.result.saturated > 0.1
    True
    >>> lab.scaling.value = "standardized"
    >>> lab.result.saturated < 0.01
    True
    """

    def __init__(self, features, reference_db=0.0, units=64, seed=0):
        if not len(features):
            raise ArgumentError("the lab needs at least one spectrogram; got none")
        frames, bands = first_step(features[0][:_FRAMES], units, seed).values.shape

        @functools.cache
        def fit(scaling, floor_db):
            scaler = scaling_steps(reference_db + floor_db, reference_db)[scaling]
            return scaler.fit(features)

        def compute(scaling, floor_db):
            scaler = fit(scaling, floor_db)
            # The whole utterance is scaled: min-max uses its extremes.
            return first_step(scaler.transform(features[0])[:_FRAMES], units, seed)

        controls = {
            "scaling": ipywidgets.ToggleButtons(
                options=list(scaling_steps()), description="scaling"
            ),
            "floor_db": ipywidgets.IntSlider(
                -80, min=-200, max=-40, step=5, description="floor (dB)"
            ),
        }
        super().__init__(
            controls,
            compute,
            ScalingPicture(frames, bands, units),
            "go from raw to standardized: which scaling removes the saturation, and "
            "which one the stripes? Then lower the floor with min-max.",
        )
