"""The loss called wrongly, with the wrong activations: C11, C12."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from program import ctc, pad_labels, sentences, twins


def spoken_batch(seed, bands=40, frames=80, count=12, phones=12, first=1, units="z"):
    """x (batch, frames, bands), labels from `first`, their lengths."""
    spoken, labels, _ = sentences(
        count, (frames, frames), bands, phones, units, seed=seed
    )
    y, symbols = pad_labels(labels, 0, first=first)
    return np.stack(spoken), y, symbols


def lengths_of(y_true, y_pred):
    """Label lengths (label 0 pads) and frames of the output."""
    frames = ops.full((ops.shape(y_pred)[0],), ops.shape(y_pred)[1], "int32")
    return ops.sum(ops.cast(y_true > 0, "int32"), axis=-1), frames


@twins("lengths_swapped", "C11", bands=40)
@twins("lengths_swapped_fine", "C11", bands=128)
def lengths_swapped(fault, bands):
    x, y, _ = spoken_batch(241, bands)
    model = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(16, return_sequences=True)),
            layers.Dense(13),
        ]
    )

    def my_ctc(y_true, y_pred):
        symbols, frames = lengths_of(y_true, y_pred)
        if fault:
            return ops.ctc_loss(y_true, y_pred, frames, symbols)
        return ops.ctc_loss(y_true, y_pred, symbols, frames)

    model.compile("adam", my_ctc)
    return ctc(
        model,
        x,
        y,
        note="keras.ops.ctc_loss asks for label lengths first, then frames",
    )


@twins("prediction_before_truth", "C11")
def prediction_before_truth(fault):
    x, y, symbols = spoken_batch(242, 26)
    model = keras.Sequential([layers.GRU(24, return_sequences=True), layers.Dense(13)])

    def loss(a, b):
        y_pred, y_true = (a, b) if fault else (b, a)
        frames = tf.fill([tf.shape(y_pred)[0]], tf.shape(y_pred)[1])
        return tf.nn.ctc_loss(
            tf.cast(y_true, "int32"),
            tf.cast(y_pred, "float32"),
            symbols,
            frames,
            logits_time_major=False,
            blank_index=0,
        )

    return ctc(
        model,
        x,
        y,
        loss=loss,
        note="loss(y_pred, y_true), but Keras calls loss(y_true, y_pred)",
    )


@twins("old_function_lengths_swapped", "C11")
def old_function_lengths_swapped(fault):
    x, y, symbols = spoken_batch(243, 30, frames=60, first=0)
    model = keras.Sequential(
        [layers.LSTM(20, return_sequences=True), layers.Dense(13, "softmax")]
    )
    frames = np.full((12, 1), 60, "int32")

    def loss(y_true, y_pred):
        lengths = [frames, symbols[:, None]]
        one, two = reversed(lengths) if fault else lengths
        return tf.keras.backend.ctc_batch_cost(y_true, y_pred, one, two)

    return ctc(
        model,
        x,
        y,
        loss=loss,
        arrays={"blank": 12},
        note="ctc_batch_cost(labels, pred, label_length, input_length): swapped",
    )


@twins("softmax_into_keras_ctc", "C12", units=13)
@twins("softmax_into_keras_ctc_large", "C12", units=24)
def softmax_into_keras_ctc(fault, units):
    x, y, _ = spoken_batch(244, 64, phones=units - 1)
    inputs = keras.Input((80, 64))
    h = layers.Bidirectional(layers.GRU(24, return_sequences=True))(inputs)
    head = "softmax" if fault else None
    outputs = layers.Dense(units, activation=head, name="logits")(h)
    model = keras.Model(inputs, outputs)
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x,
        y,
        note="keras.losses.CTC asks for logits: a softmax on top makes two of them",
    )


@twins("softmax_into_tf_ctc", "C12")
def softmax_into_tf_ctc(fault):
    x, y, _ = spoken_batch(245, 40, frames=60)

    class Network(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv1D(32, 5, padding="same", activation="relu")
            self.rnn = layers.LSTM(24, return_sequences=True)
            self.last = layers.Dense(13)

        def call(self, x):
            h = self.last(self.rnn(self.conv(x)))
            return ops.softmax(h) if fault else ops.log_softmax(h)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                symbols, frames = lengths_of(y, self(x, training=True))
                logits = self(x, training=True)
                each = tf.nn.ctc_loss(y, logits, symbols, frames, False, blank_index=0)
                loss = tf.reduce_mean(each)
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            return {"loss": loss}

    model = Network()
    model.compile("adam")
    model(x[:2])
    return ctc(model, x, y, note="tf.nn.ctc_loss takes a softmax of the softmax")


@twins("logits_into_old_function", "C12", head=None)
@twins("log_softmax_into_old_function", "C12", head="log_softmax")
def logits_into_old_function(fault, head):
    x, y, symbols = spoken_batch(246, 40, first=0)
    model = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(20, return_sequences=True)),
            layers.Dense(13, activation=head if fault else "softmax"),
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
        arrays={"blank": 12},
        note="ctc_batch_cost takes the log of what it gets: it asks for probabilities",
    )
