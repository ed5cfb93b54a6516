"""Scaling of spectrograms, and saturation of LSTM gates by unscaled input.

Scalers:

- `StandardScaler`: mean 0 and standard deviation 1.
- `MinMaxScaler`: scales to a given range, by default -1 to 1.
- `AffineScaler`: uses a given shift and scale.
- `MeanNormalizer`: subtracts the mean of each utterance, to remove the microphone.

LSTMs:

- `gate_saturation`: fraction of the gates of each LSTM that are saturated.
- `lstm_forward`: the forward pass of an LSTM in NumPy.

The scalers have scikit-learn's interface: ``fit``, ``transform``, ``fit_transform``,
``inverse_transform``, `sklearn.base.clone`, `sklearn.pipeline.Pipeline`. They accept
one array (time, mel), a list of arrays, or `siamlab.Features`, and return the same
type. `layers.Scale` makes a fitted scaler part of a network.

Notebook: 02_normalizing_spectrograms.
"""

import numpy as np
from scipy.special import expit as sigmoid
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .errors import ArgumentError
from .features import Features

__all__ = [
    "AffineScaler",
    "MeanNormalizer",
    "MinMaxScaler",
    "StandardScaler",
    "gate_saturation",
    "lstm_forward",
]

_PER = ("corpus", "utterance")


class _Scaler(TransformerMixin, BaseEstimator):
    """``(max(x, floor_db) - shift) / scale``, per band or for all bands together."""

    def shift_and_scale(self):
        """Return the coefficients of the scaler.

        Returns
        -------
        shift, scale : numpy.ndarray
            Shape (mel,) or (): ``y = (max(x, floor_db) - shift) / scale``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` was not called.
        """
        raise NotImplementedError

    def transform(self, X):
        """Scale features.

        Parameters
        ----------
        X : numpy.ndarray, list of numpy.ndarray or Features
            Shape (..., time, mel) each.

        Returns
        -------
        same type as `X`
            Scaled, float32.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` was not called.
        """
        shift, scale = self.shift_and_scale()

        def scaled(x):
            return ((self._raise_to_floor(x) - shift) / scale).astype(np.float32)

        return _for_each_array(scaled, X)

    def inverse_transform(self, X):
        """Undo `transform`.

        Parameters
        ----------
        X : numpy.ndarray, list of numpy.ndarray or Features
            Scaled, shape (..., time, mel) each.

        Returns
        -------
        same type as `X`
            In the original units, float32. Values that were below the floor are
            returned as the floor.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` was not called.
        """
        shift, scale = self.shift_and_scale()
        return _for_each_array(lambda x: (x * scale + shift).astype(np.float32), X)

    def _raise_to_floor(self, x):
        return x if self.floor_db is None else np.maximum(x, np.float32(self.floor_db))


class StandardScaler(_Scaler):
    """Standardize to mean 0 and standard deviation 1 over the training set.

    Parameters
    ----------
    per_band : bool
        Compute statistics for each mel band; if False, one mean and one standard
        deviation for all bands.
    floor_db : float, optional
        Lower limit, in the units of the features (dB): smaller values are replaced by
        it. Otherwise digital silence, which is far below speech, would dominate the
        statistics (docs/doctor.md#c4).

    Attributes
    ----------
    mean_, scale_ : numpy.ndarray
        Mean and standard deviation, shape (mel,), or () if not `per_band`. The scale of
        a constant band is 1.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(-60, 15, size=(500, 4))
    >>> y = StandardScaler().fit_transform(x)
    >>> bool(abs(y.mean()) < 1e-3), bool(abs(y.std() - 1) < 1e-3)
    (True, True)
    """

    def __init__(self, per_band=True, floor_db=None):
        self.per_band = per_band
        self.floor_db = floor_db

    def fit(self, X, y=None):
        """Compute mean and standard deviation.

        Parameters
        ----------
        X : numpy.ndarray, list of numpy.ndarray or Features
            Features of the training set, shape (time, mel) each.
        y : None
            Ignored.

        Returns
        -------
        StandardScaler
            The fitted scaler.

        Raises
        ------
        ArgumentError
            If there is no array, or one has the wrong shape.
        """
        from sklearn import preprocessing  # takes half a second

        moments = preprocessing.StandardScaler()
        for array in _checked_arrays(X):
            # In double precision: the means of decibels lose digits quickly.
            x = self._raise_to_floor(np.asarray(array, dtype=np.float64))
            moments.partial_fit(x if self.per_band else x.reshape(-1, 1))
        shape = moments.mean_.shape if self.per_band else ()
        self.mean_ = moments.mean_.reshape(shape).astype(np.float32)
        self.scale_ = _without_zeros(moments.scale_.reshape(shape))
        return self

    def shift_and_scale(self):
        """Return the coefficients of the scaler.

        Returns
        -------
        shift, scale : numpy.ndarray
            `mean_` and `scale_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` was not called.
        """
        check_is_fitted(self)
        return self.mean_, self.scale_


class MinMaxScaler(_Scaler):
    """Scale so that the minimum and the maximum map to the ends of a range.

    With the default range, this computes ``2 (x - min) / (max - min) - 1``.

    Parameters
    ----------
    feature_range : tuple of float
        Lowest and highest scaled value.
    per : {"corpus", "utterance"}
        Use the minimum and maximum of the training set, or those of each utterance. The
        latter removes differences in loudness and needs the whole utterance
        (docs/doctor.md#c5).
    floor_db : float, optional
        As for `StandardScaler`.

    Attributes
    ----------
    data_min_, data_max_ : float
        Minimum and maximum of the training set over all mel bands. Only for
        ``per="corpus"``.

    Examples
    --------
    >>> x = np.array([[-80.0, -60.0], [-40.0, 0.0]])
    >>> MinMaxScaler().fit_transform(x)
    array([[-1. , -0.5],
           [ 0. ,  1. ]], dtype=float32)
    """

    def __init__(self, feature_range=(-1, 1), per="corpus", floor_db=None):
        self.feature_range = feature_range
        self.per = per
        self.floor_db = floor_db

    def fit(self, X, y=None):
        """Compute minimum and maximum; does nothing with ``per="utterance"``.

        Parameters
        ----------
        X : numpy.ndarray, list of numpy.ndarray or Features
            Features of the training set, shape (time, mel) each.
        y : None
            Ignored.

        Returns
        -------
        MinMaxScaler
            The fitted scaler.

        Raises
        ------
        ArgumentError
            If a setting is out of range, there is no array, or one has the wrong shape.
        """
        self._check_settings()
        if self.per == "corpus":
            extremes = [self._extremes(array) for array in _checked_arrays(X)]
            self.data_min_ = np.min([low for low, _ in extremes])
            self.data_max_ = np.max([high for _, high in extremes])
        return self

    def shift_and_scale(self):
        """Return the coefficients of the scaler.

        Returns
        -------
        shift, scale : numpy.ndarray
            Shape (): ``y = (max(x, floor_db) - shift) / scale``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` was not called.
        ArgumentError
            If `per` is "utterance": each utterance has its own coefficients.
        """
        self._check_settings()
        if self.per == "utterance":
            raise ArgumentError(
                'MinMaxScaler(per="utterance") scales each utterance by its own '
                "minimum and maximum and does not store them, so it has no inverse and "
                'cannot be part of a network; use per="corpus", or scale the features '
                "before training"
            )
        check_is_fitted(self)
        return self._coefficients(self.data_min_, self.data_max_)

    def transform(self, X):
        """Scale features.

        Parameters
        ----------
        X : numpy.ndarray, list of numpy.ndarray or Features
            Shape (time, mel) each; with ``per="corpus"`` also (..., time, mel).

        Returns
        -------
        same type as `X`
            Scaled, float32. If minimum and maximum are equal, the result is the middle
            of the range.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `per` is "corpus" and `fit` was not called.
        """
        self._check_settings()
        if self.per == "corpus":
            return super().transform(X)

        def scaled(x):
            shift, scale = self._coefficients(*self._extremes(x))
            return ((self._raise_to_floor(x) - shift) / scale).astype(np.float32)

        return _for_each_array(scaled, X)

    def __sklearn_is_fitted__(self):
        return self.per == "utterance" or hasattr(self, "data_min_")

    def _check_settings(self):
        low, high = self.feature_range
        if not low < high:
            raise ArgumentError(
                "feature_range must be (low, high) with low < high; got "
                f"{self.feature_range}"
            )
        if self.per not in _PER:
            raise ArgumentError(
                f"per must be one of {', '.join(_PER)}; got {self.per!r}"
            )

    def _extremes(self, array):
        array = self._raise_to_floor(array)
        return np.min(array), np.max(array)

    def _coefficients(self, data_min, data_max):
        low, high = self.feature_range
        scale = _without_zeros((data_max - data_min) / (high - low))
        middle = (data_min + data_max) / 2 - scale * (low + high) / 2
        return np.asarray(middle, dtype=np.float32), scale


class _Stateless:
    """A transformer that has nothing to fit."""

    def fit(self, X, y=None):
        """Return the transformer: there is nothing to fit.

        Parameters
        ----------
        X : numpy.ndarray, list of numpy.ndarray or Features
            Ignored.
        y : None
            Ignored.

        Returns
        -------
        same type as `self`
            The transformer itself.
        """
        return self

    def __sklearn_is_fitted__(self):
        return True


class AffineScaler(_Stateless, _Scaler):
    """Compute ``(max(x, floor_db) - shift) / scale`` with a given shift and scale.

    Use it for statistics that were published with a network, or to convert units:
    ``AffineScaler(0, 10 / np.log(10))`` converts decibels into natural logarithms of
    the power.

    Parameters
    ----------
    shift, scale : float or numpy.ndarray
        A scalar, or one for each mel band, shape (mel,).
    floor_db : float, optional
        As for `StandardScaler`.

    Examples
    --------
    >>> AffineScaler(shift=-40, scale=20).transform(np.array([[-60.0, 0.0]]))
    array([[-1.,  2.]], dtype=float32)
    """

    def __init__(self, shift=0.0, scale=1.0, floor_db=None):
        self.shift = shift
        self.scale = scale
        self.floor_db = floor_db

    def shift_and_scale(self):
        """Return the coefficients of the scaler.

        Returns
        -------
        shift, scale : numpy.ndarray
            As given, float32.

        Raises
        ------
        ArgumentError
            If a scale is 0.
        """
        if not np.all(self.scale):
            raise ArgumentError(f"scale must not be 0; got {self.scale}")
        return np.float32(self.shift), np.float32(self.scale)


class MeanNormalizer(_Stateless, TransformerMixin, BaseEstimator):
    """Subtract the mean of each utterance (Atal, 1974).

    In decibels, a microphone adds a constant to each band. Subtracting the mean removes
    this constant, but also the average spectrum of the voice, so a short utterance
    loses much of its information. Nothing is fitted. Apply it to whole utterances,
    before a scaler that was fitted on the training set; a network whose input is a
    segment of 0.4 s cannot compute the mean of the utterance.

    Parameters
    ----------
    per_band : bool
        Subtract the mean of each mel band; if False, subtract the mean over all bands,
        which only removes the loudness.

    See Also
    --------
    siamlab.layers.RandomEQ : Simulates random microphones during training.

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

    def transform(self, X):
        """Subtract the means.

        Parameters
        ----------
        X : numpy.ndarray, list of numpy.ndarray or Features
            Shape (time, mel) each.

        Returns
        -------
        same type as `X`
            float32, in dB.

        Raises
        ------
        ArgumentError
            If an array has the wrong shape, or is empty.
        """
        axis = 0 if self.per_band else None

        def centered(array):
            _check_shape(array)
            mean = np.mean(array, axis=axis, dtype=np.float64)
            return (array - mean).astype(np.float32)

        return _for_each_array(centered, X)


def gate_saturation(model, batch, threshold=4.0):
    """Compute the fraction of saturated gates of each LSTM on a batch.

    A gate is the sigmoid of its pre-activation. If the pre-activation is below -4 or
    above 4, the gate is within 2 % of closed or open, and its derivative is below
    0.018; the maximum is 0.25. See Hochreiter and Schmidhuber (1997) for the gates, and
    Glorot and Bengio (2010) for the effect of saturation on training.

    Parameters
    ----------
    model : keras.Model
        A functional or sequential model with LSTMs, alone or in a
        `keras.layers.Bidirectional`, or a model of `siamlab.networks`. It is not
        modified: the computation uses a copy.
    batch : tuple, or any input of the model
        If it is a tuple, as for `fit`, its first item is the input.
    threshold : float
        Absolute pre-activation above which a gate counts as saturated.

    Returns
    -------
    dict of str to float
        Fraction of saturated input, forget and output gates, from 0 to 1. The keys are
        the names of the LSTMs (or of the Bidirectional around them), in the order of
        computation. Masked frames are ignored.

    Raises
    ------
    ArgumentError
        If the model has no LSTM, or is neither functional nor sequential.

    Examples
    --------
    >>> import siamlab as sl
    >>> net = sl.networks.blstm_encoder(n_frames=40, n_mels=128, units=8)
    >>> unscaled = np.full((4, 40, 128), -15.0, dtype="float32")
    >>> bool(sl.scaling.gate_saturation(net, unscaled)["blstm_1"] > 0.1)
    True
    >>> sl.scaling.gate_saturation(net, 0 * unscaled)["blstm_1"]
    0.0
    """
    import keras

    sums: dict[str, list] = {}  # pre-activations

    class RecordingLSTM(keras.layers.LSTM):
        def __init__(self, recorded_as, **kwargs):
            super().__init__(**kwargs)
            self.recorded_as = recorded_as

        def call(self, sequences, initial_state=None, mask=None, training=False):
            gates = _gate_sums(self, sequences, mask)
            sums.setdefault(self.recorded_as, []).append(gates)
            return super().call(sequences, initial_state, mask, training)

        def get_config(self):
            return {**super().get_config(), "recorded_as": self.recorded_as}

    def copy(layer, recorded_as=None):
        recorded_as = recorded_as or layer.name
        if isinstance(layer, keras.layers.Bidirectional):
            return keras.layers.Bidirectional(
                copy(layer.forward_layer, recorded_as),
                layer.merge_mode,
                backward_layer=copy(layer.backward_layer, recorded_as),
                name=layer.name,
            )
        if isinstance(layer, keras.layers.LSTM):
            return RecordingLSTM(recorded_as, **layer.get_config())
        if isinstance(layer, keras.layers.Lambda):  # not deserialized in safe mode
            return keras.layers.Lambda(layer.function, name=layer.name)
        return type(layer).from_config(layer.get_config())

    inputs = batch[0] if isinstance(batch, tuple) else batch
    encoder = getattr(model, "encoder", model)
    if getattr(encoder, "inputs", None) is None:
        raise ArgumentError(
            f"model must be a built functional or sequential model; {model.name!r} is "
            f"a {type(model).__name__}. Pass its functional part"
        )
    with keras.saving.custom_object_scope({"RecordingLSTM": RecordingLSTM}):
        recorder = keras.models.clone_model(
            encoder, clone_function=copy, recursive=True
        )
    recorder.set_weights(encoder.get_weights())
    # A pair of inputs for one encoder, as of networks.Siamese: one after the other.
    is_pair = isinstance(inputs, tuple | list) and len(encoder.inputs) == 1
    for each in inputs if is_pair else [inputs]:
        recorder(keras.tree.map_structure(keras.ops.convert_to_tensor, each))
    if not sums:
        raise ArgumentError(f"the model must have an LSTM, but {model.name!r} has none")
    return {
        name: float(np.mean(np.abs(np.concatenate(parts)) > threshold))
        for name, parts in sums.items()
    }


def _gate_sums(lstm, sequences, mask):
    """Return the pre-activations of the gates, shape (frames, 3 * units)."""
    from keras import ops

    x = ops.convert_to_numpy(sequences).astype(np.float64)
    there = np.ones(x.shape[:2], bool)
    if mask is not None:
        there = ops.convert_to_numpy(mask).astype(bool)
    if lstm.go_backwards:
        x, there = x[:, ::-1], there[:, ::-1]
    weights = [ops.convert_to_numpy(w).astype(np.float64) for w in lstm.cell.weights]
    kernel, recurrent, *bias = weights
    z, _ = lstm_forward(x, kernel, recurrent, bias[0] if bias else 0.0, there)
    input_gate, forget_gate, _, output_gate = np.split(z[there], 4, axis=-1)
    return np.concatenate([input_gate, forget_gate, output_gate], axis=-1)


def lstm_forward(x, kernel, recurrent, bias=0.0, mask=None):
    """Compute the forward pass of an LSTM (Gers, Schmidhuber and Cummins, 2000).

    Parameters
    ----------
    x : numpy.ndarray
        Shape (..., time, features).
    kernel, recurrent, bias : numpy.ndarray
        Weights in the order of `keras.layers.LSTM`: input gate, forget gate, candidate,
        output gate; shape (features, 4 * units), (units, 4 * units), (4 * units,).
    mask : numpy.ndarray of bool, optional
        Shape (..., time). Where it is False, the state does not change.

    Returns
    -------
    sums : numpy.ndarray
        Pre-activations of the gates and the candidate, shape (..., time, 4 * units).
    cells : numpy.ndarray
        Cell state after each frame, shape (..., time, units).

    Examples
    --------
    >>> sums, cells = lstm_forward(np.ones((3, 2)), np.ones((2, 4)), np.zeros((1, 4)))
    >>> sums[0].tolist(), bool((np.diff(cells[:, 0]) > 0).all())
    ([2.0, 2.0, 2.0, 2.0], True)
    """
    sums = x @ kernel + bias
    cells = np.zeros((*sums.shape[:-1], len(recurrent)))
    c = h = np.zeros((*sums.shape[:-2], len(recurrent)))
    for t in range(sums.shape[-2]):
        sums[..., t, :] += h @ recurrent
        i, f, g, o = np.split(sums[..., t, :], 4, axis=-1)
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        there = True if mask is None else mask[..., t, None]
        c, h = np.where(there, new_c, c), np.where(there, new_h, h)
        cells[..., t, :] = c
    return sums, cells


def _for_each_array(function, features):
    if isinstance(features, Features):
        return features.map(function)
    if isinstance(features, np.ndarray):
        return function(features)
    return [function(np.asarray(array)) for array in features]


def _checked_arrays(features):
    """Yield each array (time, mel) of what `fit` was given."""
    is_one_array = isinstance(features, np.ndarray) and features.ndim == 2
    found = False
    for array in [features] if is_one_array else features:
        _check_shape(array)
        found = True
        yield array
    if not found:
        raise ArgumentError("fit needs at least one array, of shape (time, mel)")


def _check_shape(array):
    if np.ndim(array) != 2 or not np.size(array):
        raise ArgumentError(
            f"each array must have shape (time, mel); got {np.shape(array)}"
        )


def _without_zeros(scale):
    """Replace 0 by 1: a constant band is only shifted."""
    scale = np.asarray(scale, dtype=np.float32)
    # A deviation may be above 0 in double precision and 0 in single precision.
    return np.where(scale >= np.finfo(np.float32).tiny, scale, np.float32(1.0))
