"""Speaker encoders: from a spectrogram to one vector."""

import keras

from .. import layers as our_layers
from ..errors import ArgumentError

__all__ = ["HEADS", "blstm_encoder", "classifier", "xvector_encoder"]

HEADS = ("softmax", "logits", "unit")


def blstm_encoder(
    n_frames=40,
    n_mels=128,
    units=128,
    output_dim=128,
    head="softmax",
    scaler=None,
    augmentation=(),
    dropout=0.25,
    name="base",
):
    """Build the base network: BLSTM, dropout, BLSTM, two dense layers.

    Parameters
    ----------
    n_frames : int or None
        Length of a segment; None for any length.
    n_mels : int
        Bands of the spectrogram.
    units : int
        Of each BLSTM, in each direction: its outputs are twice as many.
    output_dim : int
        Of the last layer.
    head : {"softmax", "logits", "unit"}
        What the outputs are: probabilities, their logits, or vectors of unit
        length.
    scaler : scaling.StandardScaler or scaling.MinMaxScaler, optional
        Fitted; becomes the first layer, so that the network takes spectrograms
        in dB as they are. Without one the network sees what it is given.
    augmentation : sequence of keras.layers.Layer
        In front of the scaler, where spectrograms are still in dB: such as
        `layers.RandomEQ`.
    dropout : float
        Share of the outputs of "blstm_1" that are dropped in training.
    name : str
        Of the model.

    Returns
    -------
    keras.Model
        (batch, frames, bands) -> (batch, outputs), with layers named "scale",
        "blstm_1", "blstm_2", "dense_1" and "head".

    Raises
    ------
    ArgumentError
        If the head is unknown, or the scaler cannot be part of a network.

    Examples
    --------
    >>> base(units=16, outputs=8).output_shape
    (None, 8)
    """
    if head not in HEADS:
        raise ArgumentError(f"head must be one of {', '.join(HEADS)}; got {head!r}")
    layers = keras.layers
    inputs = keras.Input((n_frames, n_mels), name="spectrogram")
    x = inputs
    for layer in augmentation:
        x = layer(x)
    if scaler is not None:
        x = our_layers.Scale.from_scaler(scaler, name="scale")(x)
    lstm = layers.LSTM(units, return_sequences=True)
    x = layers.Bidirectional(lstm, name="blstm_1")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Bidirectional(layers.LSTM(units), name="blstm_2")(x)
    x = layers.Dense(2 * output_dim, activation="relu", name="dense_1")(x)
    # In float32 also under mixed precision: losses compute with it.
    if head == "unit":
        x = layers.Dense(output_dim, name="dense_2")(x)
        x = layers.UnitNormalization(dtype="float32", name="head")(x)
    else:
        activation = "softmax" if head == "softmax" else None
        x = layers.Dense(
            output_dim, activation=activation, dtype="float32", name="head"
        )(x)
    return keras.Model(inputs, x, name=name)


def xvector_encoder(
    n_mels=128, units=192, output_dim=128, scaler=None, augmentation=(), name="xvector"
):
    """Build a network that hears a second or more at a time (Snyder et al., 2018).

    Convolutions over time, each with its input added to its output (He et al., 2016),
    then mean and deviation over all frames. Each frame of the last convolution has seen
    29 of the input.

    Parameters
    ----------
    n_mels : int
        Bands of the spectrogram.
    units : int
        Of each convolution but the last, which has twice as many.
    output_dim : int
        Length of the embedding.
    scaler : scaling.StandardScaler or scaling.MinMaxScaler, optional
        Fitted; becomes the first layer, as in `base`.
    augmentation : sequence of keras.layers.Layer
        In front of the scaler, where spectrograms are still in dB.
    name : str
        Of the model.

    Returns
    -------
    keras.Model
        (batch, frames, bands) -> (batch, outputs), for any number of frames; rows
        of unit length: embed with ``siamlab.embed(net, features, n_frames=120)``.

    Raises
    ------
    ArgumentError
        If the scaler cannot be part of a network.

    Examples
    --------
    >>> xvector_encoder(units=16, output_dim=8).output_shape
    (None, 8)
    """
    layers = keras.layers

    def convolve(x, units, width, number, **how):
        conv = layers.Conv1D(
            units,
            width,
            padding="same",
            activation="relu",
            name=f"conv_{number}",
            **how,
        )
        return layers.BatchNormalization(name=f"norm_{number}")(conv(x))

    inputs = x = keras.Input((None, n_mels), name="spectrogram")
    for layer in augmentation:
        x = layer(x)
    if scaler is not None:
        x = our_layers.Scale.from_scaler(scaler, name="scale")(x)
    # Neighboring frames overlap by more than half: every second one will do.
    x = convolve(x, units, 5, 1, strides=2)
    for dilation in (1, 2, 3):
        x = layers.add([x, convolve(x, units, 3, 1 + dilation, dilation_rate=dilation)])
    x = convolve(x, 2 * units, 1, 5)
    x = our_layers.StatisticsPooling(name="pool")(x)
    x = layers.BatchNormalization(name="norm_pool")(x)
    x = layers.Dense(output_dim, name="dense")(x)
    # Losses compute with the outputs: float32 also under mixed precision.
    x = layers.BatchNormalization(name="norm_dense", dtype="float32")(x)
    x = layers.UnitNormalization(name="head", dtype="float32")(x)
    return keras.Model(inputs, x, name=name)


def classifier(encoder, n_speakers):
    """Put a vector for each speaker behind a base network, to name them.

    Parameters
    ----------
    base : keras.Model
        (batch, frames, bands) -> (batch, outputs).
    n_speakers : int
        Speakers of the training set, numbered from 0.

    Returns
    -------
    keras.Model
        (batch, frames, bands) -> (batch, speakers), cosines: for `SpeakerNet` with
        `losses.AAMSoftmax`. The layers of `base` are its own, by the same names, so
        that `siamlab.embed` finds them.

    Examples
    --------
    >>> classifier(base(units=8, head="unit"), speakers=10).output_shape
    (None, 10)
    """
    cosines = our_layers.CosineClassifier(n_speakers, name="speakers")(encoder.output)
    return keras.Model(encoder.input, cosines, name=encoder.name)
