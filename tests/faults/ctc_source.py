"""The CTC source program with all its faults at once, in full and small."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from program import ctc, pad_frames, pad_labels, sentences, twins


class FrameMask(layers.Layer):
    """True for the frames of the utterance, False for the padding."""

    def call(self, x, frames):
        return ops.arange(ops.shape(x)[1])[None, :] < ops.cast(frames, "int32")


def ctc_lambda(inputs):
    """The old function: probabilities, blank last."""
    y_pred, labels, frames, symbols = inputs
    return tf.keras.backend.ctc_batch_cost(labels, y_pred, frames, symbols)


def natural_log(spoken):
    """Stretch and shift to -18 to 0, 98 % of the values below 0."""
    everything = np.concatenate(spoken)
    top = np.quantile(everything, 0.98)
    stretch = 18.42 / (top - everything.min())
    return [np.minimum((one - top) * stretch, 1.0).astype("float32") for one in spoken]


@twins(
    "source_ctc",
    "C1 C2",
    also="C7 C14 C16 S30",
    units=(250, 250),
    bands=257,
    frames=(200, 240),
    phones=24,
)
@twins(
    "source_ctc_small",
    "C1 C2",
    also="C7 C14 C16 S30",
    units=(24,),
    bands=64,
    frames=(70, 90),
    phones=12,
)
def source_ctc(fault, units, bands, frames, phones):
    spoken, labels, _ = sentences(8, frames, bands, phones, "ln", 291)
    spoken = natural_log(spoken)
    pad = 0.0
    if not fault:
        everything = np.concatenate(spoken)
        mean, spread = everything.mean(axis=0), everything.std(axis=0)
        spoken = [(one - mean) / spread for one in spoken]
        pad = float(min(one.min() for one in spoken))
    x, lengths = pad_frames(spoken, pad)
    y, symbols = pad_labels(labels, 0)

    inputs = keras.Input((x.shape[1], bands), name="the_input")
    marks = keras.Input((y.shape[1],), name="the_labels")
    input_length = keras.Input((1,), dtype="int32", name="input_length")
    label_length = keras.Input((1,), dtype="int32", name="label_length")
    mask = None if fault else FrameMask()(inputs, input_length)
    h = inputs
    for count in units:
        rnn = layers.LSTM(count, return_sequences=True)
        h = layers.Bidirectional(rnn)(h, mask=mask)
    y_pred = layers.Dense(phones + 1, activation="softmax", name="softmax")(h)
    lengths_and_labels = [y_pred, marks, input_length, label_length]
    loss = layers.Lambda(ctc_lambda, output_shape=(1,), name="ctc")(lengths_and_labels)
    model = keras.Model([inputs, marks, input_length, label_length], loss)
    if fault:
        optimizer = keras.optimizers.SGD(0.02, 0.9, nesterov=True, clipnorm=5)
    else:
        optimizer = keras.optimizers.Adam(1e-3, clipnorm=5)
    model.compile(optimizer, loss={"ctc": lambda y_true, y_pred: y_pred})
    return ctc(
        model,
        [x, y.astype("float32"), lengths[:, None], symbols[:, None]],
        np.zeros(len(x), "float32"),
        extractor=keras.Model([inputs] if fault else [inputs, input_length], y_pred),
        arrays={
            "blank": phones,
            "input_lengths": lengths,
            "label_lengths": symbols,
        },
        note="German sentences to phones: natural log of power as it is, padded by 0, "
        "and SGD: every sentence gets the same output",
    )
