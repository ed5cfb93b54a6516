"""A fitted scaler that travels inside a network."""

import keras
import numpy as np
from keras import ops

from ..errors import ArgumentError


@keras.saving.register_keras_serializable(package="siamlab")
class Scale(keras.layers.Layer):
    """Scale a spectrogram as a fitted scaler does.

    Shift, scale and floor are weights that are not trained: they are saved with the
    network, and a network that is loaded scales as it was trained to.

    Parameters
    ----------
    shift, scale, floor : array_like, optional
        One number, or one for each band: ``(max(x, floor) - shift) / scale``. 0, 1
        and no floor where not given.
    **kwargs
        As for `keras.layers.Layer`.

    Raises
    ------
    ArgumentError
        If there are neither one nor as many numbers as bands.

    Examples
    --------
    >>> layer = Scale(shift=-40.0, scale=20.0)
    >>> np.asarray(layer(np.array([[-60.0, -40.0, 0.0]]))).tolist()
    [[-1.0, 0.0, 2.0]]
    """

    def __init__(self, shift=0.0, scale=1.0, floor=None, **kwargs):
        # Decibels are scaled before they are rounded to half precision, which tells
        # -80.3 from -80.5 no more.
        super().__init__(trainable=False, autocast=False, **kwargs)
        floor = -np.inf if floor is None else floor
        self._initial = {"shift": shift, "scale": scale, "floor": floor}

    @classmethod
    def from_scaler(cls, scaler, **kwargs):
        """Make the layer from a scaler of `siamlab.scaling`.

        Parameters
        ----------
        scaler : scaling.StandardScaler or scaling.MinMaxScaler
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
            If the scaler takes each utterance's own statistics: a network that
            sees 0.4 s of it cannot know them.
        NotFittedError
            If it was not fitted.
        """
        if getattr(scaler, "per", "corpus") == "utterance":
            raise ArgumentError(
                'a scaler with per="utterance" cannot be part of a network, which '
                "sees one segment of it; call its transform on the features instead"
            )
        shift, scale = scaler._fitted()
        return cls(shift, scale, scaler.floor, **kwargs)

    def build(self, input_shape):
        """Make the weights, one for each band.

        Parameters
        ----------
        input_shape : tuple
            (..., bands).
        """
        bands = input_shape[-1]
        for name, value in self._initial.items():
            value = np.asarray(value, dtype=np.float32)
            if value.shape not in ((), (bands,)):
                raise ArgumentError(
                    f"{name} must be one number or one for each of {bands} bands; "
                    f"got shape {value.shape}. Was the scaler fitted on features "
                    "with another number of bands?"
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
        """Scale.

        Parameters
        ----------
        inputs : tensor
            Shape (..., bands).

        Returns
        -------
        tensor
            Same shape, in the precision that the layer was made for.
        """
        wide = keras.backend.result_type(self.compute_dtype, "float32")
        x, shift, scale, floor = (
            ops.cast(each, wide)
            for each in (inputs, self._shift, self._scale, self._floor)
        )
        return ops.cast((ops.maximum(x, floor) - shift) / scale, self.compute_dtype)

    def get_config(self):
        """Return the arguments, with the numbers that the layer scales by.

        They are weights, too; but a network that is built again from its
        configuration, as by `keras.models.clone_model`, has to scale as well.

        Returns
        -------
        dict
            For `from_config`.
        """
        values: dict = {
            name: np.asarray(
                ops.convert_to_numpy(getattr(self, f"_{name}")) if self.built else value
            )
            for name, value in self._initial.items()
        }
        if np.all(np.isneginf(values["floor"])):
            values["floor"] = None
        return {
            "name": self.name,
            "dtype": self.dtype_policy.name,
            **{
                name: None if value is None else value.tolist()
                for name, value in values.items()
            },
        }

    def compute_output_shape(self, input_shape):
        """Return the shape unchanged.

        Parameters
        ----------
        input_shape : tuple
            (..., bands).

        Returns
        -------
        tuple
            The same.
        """
        return input_shape
