"""Margins out of scale or reach: S10, S14."""

import keras
import numpy as np
from keras import layers, ops
from parts import euclid, hinge, pair_model
from program import pair_data, siamese, twins


def negatives(model, x, y):
    """Distances of the pairs of different speakers (label 1 = same)."""
    return model.predict_on_batch(x)[y[:, 0] == 0, 0]


@twins("margin_one_for_large_euclid", "S10")
def margin_one_for_large_euclid(fault):
    x, y, table = pair_data(48, frames=40, bands=40, seed=41)
    wide = keras.initializers.RandomNormal(stddev=3.0)
    base = keras.Sequential(
        [
            layers.Conv1D(32, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(64, kernel_initializer=wide),
        ]
    )
    model = pair_model(base, (40, 40), euclid)
    d = negatives(model, x, y)
    margin = 0.01 if fault else float(np.round(np.median(d), 2))
    model.compile("adam", hinge(margin))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"margin": margin},
        note="no pair of different speakers is inside the margin, nothing pushes",
    )


@twins("margin_of_thousands", "S10", margin=5000.0, speakers_bands=20)
@twins("margin_of_a_hundred_thousand", "S10", margin=1e5, speakers_bands=80)
def margin_of_thousands(fault, margin, speakers_bands):
    bands = speakers_bands
    x, y, table = pair_data(32, frames=30, bands=bands, seed=42)
    base = keras.Sequential([layers.LSTM(24), layers.Dense(16)])
    model = pair_model(
        base, (30, bands), lambda a, b: ops.sum(ops.abs(a - b), -1, keepdims=True)
    )
    d = negatives(model, x, y)
    margin = margin if fault else float(np.round(np.quantile(d, 0.6), 2))
    model.compile("adam", hinge(margin))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"margin": margin},
        note="every pair is inside a margin of thousands where distances are about 1",
    )


@twins("margin_too_small_for_sharp_kl", "S10")
def margin_too_small_for_sharp_kl(fault):
    x, y, table = pair_data(48, frames=40, bands=64, seed=43)
    sharp = keras.initializers.RandomNormal(stddev=2.0)
    base = keras.Sequential(
        [layers.GRU(32), layers.Dense(32, kernel_initializer=sharp)]
    )

    def distance(a, b):
        a, b = ops.log_softmax(a), ops.log_softmax(b)
        there = ops.sum(ops.exp(a) * (a - b), axis=-1)
        back = ops.sum(ops.exp(b) * (b - a), axis=-1)
        return ops.stack([there, back], axis=-1)

    model = pair_model(base, (40, 64), distance)
    d = model.predict_on_batch(x)[y[:, 0] == 0]
    margin = 1e-4 if fault else float(np.round(np.median(d), 1))

    def loss(y_true, d):
        return ops.sum(y_true * d + (1 - y_true) * ops.relu(margin - d), axis=-1)

    model.compile("adam", loss)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"margin": margin},
        note="divergences are some nats, the margin is 0.0001: all negatives outside",
    )


@twins("margin_beyond_cosine", "S14", also="S10")
def margin_beyond_cosine(fault):
    x, y, table = pair_data(32, frames=50, bands=40, seed=44)
    base = keras.Sequential(
        [
            layers.Conv1D(32, 5, strides=2, activation="gelu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(32),
            layers.UnitNormalization(),
        ]
    )
    model = pair_model(
        base, (50, 40), lambda a, b: 1 - ops.sum(a * b, axis=-1, keepdims=True)
    )
    margin = 3.0 if fault else 0.5
    model.compile("adam", hinge(margin))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        arrays={"margin": margin},
        note="1 - cosine ends at 2: a margin of 3 is never reached",
    )


@twins("margin_beyond_unit_sphere", "S14", also="S10")
def margin_beyond_unit_sphere(fault):
    x, y, table = pair_data(32, label="different", frames=40, bands=20, seed=45)
    rnn = keras.Sequential([layers.Bidirectional(layers.LSTM(16)), layers.Dense(16)])
    left, right = keras.Input((40, 20)), keras.Input((40, 20))
    model = keras.Model([left, right], ops.stack([rnn(left), rnn(right)], axis=1))
    margin = 10.0 if fault else 1.2

    def contrastive(y_true, y_pred):
        e = y_pred * ops.rsqrt(ops.sum(y_pred**2, -1, keepdims=True) + 1e-9)
        d = euclid(e[:, 0], e[:, 1])
        return (1 - y_true) * d**2 + y_true * ops.relu(margin - d) ** 2

    model.compile("adam", contrastive)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"margin": margin},
        note="unit vectors are at most 2 apart, the margin is 10",
    )


@twins("margin_beyond_jensen_shannon", "S14", also="S10")
def margin_beyond_jensen_shannon(fault):
    x, y, table = pair_data(32, frames=30, bands=40, seed=46)
    base = keras.Sequential([layers.GRU(24), layers.Dense(24, "softmax")])

    def jensen_shannon(p, q):
        m = (p + q) / 2
        left = ops.sum(p * ops.log(p / m), axis=-1, keepdims=True)
        right = ops.sum(q * ops.log(q / m), axis=-1, keepdims=True)
        return (left + right) / 2

    model = pair_model(base, (30, 40), jensen_shannon)
    margin = 1.0 if fault else 0.3
    model.compile("adam", hinge(margin))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        arrays={"margin": margin},
        note="the Jensen-Shannon divergence ends at ln 2 = 0.69, the margin is 1",
    )


@twins("margin_beyond_softmax_euclid", "S14", also="S10")
def margin_beyond_softmax_euclid(fault):
    x, y, table = pair_data(40, frames=25, bands=26, seed=47)
    base = keras.Sequential(
        [layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10, "softmax")]
    )
    model = pair_model(base, (25, 26), euclid)
    margin = 2.0 if fault else 0.7
    model.compile("sgd", hinge(margin))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"margin": margin},
        note="two softmax rows are at most 1.41 apart, the margin is 2",
    )
