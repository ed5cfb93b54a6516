"""The scaling lab (notebook 02): what an LSTM does with numbers that are far from 0."""

import dataclasses
import functools

import ipywidgets
import numpy as np

from .. import scaling as scalers
from ..errors import ArgumentError
from ._lab import Lab
from ._lstm import FreshLSTM
from ._scaling import BEYOND, ScalingPicture

# Decibels in one unit of the natural logarithm.
_NEPER = 10 / np.log(10)
# Two seconds at the usual hops: the answer has to come at once.
_FRAMES = 125


@dataclasses.dataclass(frozen=True)
class FirstStep:
    """What a fresh LSTM makes of one spectrogram, and what would train it.

    Parameters
    ----------
    mean, spread : float
        Mean and standard deviation of the values.
    negative : float
        Share of the values below 0.
    saturated : float
        Share of the gates' sums that lie beyond 4, where a sigmoid is flat.
    arriving : float
        Norm of the loss's gradient at the input, for a gradient of norm 1 at the
        outputs: how much of an error comes through.
    common : float
        Share of the squared gradient at the input weights that pushes the weights of
        all bands of a gate by the same amount: 1 if the first step looks at nothing but
        the mean over the bands.
    values : numpy.ndarray
        The spectrogram, shape (frames, bands).
    sums : numpy.ndarray
        Into the gates, shape (frames, 3 * units).
    gradient : numpy.ndarray
        At the input weights of gates and candidates, shape (bands, 4 * units).
    """

    mean: float
    spread: float
    negative: float
    saturated: float
    arriving: float
    common: float
    values: np.ndarray = dataclasses.field(repr=False, compare=False)
    sums: np.ndarray = dataclasses.field(repr=False, compare=False)
    gradient: np.ndarray = dataclasses.field(repr=False, compare=False)

    def __str__(self):
        """One line of HTML."""
        return (
            f"mean <b>{self.mean:.2f}</b>, spread <b>{self.spread:.2f}</b>, "
            f"<b>{self.negative:.1%}</b> negative; gates beyond {BEYOND:g}: "
            f"<b>{self.saturated:.1%}</b>; of an error of 1 at the outputs "
            f"<b>{self.arriving:.2f}</b> arrive at the input; "
            f"<b>{self.common:.0%}</b> of the first step is the same for all bands"
        )


def first_step(x, units=64, seed=0):
    """Give a spectrogram to a fresh LSTM and take the gradient of its first step.

    The loss is ``(errors * outputs).sum()`` with errors drawn from a normal
    distribution and brought to norm 1: what a fresh output layer sends back as long as
    nothing is learned. Errors are the same for every input of the same length, so that
    what arrives tells of the LSTM and its input alone.

    Parameters
    ----------
    x : numpy.ndarray
        Scaled or not, shape (frames, bands).
    units : int
        Of the LSTM, drawn as Keras draws it.
    seed : int
        For weights and errors.

    Returns
    -------
    FirstStep
        In double precision.

    Raises
    ------
    ArgumentError
        If the array has another shape or a value is not finite.

    Examples
    --------
    A common part moves all weights of a gate alike, and the gates out of their range:

    >>> x = np.random.default_rng(0).normal(size=(50, 40))
    >>> centered, moved = first_step(x), first_step(x - 12)
    >>> centered.saturated < 0.01 < 0.3 < moved.saturated
    True
    >>> centered.common < 0.1 < 0.9 < moved.common
    True
    >>> moved.arriving < 0.8 * centered.arriving
    True
    """
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 2 or not x.size:
        raise ArgumentError(
            f"a spectrogram has shape (frames, bands); got {x.shape}. Give one "
            "utterance."
        )
    if not np.isfinite(x).all():
        bad = np.count_nonzero(~np.isfinite(x))
        raise ArgumentError(
            f"values must be finite; {bad} of {x.size} are not. Give Spectrogram a "
            "floor."
        )
    lstm, errors = _fresh(*x.shape, units, seed)
    sums, deltas = lstm.backpropagate(x, errors)
    # The candidate, third of four, is no gate: Keras' order.
    gates = np.delete(sums.reshape(len(x), 4, units), 2, axis=1).reshape(len(x), -1)
    gradient = x.T @ deltas
    alike = x.shape[1] * np.square(gradient.mean(axis=0)).sum()
    total = np.square(gradient).sum()
    return FirstStep(
        mean=float(x.mean()),
        spread=float(x.std()),
        negative=float(np.mean(x < 0)),
        saturated=float(np.mean(np.abs(gates) > BEYOND)),
        arriving=float(np.linalg.norm(deltas @ lstm.kernel.T)),
        # Silence that was scaled to 0 leaves no gradient at all.
        common=float(alike / total) if total else 0.0,
        values=x,
        sums=gates,
        gradient=gradient,
    )


@functools.lru_cache(maxsize=8)
def _fresh(frames, bands, units, seed):
    """Draw an LSTM, and errors of norm 1, shape (frames, units), at its outputs."""
    rng = np.random.default_rng(seed)
    lstm = FreshLSTM.draw(bands, units, rng)
    errors = rng.normal(size=(frames, units))
    return lstm, errors / np.linalg.norm(errors)


def ladder(floor=None, reference=0.0):
    """Make the scalers of the four rungs of notebook 02.

    Parameters
    ----------
    floor : float, optional
        In dB; what lies below counts as it.
    reference : float
        In dB: where the natural logarithm of the first two rungs has its 0.

    Returns
    -------
    dict of str to scaler
        "raw", "+20", "min-max" (of each utterance) and "standardized", which has to be
        fitted.

    Examples
    --------
    >>> loud = np.zeros((1, 1))
    >>> ladder()["+20"].transform(loud)
    array([[20.]], dtype=float32)
    """
    return {
        "raw": scalers.AffineScaler(reference, _NEPER, floor),
        "+20": scalers.AffineScaler(reference - 20 * _NEPER, _NEPER, floor),
        "min-max": scalers.MinMaxScaler(per="utterance", floor_db=floor),
        "standardized": scalers.StandardScaler(floor_db=floor),
    }


class ScalingLab(Lab):
    """Scale a spectrogram, and see what becomes of the first step of training.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        In dB, shape (frames, bands) each, with a low floor, so that the lab can raise
        it. All of them give the statistics of "standardized"; the first one is shown,
        up to 125 frames of it.
    reference : float
        Level in the features' dB that the floor and the natural logarithm count from,
        such as that of full scale.
    units : int
        Of the LSTM.
    seed : int
        For its weights and for the errors at its outputs.

    Attributes
    ----------
    scaling : ipywidgets.ToggleButtons
        The rungs of `ladder`.
    floor : ipywidgets.IntSlider
        In dB below the reference.

    Raises
    ------
    ArgumentError
        If the features are no spectrograms, or a value of the first is not finite.

    Examples
    --------
    >>> frames = np.random.default_rng(0).normal(-50, 15, size=(2, 60, 40))
    >>> lab = ScalingLab(list(frames))
    >>> lab.found.saturated > 0.1
    True
    >>> lab.scaling.value = "standardized"
    >>> lab.found.saturated < 0.01
    True
    """

    def __init__(self, features, reference=0.0, units=64, seed=0):
        if not len(features):
            raise ArgumentError("the lab needs at least one spectrogram; got none")
        frames, bands = first_step(features[0][:_FRAMES], units, seed).values.shape

        @functools.cache
        def standard(floor):
            return ladder(floor, reference)["standardized"].fit(features)

        def compute(scaling, floor):
            floor = reference + floor
            if scaling == "standardized":
                scaler = standard(floor)
            else:
                scaler = ladder(floor, reference)[scaling]
            # The whole utterance: min-max takes its extremes.
            return first_step(scaler.transform(features[0])[:_FRAMES], units, seed)

        controls = {
            "scaling": ipywidgets.ToggleButtons(
                options=list(ladder()), description="scaling"
            ),
            "floor": ipywidgets.IntSlider(
                -80, min=-200, max=-40, step=5, description="floor (dB)"
            ),
        }
        super().__init__(
            controls,
            compute,
            ScalingPicture(frames, bands, units),
            "climb the ladder from raw to standardized: which step opens the gates, "
            "and which one breaks the stripes? Then lower the floor under min-max.",
        )
