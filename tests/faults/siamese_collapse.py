"""Embeddings that are all alike: S11."""

import keras
import numpy as np
from keras import layers, ops
from parts import euclid, hinge, pair_model, squared
from program import pair_data, siamese, speech, twins


def collapse(layer, factor, bias=None):
    """Leave a layer as a collapsed training leaves it: input hardly counts."""
    kernel, old = layer.get_weights()
    layer.set_weights([kernel * factor, old if bias is None else bias])


@twins("collapsed_softmax", "S11", also="S10", bands=40, units=32)
@twins("collapsed_softmax_wide", "S11", also="S10", bands=128, units=128)
def collapsed_softmax(fault, bands, units):
    x, table = speech(speakers=8, sessions=2, takes=2, bands=bands, seed=48)
    model = keras.Sequential(
        [
            keras.Input((40, bands)),
            layers.Bidirectional(layers.LSTM(16)),
            layers.Dense(units, activation="softmax", name="ausgabe"),
        ]
    )
    if fault:
        bias = np.random.default_rng(1).normal(0, 3, units)
        collapse(model.get_layer("ausgabe"), 1e-4, bias)

    def loss(y_true, p):
        who, log_p = ops.reshape(y_true, (-1,)), ops.log(p)
        own = ops.sum(p * log_p, axis=-1)[:, None]
        d = own - ops.matmul(p, ops.transpose(log_p))
        same = ops.cast(who[:, None] == who[None, :], "float32")
        return ops.mean(same * d + (1 - same) * ops.relu(2.0 - d))

    model.compile("adam", loss)
    return siamese(
        model,
        x,
        table["speaker"].to_numpy("int32"),
        extractor=model,
        note="after training, every recording has the same embedding",
    )


@twins("collapsed_direction", "S11", also="S10")
def collapsed_direction(fault):
    x, y, table = pair_data(32, frames=60, bands=40, seed=49)
    base = keras.Sequential(
        [
            keras.Input((60, 40)),
            layers.Conv1D(24, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, name="dense"),
            layers.UnitNormalization(),
        ]
    )
    if fault:
        collapse(base.get_layer("dense"), 1e-3, 5 * np.ones(16))
    model = pair_model(base, (60, 40), euclid)
    model.compile("adam", hinge(1.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="all embeddings point the same way: cosine 1 for every pair",
    )


@twins("collapsed_to_one_number", "S11")
def collapsed_to_one_number(fault):
    x, y, table = pair_data(48, frames=40, bands=30, seed=50)
    base = keras.Sequential(
        [
            keras.Input((40, 30)),
            layers.GRU(24),
            layers.Dense(32, name="vektor"),
        ]
    )
    if fault:
        layer = base.get_layer("vektor")
        kernel, bias = layer.get_weights()
        layer.set_weights([np.outer(kernel[:, 0], np.ones(32)), bias])
    model = pair_model(base, (40, 30), squared)
    model.compile("adam", hinge(8.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="the 32 outputs are copies of one: an effective rank of 1",
    )


@twins("saturated_sigmoid_embedding", "S11", also="S10")
def saturated_sigmoid_embedding(fault):
    x, y, table = pair_data(32, label="different", frames=30, bands=64, seed=51)
    base = keras.Sequential(
        [
            keras.Input((30, 64)),
            layers.Flatten(),
            layers.Dense(48, activation="relu"),
            layers.Dense(24, activation="sigmoid", name="code"),
        ]
    )
    if fault:
        sign = np.where(np.arange(24) % 2, 40.0, -40.0)
        collapse(base.get_layer("code"), 1.0, sign)
    model = pair_model(base, (30, 64), euclid)

    def contrastive(y_true, d):
        return (1 - y_true) * d**2 + y_true * ops.relu(1.3 - d) ** 2

    model.compile("adam", contrastive)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="every sigmoid is stuck at 0 or 1, for every recording the same",
    )
