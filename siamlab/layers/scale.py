"""A fitted scaler as the first layer of a network."""

import keras
import numpy as np
from keras import ops

from ..errors import ArgumentError


@keras.saving.register_keras_serializable(package="siamlab")
class Scale(keras.layers.Layer):
    """Scale a spectrogram as a fitted scaler does.

    Shift, scale and floor are non-trainable weights. They are saved with the network,
    so it scales its input in the same way wherever it is loaded.

    Parameters
    ----------
    shift, scale : array_like
        A scalar, or one for each mel band: ``(max(x, floor_db) - shift) / scale``.
    floor_db : array_like, optional
        Lower limit in dB: smaller values are replaced by it.
    **kwargs
        As for `keras.layers.Layer`.

    Examples
    --------
    >>> layer = Scale(shift=-40.0, scale=20.0)
    >>> np.asarray(layer(np.array([[-60.0, -40.0, 0.0]]))).tolist()
    [[-1.0, 0.0, 2.0]]
    """

    def __init__(self, shift=0.0, scale=1.0, floor_db=None, **kwargs):
        # No autocast: in half precision, -80.3 dB and -80.5 dB are the same number.
        super().__init__(trainable=False, autocast=False, **kwargs)
        floor = -np.inf if floor_db is None else floor_db
        self._initial = {"shift": shift, "scale": scale, "floor": floor}

    @classmethod
    def from_scaler(cls, scaler, **kwargs):
        """Create a layer from a fitted scaler.

        Parameters
        ----------
        scaler : scaling.StandardScaler, scaling.MinMaxScaler or scaling.AffineScaler
            Fitted.
        **kwargs
            As for `keras.layers.Layer`.

        Returns
        -------
        Scale
            The layer.

        Raises
        ------
        ArgumentError
            If the scaler uses statistics of each utterance, which a network cannot
            compute from a segment.
        sklearn.exceptions.NotFittedError
            If the scaler was not fitted.
        """
        if not hasattr(scaler, "shift_and_scale"):
            raise ArgumentError(
                f"a {type(scaler).__name__} of {type(scaler).__module__} cannot be "
                "part of a network; use StandardScaler, MinMaxScaler or AffineScaler "
                "of siamlab.scaling, or call its transform on the features instead"
            )
        shift, scale = scaler.shift_and_scale()
        return cls(shift, scale, scaler.floor_db, **kwargs)

    def build(self, input_shape):
        """Create the weights, with one value per mel band.

        Parameters
        ----------
        input_shape : tuple
            (..., mel).

        Raises
        ------
        ArgumentError
            If the number of mel bands differs from that of the scaler.
        """
        bands = input_shape[-1]
        for name, value in self._initial.items():
            value = np.asarray(value, dtype=np.float32)
            if value.shape not in ((), (bands,)):
                raise ArgumentError(
                    f"{name} must be a scalar or have shape ({bands},), one per band; "
                    f"got shape {value.shape}. Was the scaler fitted on features "
                    "with a different number of bands?"
                )
            weight = self.add_weight(
                name=name,
                shape=(bands,),
                initializer="zeros",
                trainable=False,
                autocast=False,
            )
            weight.assign(np.broadcast_to(value, (bands,)))
            setattr(self, f"_{name}", weight)

    def call(self, inputs):
        """Scale the input.

        Parameters
        ----------
        inputs : tensor
            Shape (..., mel).

        Returns
        -------
        tensor
            Same shape, in the layer's compute dtype.
        """
        wide = keras.backend.result_type(self.compute_dtype, "float32")
        x, shift, scale, floor = (
            ops.cast(each, wide)
            for each in (inputs, self._shift, self._scale, self._floor)
        )
        return ops.cast((ops.maximum(x, floor) - shift) / scale, self.compute_dtype)

    def get_config(self):
        """Return the arguments of the constructor, with the current weights.

        A network that is built from its configuration alone, for example by
        `keras.models.clone_model`, therefore scales its input too.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        values = dict(self._initial)
        if self.built:
            values = {
                name: ops.convert_to_numpy(getattr(self, f"_{name}")) for name in values
            }
        config = {name: np.asarray(value).tolist() for name, value in values.items()}
        floor = config.pop("floor")
        config["floor_db"] = None if np.all(np.isneginf(floor)) else floor
        return {"name": self.name, "dtype": self.dtype_policy.name, **config}
