"""The blank: its number and how often it is heard: C13, C15, C16."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from program import ctc, pad_labels, sentences, twins


def spoken_batch(seed, bands=40, frames=80, count=12, phones=12, first=1, units="z"):
    """x (batch, frames, bands), labels from `first`, their lengths."""
    spoken, labels, _ = sentences(
        count, (frames, frames), bands, phones, units, seed=seed
    )
    y, symbols = pad_labels(labels, 0, first=first)
    return np.stack(spoken), y, symbols


@twins("labels_from_zero_in_keras_ctc", "C13", phones=12)
@twins("labels_from_zero_in_keras_ctc_few", "C13", phones=5)
def labels_from_zero_in_keras_ctc(fault, phones):
    x, y, _ = spoken_batch(247, 40, phones=phones, first=0 if fault else 1)
    model = keras.Sequential(
        [
            layers.Bidirectional(layers.GRU(20, return_sequences=True)),
            layers.Dense(phones + 1),
        ]
    )
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model, x, y, note="the first phone has the number 0, which is Keras' blank"
    )


@twins("blank_last_given_as_first", "C13")
def blank_last_given_as_first(fault):
    x, y, symbols = spoken_batch(248, 26, first=0)
    model = keras.Sequential([layers.LSTM(32, return_sequences=True), layers.Dense(13)])

    def loss(y_true, y_pred):
        frames = tf.fill([tf.shape(y_pred)[0]], tf.shape(y_pred)[1])
        return tf.nn.ctc_loss(
            y_true,
            y_pred,
            symbols,
            frames,
            logits_time_major=False,
            blank_index=0 if fault else 12,
        )

    return ctc(
        model,
        x,
        y,
        loss=loss,
        arrays={"blank": 0 if fault else 12, "label_lengths": symbols},
        note="labels run from 0 to 11, so the blank is 12, not 0",
    )


@twins("last_phone_is_the_old_blank", "C13")
def last_phone_is_the_old_blank(fault):
    x, y, symbols = spoken_batch(249, 40, first=1 if fault else 0)
    model = keras.Sequential(
        [layers.GRU(24, return_sequences=True), layers.Dense(13, "softmax")]
    )
    frames = np.full((12, 1), 80, "int32")

    def loss(y_true, y_pred):
        return tf.keras.backend.ctc_batch_cost(y_true, y_pred, frames, symbols[:, None])

    return ctc(
        model,
        x,
        y,
        loss=loss,
        arrays={"blank": 12, "label_lengths": symbols},
        note="13 outputs and labels from 1 to 12: the last is the old function's blank",
    )


def blank_bias(model, index, value):
    """Set one bias of the last layer, as a training left it."""
    kernel, bias = model.layers[-1].get_weights()
    bias[index] = value
    model.layers[-1].set_weights([kernel, bias])


@twins("blank_starved_by_pretraining", "C15", value=-12.0, state="starved")
@twins("only_blanks_so_far", "C16", value=9.0, state="flooded")
def blank_first(fault, value, state):
    x, y, _ = spoken_batch(250, 40)
    model = keras.Sequential(
        [
            keras.Input((80, 40)),
            layers.Bidirectional(layers.LSTM(24, return_sequences=True)),
            layers.Dense(13),
        ]
    )
    if fault:
        blank_bias(model, 0, value)
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        x,
        y,
        arrays={"blank": 0},
        note=f"the blank is {state}: its bias is {value}",
    )


@twins("blank_last_starved", "C15", value=-20.0)
@twins("blank_last_floods", "C16", value=15.0)
def blank_last(fault, value):
    x, y, symbols = spoken_batch(251, 64, first=0)
    inputs = keras.Input((80, 64))
    h = layers.Conv1D(48, 7, padding="same", activation="relu")(inputs)
    h = layers.GRU(32, return_sequences=True)(h)
    model = keras.Model(inputs, layers.Dense(13, activation="softmax", name="aus")(h))
    if fault:
        blank_bias(model, 12, value)
    frames = np.full((12, 1), 80, "int32")

    def loss(y_true, y_pred):
        return tf.keras.backend.ctc_batch_cost(y_true, y_pred, frames, symbols[:, None])

    return ctc(
        model,
        x,
        y,
        loss=loss,
        arrays={"blank": 12},
        note=f"the posterior of the blank, the last unit, is shifted by {value}",
    )


@twins("blank_rate_stays_at_one", "C16", epochs=4)
@twins("blank_rate_stays_at_one_longer", "C16", epochs=12)
def blank_rate_stays_at_one(fault, epochs):
    x, y, _ = spoken_batch(252, 20, frames=60)
    model = keras.Sequential([layers.GRU(16, return_sequences=True), layers.Dense(13)])
    model.compile("adam", keras.losses.CTC())
    epoch = np.arange(epochs)
    rng = np.random.default_rng(252)
    rate = np.ones(epochs) - rng.uniform(0, 0.004, epochs)
    loss = 60 - 20 * (1 - 0.5**epoch)
    if not fault:
        rate = 0.55 + 0.4 * np.exp(-epoch) + rng.uniform(0, 0.02, epochs)
        loss = 60 * np.exp(-epoch / 4)
    return ctc(
        model,
        x,
        y,
        arrays={
            "blank": 0,
            "blank_rate": rate.tolist(),
            "history": {"loss": loss.tolist()},
        },
        note="every frame is a blank in each epoch so far; the loss is on a plateau",
    )
