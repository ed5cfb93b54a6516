"""Base class of the models that train an encoder."""

import keras

from ..errors import ArgumentError


class EncoderModel(keras.Model):
    """A Keras model around an encoder that is saved and loaded with it."""

    def __init__(self, encoder, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(encoder, keras.Model):
            raise ArgumentError(
                f"encoder must be a keras.Model; got {type(encoder).__name__}. "
                "Build one with siamlab.networks.blstm_encoder."
            )
        self.encoder = encoder
        self.built = True  # all variables are the encoder's

    def call(self, inputs, training=None):
        """Return the outputs of the encoder.

        Parameters
        ----------
        inputs : tensor, or dict of tensor
            Inputs of the encoder.
        training : bool, optional
            Whether dropout and augmentation are active.

        Returns
        -------
        tensor
            Outputs of the encoder.
        """
        return self.encoder(inputs, training=training)

    def fit(self, *args, **kwargs):
        """Train the network.

        Parameters
        ----------
        *args, **kwargs
            As for `keras.Model.fit`.

        Returns
        -------
        keras.callbacks.History
            Its `history` has the loss of each epoch.
        """
        # Otherwise the first step creates these variables, and TensorFlow has to trace
        # the step twice.
        if self.compiled and self.encoder.built and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        return super().fit(*args, **kwargs)

    def export(self, filepath, *args, **kwargs):
        """Export the network for inference, also before its first call.

        Parameters
        ----------
        filepath : str or os.PathLike
            The file or folder.
        *args, **kwargs
            As for `keras.Model.export`.
        """
        inputs = self._symbolic_inputs()
        network = keras.Model(inputs, self(inputs), name=self.name)
        network(inputs)  # Keras exports to ONNX only what has been called
        network.export(filepath, *args, **kwargs)

    def _symbolic_inputs(self):
        # A Sequential model has no attribute `input` before it is called.
        sequential = isinstance(self.encoder, keras.Sequential)
        return self.encoder.inputs[0] if sequential else self.encoder.input

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        encoder = keras.saving.serialize_keras_object(self.encoder)
        return {**super().get_config(), "encoder": encoder}

    @classmethod
    def from_config(cls, config):
        """Build the model from the result of `get_config`.

        Parameters
        ----------
        config : dict
            Result of `get_config`.

        Returns
        -------
        keras.Model
            The model, with new weights.
        """
        load = keras.saving.deserialize_keras_object
        return cls(**{name: load(value) for name, value in config.items()})
