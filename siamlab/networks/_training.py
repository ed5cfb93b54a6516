"""What the networks have in common: a quiet `fit`, and how they are saved."""

import keras

from .. import callbacks as our_callbacks
from ..errors import ArgumentError


class Trained(keras.Model):
    """A model whose `fit` shows one bar rather than one for each epoch."""

    def fit(self, x=None, y=None, *, verbose="auto", callbacks=None, **kwargs):
        """Train; see `keras.Model.fit`.

        Parameters
        ----------
        x : keras.utils.PyDataset, or anything that Keras takes
            Batches of `siamlab.sampling`, for one, or inputs.
        y : array, optional
            Labels, where `x` has none.
        verbose : "auto", 0, 1 or 2
            "auto" is one bar for the whole training; the others are Keras' own.
        callbacks : list of keras.callbacks.Callback, optional
            As for `keras.Model.fit`.
        **kwargs
            As for `keras.Model.fit`.

        Returns
        -------
        keras.callbacks.History
            Figures by epoch.
        """
        if verbose == "auto":
            verbose, callbacks = 0, [*(callbacks or []), our_callbacks.Progress()]
        return super().fit(x, y, verbose=verbose, callbacks=callbacks, **kwargs)


class OverBase(Trained):
    """A base network and its loss: compiled on arrival, saved with both."""

    def __init__(self, base, loss=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(base, keras.Model):
            raise ArgumentError(
                f"base must be a keras.Model; got {type(base).__name__}. "
                "Make one with siamlab.networks.blstm_encoder."
            )
        self.base = base
        self.pair_loss = loss

    def compile(self, optimizer="adam", loss=None, **kwargs):
        """Compile; see `keras.Model.compile`.

        Parameters
        ----------
        optimizer : str or keras.Optimizer
            Adam by default, with its rate of 1e-3.
        loss : keras.losses.Loss, optional
            The one that the network was made with, by default.
        **kwargs
            As for `keras.Model.compile`.
        """
        loss = self.pair_loss if loss is None else loss
        super().compile(optimizer=optimizer, loss=loss, **kwargs)
        # A network that is saved before it was trained loads as well.
        self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config):
        """Compile as a saved network was; Keras calls it.

        Parameters
        ----------
        config : dict
            Of `get_compile_config`.
        """
        self.compile(**keras.saving.deserialize_keras_object(config))

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "base": serialize(self.base),
            "loss": serialize(self.pair_loss),
        }

    @classmethod
    def from_config(cls, config):
        """Make the network again from its arguments.

        Parameters
        ----------
        config : dict
            Of `get_config`.

        Returns
        -------
        keras.Model
            With fresh weights.
        """
        parts = ("base", "loss", "distance")
        found = {name: config[name] for name in parts if name in config}
        load = keras.saving.deserialize_keras_object
        return cls(**config | {name: load(part) for name, part in found.items()})
