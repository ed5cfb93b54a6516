"""Scalers that are fitted on features: fit, transform, inverse, as in scikit-learn."""

import numpy as np

from ..errors import ArgumentError, NotFittedError
from ..features import Features

__all__ = ["AffineScaler", "MinMaxScaler", "StandardScaler", "MeanNormalizer"]


def _arrays(features):
    """Iterate over the arrays of whatever `fit` was given."""
    if isinstance(features, np.ndarray):
        return iter([features]) if features.ndim == 2 else iter(features)
    return iter(features)


def _apply(function, features):
    if isinstance(features, Features):
        return features.map(function)
    if isinstance(features, np.ndarray):
        return function(features)
    return [function(np.asarray(array)) for array in features]


class _Affine:
    """y = (max(x, floor) - shift) / scale, for each band or for all together."""

    def __init__(self, floor_db=None):
        self.floor = floor_db
        self.shift = None
        self.scale = None

    def _floored(self, x):
        return x if self.floor is None else np.maximum(x, np.float32(self.floor))

    def _fitted(self):
        if self.shift is None:
            raise NotFittedError(
                f"{type(self).__name__} has no statistics yet; call fit with the "
                "features of the training set first"
            )
        return self.shift, self.scale

    def transform(self, features):
        """Scale.

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Shape (..., frames, bands) each.

        Returns
        -------
        same kind as `features`
            Scaled, float32.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        shift, scale = self._fitted()

        def scaled(x):
            return ((self._floored(x) - shift) / scale).astype(np.float32)

        return _apply(scaled, features)

    def inverse(self, features):
        """Undo `transform`.

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Scaled, shape (..., frames, bands) each.

        Returns
        -------
        same kind as `features`
            As before scaling, float32; what lay below the floor comes back as the
            floor.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        shift, scale = self._fitted()
        return _apply(lambda x: (x * scale + shift).astype(np.float32), features)


def _shape(array):
    if array.ndim != 2 or not array.size:
        raise ArgumentError(
            f"each array must have shape (frames, bands); got {array.shape}"
        )


def _nonzero(scale):
    """Leave a band that never changes unscaled: nothing divides by zero."""
    scale = np.asarray(scale, dtype=np.float32)
    # A spread may be above 0 in double precision and not in single.
    return np.where(scale >= np.finfo(np.float32).tiny, scale, np.float32(1.0))


class StandardScaler(_Affine):
    """Mean 0, standard deviation 1, with statistics of the training set.

    Parameters
    ----------
    per_band : bool
        Statistics for each band, or one pair of numbers for all.
    floor_db : float, optional
        Values below it count as it, in the units of the features (dB): the bottom
        of a recording is its converter's, and should not rule the scale (FAULTS
        C4).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(-60, 15, size=(500, 4))
    >>> y = StandardScaler().fit(x).transform(x)
    >>> bool(abs(y.mean()) < 1e-3), bool(abs(y.std() - 1) < 1e-3)
    (True, True)
    """

    def __init__(self, per_band=True, floor_db=None):
        super().__init__(floor_db)
        self.per_band = per_band

    def fit(self, features):
        """Take mean and standard deviation.

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Shape (frames, bands) each, of the training set.

        Returns
        -------
        Standard
            Itself.
        """
        n = 0
        total = squares = np.zeros(())
        for array in _arrays(features):
            _shape(array)
            # In double precision: sums of squares of decibels lose digits fast.
            x = self._floored(np.asarray(array, dtype=np.float64))
            n += len(x)
            total = total + x.sum(axis=0)
            squares = squares + np.square(x).sum(axis=0)
        if not n:
            raise ArgumentError("fit needs at least one array; got none")
        mean, square = total / n, squares / n
        if not self.per_band:
            mean, square = np.asarray(mean.mean()), np.asarray(square.mean())
        deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
        # What is left of a constant after cancellation is rounding, not spread.
        deviation = np.where(deviation > 1e-6 * np.abs(mean), deviation, 0.0)
        self.shift, self.scale = mean.astype(np.float32), _nonzero(deviation)
        return self


class MinMaxScaler(_Affine):
    """From -1 to 1: ``2 (x - min) / (max - min) - 1``.

    Parameters
    ----------
    per : {"corpus", "utterance"}
        Whose minimum and maximum. An utterance scaled by its own loses its
        loudness, and cannot be scaled before it has ended (FAULTS C5).
    per_band : bool
        Extremes for each band, or one pair for all.
    floor_db : float, optional
        Values below it count as it, in the units of the features (dB): the bottom
        of a recording is its converter's, and should not rule the scale (FAULTS
        C4).

    Raises
    ------
    ArgumentError
        If `per` is neither.

    Examples
    --------
    >>> x = np.array([[-80.0, -60.0], [-40.0, 0.0]])
    >>> MinMaxScaler().fit(x).transform(x)
    array([[-1. , -0.5],
           [ 0. ,  1. ]], dtype=float32)
    """

    def __init__(self, per="corpus", per_band=False, floor_db=None):
        super().__init__(floor_db)
        if per not in ("corpus", "utterance"):
            raise ArgumentError(f'per must be "corpus" or "utterance"; got {per!r}')
        self.per = per
        self.per_band = per_band

    def _extremes(self, array):
        axis = 0 if self.per_band else None
        array = self._floored(array)
        return np.min(array, axis=axis), np.max(array, axis=axis)

    def fit(self, features):
        """Take minimum and maximum; nothing is taken where `per` is "utterance".

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Shape (frames, bands) each, of the training set.

        Returns
        -------
        MinMax
            Itself.
        """
        if self.per == "utterance":
            return self
        low, high = np.inf, -np.inf
        for array in _arrays(features):
            _shape(array)
            least, most = self._extremes(array)
            low, high = np.minimum(low, least), np.maximum(high, most)
        if not np.all(np.isfinite(low)):
            raise ArgumentError("fit needs at least one array; got none")
        self._set(low, high)
        return self

    def _set(self, low, high):
        self.shift = np.asarray((low + high) / 2, dtype=np.float32)
        self.scale = _nonzero(np.asarray((high - low) / 2))

    def transform(self, features):
        """Scale; see `Standard.transform`.

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Shape (frames, bands) each.

        Returns
        -------
        same kind as `features`
            Scaled, float32. A silent utterance becomes 0 where `per` is
            "utterance".
        """
        if self.per == "corpus":
            return super().transform(features)

        def own(array):
            scaler = MinMaxScaler(per_band=self.per_band, floor_db=self.floor).fit(
                array
            )
            return scaler.transform(array)

        return _apply(own, features)

    def inverse(self, features):
        """Undo `transform`; only where the extremes are the corpus's.

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Scaled.

        Returns
        -------
        same kind as `features`
            As before scaling.

        Raises
        ------
        ArgumentError
            If `per` is "utterance": the extremes are forgotten.
        """
        if self.per == "utterance":
            raise ArgumentError(
                'MinMaxScaler(per="utterance") forgets the extremes of each utterance; '
                'use per="corpus" where you need the inverse'
            )
        return super().inverse(features)


class AffineScaler(_Affine):
    """Numbers that are given rather than found: ``(max(x, floor) - shift) / scale``.

    For statistics that somebody published with a network, and for scalings that
    are none: ``AffineScaler(0, 10 / np.log(10))`` turns decibels into the natural
    logarithm.

    Parameters
    ----------
    shift, scale : float or numpy.ndarray
        One number, or one for each band.
    floor_db : float, optional
        As for `StandardScaler`.

    Raises
    ------
    ArgumentError
        If a scale is 0.

    Examples
    --------
    >>> AffineScaler(shift=-40, scale=20).transform(np.array([[-60.0, 0.0]]))
    array([[-1.,  2.]], dtype=float32)
    """

    def __init__(self, shift=0.0, scale=1.0, floor_db=None):
        super().__init__(floor_db)
        self.shift = np.asarray(shift, dtype=np.float32)
        self.scale = np.asarray(scale, dtype=np.float32)
        if not np.all(self.scale):
            raise ArgumentError("scale must not be 0, by which nothing divides")

    def fit(self, features):
        """Find nothing: there is nothing to find.

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Not looked at.

        Returns
        -------
        Fixed
            Itself.
        """
        return self


class MeanNormalizer:
    """Remove each utterance's mean: what a microphone adds is gone (Atal, 1974).

    In decibels a microphone is a constant for each band. So is the average spectrum of
    the voice, which goes with it: of a short utterance little is left. Nothing is
    fitted, and a network that sees 0.4 s cannot do it by itself: it is applied to
    whole utterances, in front of a scaler with the training set's statistics.

    Parameters
    ----------
    per_band : bool
        The mean of each band; otherwise one for all, which removes the loudness alone.

    See Also
    --------
    siamlab.layers.RandomEQ : A microphone for each segment instead, in training.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(-60, 15, size=(500, 4))
    >>> microphone = np.array([3.0, -2.0, 0.0, 6.0])
    >>> plain, colored = (MeanNormalizer().transform(y) for y in (x, x + microphone))
    >>> bool(np.allclose(plain, colored, atol=1e-4))
    True
    """

    def __init__(self, per_band=True):
        self.per_band = per_band
        self.per = "utterance"

    def fit(self, features):
        """Find nothing: each utterance has its own mean.

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Not looked at.

        Returns
        -------
        UtteranceMean
            Itself.
        """
        return self

    def transform(self, features):
        """Subtract the means.

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Shape (frames, bands) each.

        Returns
        -------
        same kind as `features`
            Float32, in dB as before.

        Raises
        ------
        ArgumentError
            If an array has another shape, or is empty.
        """

        def centered(array):
            _shape(array)
            mean = np.mean(array, axis=0 if self.per_band else None, dtype=np.float64)
            return (array - mean).astype(np.float32)

        return _apply(centered, features)

    def inverse(self, features):
        """Refuse: the means are forgotten.

        Parameters
        ----------
        features : numpy.ndarray, list of numpy.ndarray or Features
            Not looked at.

        Raises
        ------
        ArgumentError
            Always.
        """
        raise ArgumentError(
            "UtteranceMean forgets the mean of each utterance and has no inverse; keep "
            "the features as they were"
        )
