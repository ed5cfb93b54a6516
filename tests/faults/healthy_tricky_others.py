"""Clusters, padding and layers that look like a fault and are none."""

import keras
import numpy as np
from keras import layers, ops
from parts import euclid, hinge
from program import (
    ctc,
    healthy,
    pad_frames,
    pad_labels,
    pair_data,
    sentences,
    siamese,
    speech,
)
from scipy.spatial.distance import squareform


def two_inputs(base, shape, distance):
    a, b = keras.Input(shape), keras.Input(shape)
    return keras.Model([a, b], distance(base(a), base(b)))


@healthy("square_points_into_linkage")
def square_points_into_linkage():
    rng = np.random.default_rng(353)
    who = np.repeat(np.arange(4), 6)
    e = rng.normal(size=(4, 24))[who] + 0.2 * rng.normal(size=(24, 24))
    return siamese(
        None,
        e.astype("float32"),
        who,
        arrays={"linkage_input": e, "linkage_method": "ward", "speakers": who},
        note="24 embeddings of 24 numbers are points, though the table is square",
    )


@healthy("condensed_distances")
def condensed_distances():
    rng = np.random.default_rng(354)
    e = rng.normal(size=(20, 8))
    square = np.abs(e[:, None] - e[None]).sum(axis=-1)
    condensed = squareform(square, checks=False)
    return siamese(
        None,
        e.astype("float32"),
        np.repeat(np.arange(4), 5),
        arrays={"linkage_input": condensed, "linkage_method": "average"},
        note="the condensed form, as linkage wants it",
    )


@healthy("masked_floor_padding")
def masked_floor_padding():
    spoken, labels, _ = sentences(12, (60, 80), 40, 12, "dB", 355)
    spoken = [np.maximum(one, -79.9) for one in spoken]
    x, lengths = pad_frames(spoken, -80.0)
    y, symbols = pad_labels(labels, 0, first=1)
    inputs = keras.Input((None, 40))
    h = layers.Masking(mask_value=-80.0)(inputs)
    h = layers.Rescaling(1 / 40, offset=1.0)(h)
    h = layers.Bidirectional(layers.LSTM(20, return_sequences=True))(h)
    model = keras.Model(inputs, layers.Dense(13)(h))

    def loss(y_true, y_pred):
        return ops.ctc_loss(y_true, y_pred, symbols, lengths)

    return ctc(
        model,
        x,
        y,
        loss=loss,
        arrays={"input_lengths": lengths, "label_lengths": symbols},
        note="-80 dB behind the utterance, masked before anything else",
    )


@healthy("unit_input_padded_by_its_floor")
def unit_input_padded_by_its_floor():
    spoken, labels, _ = sentences(12, (70, 90), 30, 12, "unit", 356)
    x, lengths = pad_frames(spoken, 0.0)
    y, symbols = pad_labels(labels, 0, first=1)
    model = keras.Sequential([layers.LSTM(24, return_sequences=True), layers.Dense(13)])

    def loss(y_true, y_pred):
        each = ops.ctc_loss(y_true, y_pred, symbols, lengths)
        return each / ops.cast(symbols, "float32")

    return ctc(
        model,
        x,
        y,
        loss=loss,
        arrays={"input_lengths": lengths, "label_lengths": symbols},
        note="in [0, 1] the floor is 0, so zeros are silence; lengths are true",
    )


@healthy("sigmoid_ctc_bias_trick")
def sigmoid_ctc_bias_trick():
    spoken, labels, _ = sentences(12, (60, 60), 40, 12, "z", 357)
    model = keras.Sequential(
        [
            layers.GRU(24, return_sequences=True),
            layers.Dense(
                13,
                bias_initializer=lambda shape, dtype=None: ops.convert_to_tensor(
                    np.r_[-1.0, np.zeros(12)], dtype
                ),
            ),
        ]
    )
    model.compile("adam", keras.losses.CTC())
    return ctc(
        model,
        np.stack(spoken),
        pad_labels(labels, 0, first=1)[0],
        note="the blank starts a little lower, on purpose, not starved",
    )


@healthy("lstm_with_plain_dropout")
def lstm_with_plain_dropout():
    x, y, table = pair_data(24, frames=60, bands=40, seed=358)
    base = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(16, return_sequences=True, dropout=0.3)),
            layers.LSTM(16, activation="tanh", dropout=0.2, use_bias=True),
            layers.Dense(12),
        ]
    )
    model = two_inputs(base, (60, 40), euclid)
    model.compile("adam", hinge(0.5))
    return siamese(
        model, x, y, pairs=table, note="dropout of inputs does not leave cuDNN"
    )


@healthy("convolution_2d_bands_first")
def convolution_2d_bands_first():
    x, table = speech(8, 2, 2, 64, 40, seed=359)
    image = x.transpose(0, 2, 1)[..., None].copy()
    model = keras.Sequential(
        [
            layers.Conv2D(12, 5, strides=2, activation="relu"),
            layers.Conv2D(16, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(8, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return siamese(
        model,
        image,
        table["speaker"].to_numpy("int32"),
        arrays={"n_mels": 40, "frames": 64},
        note="(bands, frames) as an image: a 2-D convolution takes either order",
    )
