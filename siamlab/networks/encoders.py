"""Speaker encoders, which map a spectrogram to one vector."""

import keras

from .. import layers as our_layers
from ..errors import ArgumentError

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
    name="encoder",
):
    """Build a speaker encoder: two bidirectional LSTMs and two dense layers.

    Parameters
    ----------
    n_frames : int or None
        Number of frames per segment; None for any number.
    n_mels : int
        Number of mel bands.
    units : int
        Units of each LSTM in each direction; its output has twice as many.
    output_dim : int
        Size of the output.
    head : {"softmax", "logits", "unit"}
        The output: probabilities, logits, or vectors of unit length.
    scaler : StandardScaler, MinMaxScaler or AffineScaler, optional
        Fitted scaler, which becomes a layer of the network, so that the input is a
        spectrogram in dB. Without it, the spectrogram is not scaled.
    augmentation : sequence of keras.layers.Layer
        Layers before the scaler, for spectrograms in dB, such as `layers.RandomEQ`.
    dropout : float
        Dropout rate after the first LSTM.
    name : str
        Name of the model.

    Returns
    -------
    keras.Model
        (batch, time, mel) -> (batch, output_dim). Its layers are named "scale",
        "blstm_1", "blstm_2", "dense_1" and "head".

    Raises
    ------
    ArgumentError
        If the head is unknown, or the scaler cannot be part of a network.

    Examples
    --------
    >>> blstm_encoder(units=16, output_dim=8).output_shape
    (None, 8)
    """
    if head not in HEADS:
        raise ArgumentError(f"head must be one of {', '.join(HEADS)}; got {head!r}")
    layers = keras.layers
    inputs = keras.Input((n_frames, n_mels), name="spectrogram")
    x = _input_layers(inputs, scaler, augmentation)
    lstm = layers.LSTM(units, return_sequences=True)
    x = layers.Bidirectional(lstm, name="blstm_1")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Bidirectional(layers.LSTM(units), name="blstm_2")(x)
    # Not a ReLU, which may output only zeros; these have no direction (head="unit").
    x = layers.Dense(2 * output_dim, activation="tanh", name="dense_1")(x)
    # Losses need float32, also under mixed precision.
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
    """Build an x-vector encoder, for segments of one second or more.

    The network follows Snyder et al. (2018): convolutions over time, here with residual
    connections (He et al., 2016), then statistics pooling (the mean and standard
    deviation over all frames). The receptive field of the last convolution is 29 input
    frames.

    Parameters
    ----------
    n_mels : int
        Number of mel bands.
    units : int
        Channels of each convolution; the last one has twice as many.
    output_dim : int
        Size of the embedding.
    scaler : StandardScaler, MinMaxScaler or AffineScaler, optional
        Fitted scaler, as for `blstm_encoder`.
    augmentation : sequence of keras.layers.Layer
        Layers before the scaler, for spectrograms in dB.
    name : str
        Name of the model.

    Returns
    -------
    keras.Model
        (batch, time, mel) -> (batch, output_dim), for any number of frames. The output
        of its last layer, "head", has rows of unit length. Compute embeddings with
        ``siamlab.embed(net, features, n_frames=120)``.

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

    def convolve(x, channels, width, number, **options):
        conv = layers.Conv1D(
            channels,
            width,
            padding="same",
            activation="relu",
            name=f"conv_{number}",
            **options,
        )
        return layers.BatchNormalization(name=f"norm_{number}")(conv(x))

    inputs = keras.Input((None, n_mels), name="spectrogram")
    x = _input_layers(inputs, scaler, augmentation)
    # Adjacent frames overlap by more than half: every second one is enough.
    x = convolve(x, units, 5, 1, strides=2)
    for dilation in (1, 2, 3):
        x = layers.add([x, convolve(x, units, 3, 1 + dilation, dilation_rate=dilation)])
    x = convolve(x, 2 * units, 1, 5)
    x = our_layers.StatisticsPooling(name="pool")(x)
    x = layers.BatchNormalization(name="norm_pool")(x)
    x = layers.Dense(output_dim, name="dense")(x)
    # Losses need float32, also under mixed precision.
    x = layers.BatchNormalization(name="norm_dense", dtype="float32")(x)
    x = layers.UnitNormalization(name="head", dtype="float32")(x)
    return keras.Model(inputs, x, name=name)


def classifier(encoder, n_speakers):
    """Add a cosine classifier over the training speakers to an encoder.

    Parameters
    ----------
    encoder : keras.Model
        (batch, time, mel) -> (batch, output_dim).
    n_speakers : int
        Number of speakers in the training set.

    Returns
    -------
    keras.Model
        (batch, time, mel) -> (batch, n_speakers): cosine similarities, for `SpeakerNet`
        with `losses.AAMSoftmax`. It shares the layers of the encoder.

    Examples
    --------
    >>> classifier(blstm_encoder(units=8, head="unit"), n_speakers=10).output_shape
    (None, 10)
    """
    layer = our_layers.CosineClassifier(n_speakers, name="speakers")
    cosines = layer(encoder.outputs[0])
    return keras.Model(encoder.inputs[0], cosines, name=encoder.name)


def _input_layers(x, scaler, augmentation):
    for layer in augmentation:
        x = layer(x)
    if scaler is None:
        return x
    return our_layers.Scale.from_scaler(scaler, name="scale")(x)
