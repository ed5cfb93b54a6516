"""Augmentation of spectrograms in decibels: random microphones, levels, noise, rooms.

The layers are active only during training, and change each segment of a batch
independently. Without augmentation, a network learns to recognize the room and the
microphone if each speaker was recorded in one place (docs/doctor.md#s38).
"""

import keras
import numpy as np
from keras import ops

from ..errors import ArgumentError


class _Augmentation(keras.layers.Layer):
    """Change randomly chosen segments during training, with a subclass's `_change`."""

    _arguments: tuple[str, ...] = ()

    def __init__(self, probability=1.0, seed=None, **kwargs):
        # Decibels keep their precision under mixed precision, up to `Scale`.
        super().__init__(autocast=False, **kwargs)
        if not 0 < probability <= 1:
            raise ArgumentError(
                f"probability must be above 0 and at most 1; got {probability}"
            )
        self.probability = probability
        self.seed = seed
        self._seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def _uniform(self, x, low, high):
        """Draw one number for each segment, shape (batch, 1, 1)."""
        return keras.random.uniform(
            (ops.shape(x)[0], 1, 1),
            low,
            high,
            dtype="float32",
            seed=self._seed_generator,
        )

    def _smooth_curve(self, x, n_waves):
        """Draw sums of cosines over the bands, (batch, 1, mel), of unit variance."""
        bands = x.shape[-1]
        k = np.arange(1, n_waves + 1)[:, None]
        waves = np.cos(np.pi * k * (np.arange(bands) + 0.5) / bands) / np.sqrt(k)
        waves /= np.sqrt(np.mean(np.sum(np.square(waves), axis=0)))
        amplitudes = keras.random.normal(
            (ops.shape(x)[0], n_waves), dtype="float32", seed=self._seed_generator
        )
        return (amplitudes @ ops.convert_to_tensor(waves, "float32"))[:, None, :]

    def call(self, inputs, training=None):
        """Change the segments during training.

        Parameters
        ----------
        inputs : tensor
            Shape (batch, time, mel), in dB.
        training : bool, optional
            If False, the segments are returned unchanged.

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
            is_chosen = self._uniform(x, 0.0, 1.0) < self.probability
            changed = ops.where(is_chosen, changed, x)
        return ops.cast(changed, inputs.dtype)

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        names = ("probability", "seed", *self._arguments)
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="siamlab")
class RandomEQ(_Augmentation):
    """Filter each segment with the frequency response of a random microphone.

    A sum of slow cosines over the mel bands is added to every frame.

    Parameters
    ----------
    range_db : float
        Standard deviation of the frequency response, in dB.
    n_waves : int
        Number of cosines. The fastest has ``n_waves / 2`` periods over the bands.
    probability : float
        Probability with which a segment is changed.
    seed : int, optional
        Seed of the random numbers.
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
        return x + self.range_db * self._smooth_curve(x, self.n_waves)


@keras.saving.register_keras_serializable(package="siamlab")
class RandomGain(_Augmentation):
    """Make each segment louder or softer.

    Parameters
    ----------
    max_gain_db : float
        Gains are uniform between ``-max_gain_db`` and ``max_gain_db``.
    probability : float
        Probability with which a segment is changed.
    seed : int, optional
        Seed of the random numbers.
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
            raise ArgumentError(f"max_gain_db must be positive; got {max_gain_db}")
        self.max_gain_db = max_gain_db

    def _change(self, x):
        return x + self._uniform(x, -self.max_gain_db, self.max_gain_db)


@keras.saving.register_keras_serializable(package="siamlab")
class RandomNoise(_Augmentation):
    """Add stationary noise to each segment.

    The noise power in each band and frame is exponentially distributed, like that of
    Gaussian noise in one bin of a spectrum. Its spectrum is a smooth random curve.

    Parameters
    ----------
    snr_db : tuple of float
        Lowest and highest signal-to-noise ratio, in dB.
    color_db : float
        Standard deviation of the spectrum of the noise over the bands, in dB.
    probability : float
        Probability with which a segment is changed.
    seed : int, optional
        Seed of the random numbers.
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
        self.snr_db = _checked_range("snr_db", snr_db, "dB")
        if not color_db >= 0:
            raise ArgumentError(f"color_db must not be negative; got {color_db}")
        self.color_db = color_db

    def _change(self, x):
        power = _power(x)
        signal_db = _decibels(ops.mean(power, axis=(1, 2), keepdims=True))
        color = self.color_db * self._smooth_curve(x, n_waves=4)
        noise_db = signal_db - self._uniform(x, *self.snr_db) + color
        u = keras.random.uniform(
            ops.shape(x), dtype="float32", seed=self._seed_generator
        )
        exponential = -ops.log(1.0 - u)  # u is below 1
        return _decibels(power + _power(noise_db) * exponential)


@keras.saving.register_keras_serializable(package="siamlab")
class RandomReverb(_Augmentation):
    """Add reverberation with a random reverberation time and level to each segment.

    The power of the reverberation decays exponentially (Moorer, 1979). The sound before
    the segment is unknown and contributes no reverberation.

    Parameters
    ----------
    rt60 : tuple of float
        Shortest and longest reverberation time (decay by 60 dB), in seconds.
    drr_db : tuple of float
        Lowest and highest direct-to-reverberant ratio, in dB.
    hop_seconds : float
        Time from one frame to the next, in seconds.
    probability : float
        Probability with which a segment is changed.
    seed : int, optional
        Seed of the random numbers.
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
        self.rt60 = _checked_range("rt60", rt60, "seconds")
        self.drr_db = _checked_range("drr_db", drr_db, "dB")
        if not self.rt60[0] > 0 or not hop_seconds > 0:
            raise ArgumentError(
                "rt60 and hop_seconds must be positive; got "
                f"rt60={self.rt60}, hop_seconds={hop_seconds}"
            )
        self.hop_seconds = hop_seconds

    def _change(self, x):
        time = ops.arange(ops.shape(x)[1], dtype="float32")
        delay = time[:, None] - time[None, :]  # (to, from)
        decay = 6.0 * np.log(10.0) * self.hop_seconds / self._uniform(x, *self.rt60)
        tail = ops.where(delay > 0, ops.exp(-decay * ops.maximum(delay, 0.0)), 0.0)
        # Sum of the geometric series: the whole tail has the power that drr_db says.
        tail_power = ops.exp(-decay) / (1.0 - ops.exp(-decay))
        weight = _power(-self._uniform(x, *self.drr_db)) / tail_power
        power = _power(x)
        return _decibels(power + weight * (tail @ power))


def _checked_range(name, pair, unit):
    low, high = (float(value) for value in pair)
    if not low <= high:
        raise ArgumentError(f"{name} must be (low, high) in {unit}; got {tuple(pair)}")
    return low, high


def _power(decibels):
    return ops.exp(decibels * (np.log(10.0) / 10.0))


def _decibels(power):
    return ops.log(ops.maximum(power, 1e-20)) * (10.0 / np.log(10.0))
