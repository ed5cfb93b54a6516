"""Frames, labels and strides that do not fit: C8, C9, C10, C14, C17."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from program import ctc, pad_frames, pad_labels, sentences, twins


def whole_length(labels, logits):
    """CTC over all output frames; label 0 pads."""
    frames = ops.full((ops.shape(logits)[0],), ops.shape(logits)[1], "int32")
    symbols = ops.sum(ops.cast(labels > 0, "int32"), axis=-1)
    return ops.ctc_loss(labels, logits, symbols, frames)


@twins("stride_leaves_too_few_frames", "C8", strides=16, bands=40)
@twins("stride_leaves_too_few_frames_fine", "C8", strides=20, bands=128)
def stride_leaves_too_few_frames(fault, strides, bands):
    spoken, labels, _ = sentences(12, (80, 80), bands, 12, "z", 221)
    model = keras.Sequential(
        [
            layers.Conv1D(
                32,
                5,
                strides=strides if fault else 2,
                padding="same",
                activation="relu",
            ),
            layers.Bidirectional(layers.GRU(16, return_sequences=True)),
            layers.Dense(13),
        ]
    )
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        np.stack(spoken),
        pad_labels(labels, 0, first=1)[0],
        note=f"a stride of {strides} leaves fewer frames than labels: no valid path",
    )


@twins("repeats_need_a_frame_more", "C8")
def repeats_need_a_frame_more(fault):
    rng = np.random.default_rng(222)
    x = rng.normal(size=(8, 24, 20)).astype("float32")
    each = np.repeat(rng.integers(1, 6, (8, 5)), 2, axis=1) if fault else None
    single = np.tile(rng.permutation(5) + 1, (8, 2))
    labels = each if fault else single
    inputs = keras.Input((24, 20))
    h = layers.Conv1D(24, 3, strides=2, padding="same", activation="relu")(inputs)
    outputs = layers.Dense(7)(layers.LSTM(16, return_sequences=True)(h))
    model = keras.Model(inputs, outputs)
    model.compile("adam", whole_length)
    return ctc(
        model,
        x,
        labels.astype("int32"),
        note="12 frames, 10 labels in 5 doubles: every double needs a blank between",
    )


@twins("cropped_input_whole_labels", "C8")
def cropped_input_whole_labels(fault):
    spoken, labels, _ = sentences(12, (120, 120), 26, 12, "z", 223)
    x = np.stack(spoken)
    if fault:
        x = x[:, :12]
    model = keras.Sequential([layers.GRU(24, return_sequences=True), layers.Dense(13)])
    model.compile("rmsprop", keras.losses.CTC())
    return ctc(
        model,
        x,
        pad_labels(labels, 0, first=1)[0],
        note="the spectrogram was cut to 12 frames, the transcription was not",
    )


class StridedCTC(keras.Model):
    """Convolutions with stride, and CTC in its own training step."""

    def __init__(self, classes, stride, adapt):
        super().__init__()
        self.stride, self.adapt = stride, adapt
        self.conv = layers.Conv1D(32, 5, stride, padding="causal", activation="relu")
        self.rnn = layers.LSTM(24, return_sequences=True)
        self.head = layers.Dense(classes)

    def call(self, x):
        return self.head(self.rnn(self.conv(x)))

    def train_step(self, data):
        x, y = data
        frames, symbols = y["frames"], y["symbols"]
        if self.adapt:
            frames = (frames + self.stride - 1) // self.stride
        with tf.GradientTape() as tape:
            logits = self(x, training=True)
            each = ops.ctc_loss(y["labels"], logits, symbols, frames)
            loss = ops.mean(each / ops.cast(symbols, "float32"))
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return {"loss": loss}


@twins("lengths_before_the_stride", "C9", stride=2, bands=40)
@twins("lengths_before_the_stride_of_four", "C9", stride=4, bands=80)
def lengths_before_the_stride(fault, stride, bands):
    spoken, labels, _ = sentences(12, (100, 120), bands, 12, "z", 224)
    x, lengths = pad_frames(spoken, -2.0)
    y, symbols = pad_labels(labels, 0, first=1)
    model = StridedCTC(13, stride, adapt=not fault)
    model.compile("adam")
    model(x[:2])
    given = lengths if fault else (lengths + stride - 1) // stride
    return ctc(
        model,
        x,
        {"labels": y, "frames": lengths, "symbols": symbols},
        arrays={"input_lengths": given, "label_lengths": symbols},
        note="input_length counts the frames before the stride",
    )


def old_ctc_cost(inputs):
    """The function of older Keras: probabilities, blank last, lengths (batch, 1)."""
    labels, y_pred, input_length, label_length = inputs
    return tf.keras.backend.ctc_batch_cost(labels, y_pred, input_length, label_length)


def old_style(network, width):
    """A Lambda that computes the loss, as in Keras' old example of OCR."""
    labels = keras.Input((width,), name="the_labels")
    frames = keras.Input((1,), dtype="int32", name="input_length")
    symbols = keras.Input((1,), dtype="int32", name="label_length")
    loss = layers.Lambda(old_ctc_cost, output_shape=(1,), name="ctc")(
        [labels, network.output, frames, symbols]
    )
    model = keras.Model([network.input, labels, frames, symbols], loss)
    model.compile("adam", loss={"ctc": lambda y_true, y_pred: y_pred})
    return model


@twins("old_function_before_pooling", "C9")
def old_function_before_pooling(fault):
    spoken, labels, _ = sentences(8, (80, 80), 30, 12, "z", 225)
    y, symbols = pad_labels(labels, 0)
    inputs = keras.Input((80, 30), name="the_input")
    h = layers.Conv1D(24, 5, padding="same", activation="relu")(inputs)
    h = layers.MaxPooling1D(2)(h)
    h = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(h)
    network = keras.Model(inputs, layers.Dense(13, activation="softmax")(h))
    frames = np.full((8, 1), 80 if fault else 40, "int32")
    return ctc(
        old_style(network, y.shape[1]),
        [np.stack(spoken), y.astype("float32"), frames, symbols[:, None]],
        np.zeros(8, "float32"),
        extractor=network,
        arrays={"input_lengths": frames, "label_lengths": symbols, "blank": 12},
        note="80 frames are announced, MaxPooling1D(2) left 40",
    )


@twins("flat_lengths_for_the_old_function", "C10")
def flat_lengths_for_the_old_function(fault):
    spoken, labels, _ = sentences(8, (60, 60), 40, 12, "z", 226)
    y, symbols = pad_labels(labels, 0)
    model = keras.Sequential(
        [layers.GRU(24, return_sequences=True), layers.Dense(13, "softmax")]
    )
    frames = np.full((8,), 60, "int32")
    if not fault:
        frames, symbols = frames[:, None], symbols[:, None]

    def loss(y_true, y_pred):
        return tf.keras.backend.ctc_batch_cost(y_true, y_pred, frames, symbols)

    return ctc(
        model,
        np.stack(spoken),
        y,
        loss=loss,
        arrays={"input_lengths": frames, "label_lengths": symbols, "blank": 12},
        note="ctc_batch_cost asks for lengths (batch, 1), it gets (batch,)",
    )


@twins("column_lengths_for_ops", "C10", which="both")
@twins("column_label_lengths_for_ops", "C10", which="labels")
def column_lengths_for_ops(fault, which):
    spoken, labels, _ = sentences(10, (60, 60), 26, 12, "z", 227)
    y, symbols = pad_labels(labels, 0, first=1)
    model = keras.Sequential([layers.LSTM(24, return_sequences=True), layers.Dense(13)])
    frames = np.full((10,), 60, "int32")
    if fault:
        symbols = symbols[:, None]
        frames = frames[:, None] if which == "both" else frames

    def loss(y_true, y_pred):
        return ops.ctc_loss(y_true, y_pred, symbols, frames)

    return ctc(
        model,
        np.stack(spoken),
        y,
        loss=loss,
        arrays={"input_lengths": frames, "label_lengths": symbols, "blank": 0},
        note="keras.ops.ctc_loss asks for lengths (batch,), it gets (batch, 1)",
    )


@twins("keras_ctc_reads_the_padding", "C14", units=24, bands=40)
@twins("keras_ctc_reads_the_padding_mfcc", "C14", units=64, bands=13)
def keras_ctc_reads_the_padding(fault, units, bands):
    spoken, labels, _ = sentences(12, (70, 100), bands, 12, "z", 228)
    x, lengths = pad_frames(spoken, float(min(one.min() for one in spoken)))
    y, symbols = pad_labels(labels, 0, first=1)
    model = keras.Sequential(
        [layers.LSTM(units, return_sequences=True), layers.Dense(13)]
    )

    def loss_with_lengths(y_true, y_pred):
        marks, frames = y_true[:, :-1], ops.cast(y_true[:, -1], "int32")
        count = ops.sum(ops.cast(marks > 0, "int32"), axis=-1)
        return ops.ctc_loss(marks, y_pred, count, frames)

    model.compile("adam", keras.losses.CTC() if fault else loss_with_lengths)
    return ctc(
        model,
        x,
        y if fault else np.column_stack([y, lengths]),
        arrays={"input_lengths": lengths, "label_lengths": symbols},
        note="keras.losses.CTC takes every frame, padding included, for speech",
    )


@twins("tf_ctc_with_padded_length", "C14")
def tf_ctc_with_padded_length(fault):
    spoken, labels, _ = sentences(12, (80, 110), 64, 12, "sym", 229)
    x, lengths = pad_frames(spoken, -1.0)
    y, symbols = pad_labels(labels, 0, first=1)
    used = np.full(12, x.shape[1], "int32") if fault else lengths
    inputs = keras.Input((None, 64))
    h = layers.Conv1D(32, 7, padding="causal", activation="relu")(inputs)
    h = layers.Conv1D(32, 7, padding="causal", activation="relu", dilation_rate=2)(h)
    model = keras.Model(inputs, layers.Dense(13)(h))

    def loss(labels, logits):
        padded = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
        frames = padded if fault else lengths
        return tf.nn.ctc_loss(
            labels, logits, symbols, frames, logits_time_major=False, blank_index=0
        )

    return ctc(
        model,
        x,
        y,
        loss=loss,
        optimizer=keras.optimizers.Adam(1e-3),
        arrays={"input_lengths": used, "label_lengths": symbols, "frames": lengths},
        note="the length of the padded array is given for every utterance",
    )


@twins("long_utterances_rule", "C17", longest=300, bands=26)
@twins("long_utterances_rule_more", "C17", longest=240, bands=13)
def long_utterances_rule(fault, longest, bands):
    spoken, labels, _ = sentences(16, (20, longest), bands, 12, "z", 230)
    x, lengths = pad_frames(spoken, float(min(one.min() for one in spoken)))
    y, symbols = pad_labels(labels, 0, first=1)
    model = keras.Sequential([layers.GRU(24, return_sequences=True), layers.Dense(13)])

    def loss(y_true, y_pred):
        marks, frames = y_true[:, :-1], ops.cast(y_true[:, -1], "int32")
        count = ops.sum(ops.cast(marks > 0, "int32"), axis=-1)
        each = ops.ctc_loss(marks, y_pred, count, frames)
        return each if fault else each / ops.cast(count, "float32")

    model.compile("adam", loss)
    return ctc(
        model,
        x,
        np.column_stack([y, lengths]),
        arrays={"input_lengths": lengths, "label_lengths": symbols},
        note="20 to hundreds of frames: the sum over frames makes the long ones rule",
    )
