"""Sound programs of phone recognition, untrained, of many kinds."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from program import ctc, healthy, pad_frames, pad_labels, sentences


def alike(seed, bands=40, frames=80, units="z", count=12, phones=12, first=1):
    """Sentences of one length: x, labels padded by 0, label lengths."""
    spoken, labels, _ = sentences(count, (frames, frames), bands, phones, units, seed)
    return np.stack(spoken), *pad_labels(labels, 0, first=first)


def whole_length(labels, logits):
    """CTC over all frames of the output; label 0 pads."""
    frames = ops.full((ops.shape(logits)[0],), ops.shape(logits)[1], "int32")
    symbols = ops.sum(ops.cast(labels > 0, "int32"), axis=-1)
    return ops.ctc_loss(labels, logits, symbols, frames)


@healthy("framewise_classifier", cell="blstm")
@healthy("framewise_conv", cell="conv")
def framewise_classifier(cell):
    spoken, _, by_frame = sentences(12, (60, 60), 40, 12, "z", 321)
    rnn = layers.Bidirectional(layers.LSTM(20, return_sequences=True))
    conv = layers.Conv1D(48, 9, padding="same", activation="relu")
    model = keras.Sequential(
        [rnn if cell == "blstm" else conv, layers.Dense(12, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return ctc(
        model,
        np.stack(spoken),
        np.stack(by_frame).astype("int32"),
        note="a phone for each frame, no CTC",
    )


@healthy("ctc_plain", bands=40, units=32, phones=12)
@healthy("ctc_plain_stft", bands=257, units=16, phones=24)
@healthy("ctc_plain_mfcc", bands=13, units=48, phones=8)
def ctc_plain(bands, units, phones):
    x, y, _ = alike(322, bands, phones=phones)
    model = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(units, return_sequences=True)),
            layers.Dense(phones + 1, name="logits"),
        ]
    )
    model.compile("adam", keras.losses.CTC())
    return ctc(model, x, y, note="logits, labels from 1, one length, scaled")


class CTCEndpoint(layers.Layer):
    """Adds the CTC loss for each label, with true lengths."""

    def call(self, logits, labels, frames, symbols):
        each = ops.ctc_loss(labels, logits, symbols[:, 0], frames[:, 0])
        self.add_loss(ops.mean(each / ops.cast(symbols[:, 0], "float32")))
        return logits


@healthy("ctc_masked_zero_padding")
def ctc_masked_zero_padding():
    spoken, labels, _ = sentences(12, (60, 90), 40, 12, "z", 323)
    x, lengths = pad_frames(spoken, 0.0)
    y, symbols = pad_labels(labels, 0, first=1)
    inputs = keras.Input((x.shape[1], 40), name="x")
    marks = keras.Input((y.shape[1],), dtype="int32", name="y")
    frames = keras.Input((1,), dtype="int32", name="frames")
    count = keras.Input((1,), dtype="int32", name="count")
    h = layers.Masking(0.0)(inputs)
    h = layers.Bidirectional(layers.GRU(24, return_sequences=True))(h)
    outputs = CTCEndpoint()(layers.Dense(13)(h), marks, frames, count)
    model = keras.Model([inputs, marks, frames, count], outputs)
    model.compile("adam")
    return ctc(
        model,
        [x, y, lengths[:, None], symbols[:, None]],
        None,
        arrays={"input_lengths": lengths, "label_lengths": symbols},
        note="zeros pad standardized values, but they are masked",
    )


@healthy("ctc_strided_with_right_lengths", stride=2)
@healthy("ctc_strided_by_three", stride=3)
def ctc_strided_with_right_lengths(stride):
    spoken, labels, _ = sentences(12, (90, 110), 80, 12, "z", 324)
    x, lengths = pad_frames(spoken, -2.5)
    y, symbols = pad_labels(labels, 0, first=1)

    class Recognizer(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv1D(32, 5, stride, "causal", activation="relu")
            self.rnn = layers.LSTM(32, return_sequences=True)
            self.logits = layers.Dense(13)

        def call(self, x):
            return self.logits(self.rnn(self.conv(x)))

        def train_step(self, data):
            x, y = data
            frames = (y["frames"] + stride - 1) // stride
            with tf.GradientTape() as tape:
                logits = self(x, training=True)
                each = ops.ctc_loss(y["labels"], logits, y["symbols"], frames)
                loss = ops.mean(each / ops.cast(y["symbols"], "float32"))
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            return {"loss": loss}

    model = Recognizer()
    model.compile("adam")
    model(x[:2])
    return ctc(
        model,
        x,
        {"labels": y, "frames": lengths, "symbols": symbols},
        arrays={
            "input_lengths": (lengths + stride - 1) // stride,
            "label_lengths": symbols,
        },
        note="lengths are divided by the stride; everything is causal",
    )


@healthy("ctc_batchnorm_first", units="dB", norm="batch")
@healthy("ctc_layernorm_first", units="ln", norm="layer")
@healthy("ctc_normalization_layer", units="dB", norm="adapted")
@healthy("ctc_rescaling_layer", units="byte", norm="rescaling")
def ctc_norm_first(units, norm):
    x, y, _ = alike(325, 64, units=units)
    first = {
        "batch": layers.BatchNormalization(),
        "layer": layers.LayerNormalization(),
        "adapted": layers.Normalization(),
        "rescaling": layers.Rescaling(1 / 127.5, offset=-1.0),
    }[norm]
    if norm == "adapted":
        first.adapt(x)
    model = keras.Sequential(
        [
            keras.Input((80, 64)),
            first,
            layers.Bidirectional(layers.LSTM(20, return_sequences=True)),
            layers.Dense(13),
        ]
    )
    model.compile("adam", keras.losses.CTC())
    return ctc(model, x, y, note=f"{units} as input; the first layer scales: {norm}")


@healthy("ctc_log_softmax_output")
def ctc_log_softmax_output():
    x, y, _ = alike(326, 30)
    model = keras.Sequential(
        [
            layers.GRU(32, return_sequences=True),
            layers.Dense(13, activation="log_softmax"),
        ]
    )
    model.compile("adam", whole_length)
    return ctc(model, x, y, note="log-softmax twice is log-softmax once: the same loss")


@healthy("ctc_old_function_right", phones=12)
@healthy("ctc_old_function_right_many", phones=24)
def ctc_old_function_right(phones):
    x, y, symbols = alike(327, 40, phones=phones, first=0)
    model = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(16, return_sequences=True)),
            layers.Dense(phones + 1, activation="softmax"),
        ]
    )
    frames = np.full((12, 1), 80, "int32")

    def loss(y_true, y_pred):
        return tf.keras.backend.ctc_batch_cost(y_true, y_pred, frames, symbols[:, None])

    return ctc(
        model,
        x,
        y,
        loss=loss,
        arrays={"blank": phones, "label_lengths": symbols, "input_lengths": frames},
        note="softmax, blank last, labels from 0, lengths (batch, 1)",
    )


@healthy("ctc_tf_blank_last")
def ctc_tf_blank_last():
    x, y, symbols = alike(328, 26, first=0)
    model = keras.Sequential([layers.LSTM(32, return_sequences=True), layers.Dense(13)])

    def loss(y_true, y_pred):
        frames = tf.fill([tf.shape(y_pred)[0]], tf.shape(y_pred)[1])
        return tf.nn.ctc_loss(
            y_true, y_pred, symbols, frames, logits_time_major=False, blank_index=-1
        )

    return ctc(
        model,
        x,
        y,
        loss=loss,
        arrays={"blank": 12, "label_lengths": symbols},
        note="labels from 0 and blank_index=-1, the last",
    )


@healthy("ctc_temporal_conv_net")
def ctc_temporal_conv_net():
    x, y, _ = alike(329, 40, frames=100)
    inputs = keras.Input((100, 40))
    h = layers.Conv1D(32, 1, activation="relu")(inputs)
    for rate in (1, 2, 4):
        step = layers.Conv1D(32, 3, padding="same", dilation_rate=rate)(h)
        h = h + layers.Activation("relu")(layers.LayerNormalization()(step))
    model = keras.Model(inputs, layers.Dense(13)(h))
    model.compile("adam", keras.losses.CTC())
    return ctc(model, x, y, note="dilated convolutions with residuals")


@healthy("ctc_attention_encoder")
def ctc_attention_encoder():
    x, y, _ = alike(330, 32, frames=60)
    inputs = keras.Input((60, 32))
    place = keras.layers.Embedding(60, 32)(ops.arange(60))
    h = inputs + place
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 16)(h, h))
    wide = layers.Dense(64, activation="relu")(h)
    h = layers.LayerNormalization()(h + layers.Dense(32)(wide))
    model = keras.Model(inputs, layers.Dense(13)(h))
    model.compile("adam", keras.losses.CTC())
    return ctc(model, x, y, note="one block of a transformer, places embedded")


@healthy("ctc_pooling_enough_frames")
def ctc_pooling_enough_frames():
    x, y, _ = alike(331, 40, frames=120)
    model = keras.Sequential(
        [
            layers.Conv1D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.Bidirectional(layers.GRU(16, return_sequences=True)),
            layers.Dense(13),
        ]
    )
    model.compile("adam", whole_length)
    return ctc(
        model, x, y, note="pooling by 2; the loss asks the output how long it is"
    )


@healthy("ctc_doubles_with_room")
def ctc_doubles_with_room():
    spoken, labels, _ = sentences(12, (90, 90), 40, 8, "z", 332, doubles=True)
    y, _ = pad_labels(labels, 0, first=1)
    model = keras.Sequential(
        [layers.Bidirectional(layers.LSTM(16, return_sequences=True)), layers.Dense(9)]
    )
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model, np.stack(spoken), y, note="true doubles, and frames enough for them"
    )
