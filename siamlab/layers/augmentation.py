"""Other microphones, rooms and levels for the same voice: on in training only.

Spectrograms come in decibels. What is drawn is drawn anew for each segment of the
batch. Without this, a network that hears every speaker in one place learns the
place (FAULTS S38).
"""

import keras
import numpy as np
from keras import ops

from ..errors import ArgumentError


class _Augmentation(keras.layers.Layer):
    """Change some segments of a batch in training, none otherwise."""

    def __init__(self, probability=1.0, seed=None, **kwargs):
        # Decibels stay as they come, also under mixed precision: `Scale` rounds them.
        super().__init__(autocast=False, **kwargs)
        if not 0 < probability <= 1:
            raise ArgumentError(
                f"probability must be above 0 and at most 1; got {probability}"
            )
        self.probability = probability
        self.seed = seed
        self._seeds = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def _uniform(self, like, low, high):
        """One number for each segment, shape (batch, 1, 1)."""
        shape = (ops.shape(like)[0], 1, 1)
        return keras.random.uniform(shape, low, high, dtype="float32", seed=self._seeds)

    def _curve(self, like, waves):
        """Smooth random curves over the bands, (batch, 1, bands), of deviation 1."""
        bands = like.shape[-1]
        k = np.arange(1, waves + 1)[:, None]
        shapes = np.cos(np.pi * k * (np.arange(bands) + 0.5) / bands) / np.sqrt(k)
        shapes /= np.sqrt(np.mean(np.sum(np.square(shapes), axis=0)))
        depths = keras.random.normal(
            (ops.shape(like)[0], waves), dtype="float32", seed=self._seeds
        )
        return (depths @ ops.convert_to_tensor(shapes, "float32"))[:, None, :]

    def call(self, inputs, training=None):
        """Change the segments, in training.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, frames, bands), in dB.
        training : bool, optional
            Whether to change anything.

        Returns
        -------
        tensor
            Same shape.
        """
        if not training:
            return inputs
        x = ops.cast(inputs, "float32")
        changed = self._change(x)
        if self.probability < 1:
            changed = ops.where(
                self._uniform(x, 0.0, 1.0) < self.probability, changed, x
            )
        return ops.cast(changed, inputs.dtype)

    def compute_output_spec(self, inputs, training=None):
        """Describe the segments.

        Parameters
        ----------
        inputs : keras.KerasTensor
            Shape (batch, frames, bands).
        training : bool, optional
            Not used.

        Returns
        -------
        keras.KerasTensor
            The same.
        """
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {
            **super().get_config(),
            "probability": self.probability,
            "seed": self.seed,
            **{name: getattr(self, name) for name in self._arguments},
        }


@keras.saving.register_keras_serializable(package="siamlab")
class RandomEQ(_Augmentation):
    """Color each segment as another microphone would.

    A sum of slow cosines over the bands is added to every frame.

    Parameters
    ----------
    range_db : float
        Standard deviation of the curve, in dB.
    n_waves : int
        Number of cosines; the fastest goes up and down ``waves / 2`` times over
        the bands.
    probability : float
        Share of the segments that are changed, on average.
    seed : int, optional
        Of the draws.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ArgumentError
        If a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.zeros((2, 3, 128), dtype="float32")
    >>> y = np.asarray(RandomEQ(range_db=6.0, seed=0)(x, training=True))
    >>> bool((y[:, 0] == y[:, 2]).all()), bool((y[0] == y[1]).any())
    (True, False)
    """

    _arguments = ("range_db", "n_waves")

    def __init__(self, range_db=6.0, n_waves=6, probability=1.0, seed=None, **kwargs):
        super().__init__(probability, seed, **kwargs)
        if not range_db > 0 or n_waves < 1:
            raise ArgumentError(
                "range_db must be positive and n_waves at least 1; got "
                f"range_db={range_db}, n_waves={n_waves}"
            )
        self.range_db = range_db
        self.n_waves = n_waves

    def _change(self, x):
        return x + self.range_db * self._curve(x, self.n_waves)


@keras.saving.register_keras_serializable(package="siamlab")
class RandomGain(_Augmentation):
    """Make each segment louder or softer.

    Parameters
    ----------
    max_gain_db : float
        Gains are drawn evenly from ``-most`` to ``max_gain_db``, in dB.
    probability : float
        Share of the segments that are changed, on average.
    seed : int, optional
        Of the draws.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ArgumentError
        If a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.zeros((2, 3, 4), dtype="float32")
    >>> y = np.asarray(RandomGain(max_gain_db=10.0)(x, training=True))
    >>> bool(np.abs(y).max() <= 10.0), bool(np.ptp(y[0]) == 0)
    (True, True)
    """

    _arguments = ("max_gain_db",)

    def __init__(self, max_gain_db=10.0, probability=1.0, seed=None, **kwargs):
        super().__init__(probability, seed, **kwargs)
        if not max_gain_db > 0:
            raise ArgumentError(
                f"max_gain_db must be positive, in dB; got {max_gain_db}"
            )
        self.max_gain_db = max_gain_db

    def _change(self, x):
        return x + self._uniform(x, -self.max_gain_db, self.max_gain_db)


def _range(name, pair, unit):
    low, high = (float(value) for value in pair)
    if not low <= high:
        raise ArgumentError(f"{name} must be (low, high) in {unit}; got {tuple(pair)}")
    return low, high


@keras.saving.register_keras_serializable(package="siamlab")
class RandomNoise(_Augmentation):
    """Add steady noise to each segment.

    Its power in a band and a frame is exponentially distributed, as that of Gaussian
    noise in one bin of a spectrum is; its color is a smooth random curve.

    Parameters
    ----------
    snr_db : tuple of float
        Lowest and highest ratio of the segment's mean power to the noise's, in dB.
    color_db : float
        Standard deviation of the noise's spectrum over the bands, in dB.
    probability : float
        Share of the segments that are changed, on average.
    seed : int, optional
        Of the draws.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ArgumentError
        If a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.full((1, 40, 128), -30.0, dtype="float32")
    >>> y = np.asarray(RandomNoise(snr_db=(0, 20))(x, training=True))
    >>> bool((y >= x).all())
    True
    """

    _arguments = ("snr_db", "color_db")

    def __init__(
        self, snr_db=(5.0, 40.0), color_db=6.0, probability=1.0, seed=None, **kwargs
    ):
        super().__init__(probability, seed, **kwargs)
        self.snr_db = _range("snr_db", snr_db, "dB")
        if not color_db >= 0:
            raise ArgumentError(f"color_db must not be negative, in dB; got {color_db}")
        self.color_db = color_db

    def _change(self, x):
        power = _power(x)
        level = _decibels(ops.mean(power, axis=(1, 2), keepdims=True))
        level = (
            level - self._uniform(x, *self.snr_db) + self.color_db * self._curve(x, 4)
        )
        # u lies in [0, 1): 1 - u has a logarithm.
        u = keras.random.uniform(ops.shape(x), dtype="float32", seed=self._seeds)
        return _decibels(power + _power(level) * -ops.log(1.0 - u))


@keras.saving.register_keras_serializable(package="siamlab")
class RandomReverb(_Augmentation):
    """Let each frame ring on in those behind it, as a room does.

    Power falls exponentially (Moorer, 1979); what sounded before the segment does not
    ring into it.

    Parameters
    ----------
    rt60 : tuple of float
        Shortest and longest time to fall by 60 dB.
    drr_db : tuple of float
        Lowest and highest ratio of direct to reverberant power, in dB.
    hop_seconds : float
        From one frame to the next, in seconds.
    probability : float
        Share of the segments that are changed, on average.
    seed : int, optional
        Of the draws.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ArgumentError
        If a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.full((1, 40, 8), -90.0, dtype="float32")
    >>> x[:, 5] = 0.0  # a clap
    >>> y = np.asarray(RandomReverb(rt60=(0.3, 0.3))(x, training=True))[0, :, 0]
    >>> bool(y[4] < -80), bool(y[6] > y[16] > y[26] > -80)
    (True, True)
    """

    _arguments = ("rt60", "drr_db", "hop_seconds")

    def __init__(
        self,
        rt60=(0.1, 0.7),
        drr_db=(0.0, 15.0),
        hop_seconds=0.01,
        probability=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(probability, seed, **kwargs)
        self.rt60 = _range("rt60", rt60, "seconds")
        self.drr_db = _range("drr_db", drr_db, "dB")
        if not self.rt60[0] > 0 or not hop_seconds > 0:
            raise ArgumentError(
                f"rt60 and hop_seconds must be positive; got {self.rt60} and {hop_seconds}"
            )
        self.hop_seconds = hop_seconds

    def _change(self, x):
        frames = ops.shape(x)[1]
        place = ops.arange(frames, dtype="float32")
        later = place[:, None] - place[None, :]  # (to, from)
        fall = 6.0 * np.log(10.0) * self.hop_seconds / self._uniform(x, *self.rt60)
        ring = ops.where(later > 0, ops.exp(-fall * ops.maximum(later, 0.0)), 0.0)
        # The geometric series of the whole tail, so that `drr_db` is what it says.
        tail = ops.exp(-fall) / (1.0 - ops.exp(-fall))
        weight = _power(-self._uniform(x, *self.drr_db)) / tail
        power = _power(x)
        return _decibels(power + weight * (ring @ power))


def _power(decibels):
    return ops.exp(decibels * (np.log(10.0) / 10.0))


def _decibels(power):
    return ops.log(ops.maximum(power, 1e-20)) * (10.0 / np.log(10.0))
