"""Losses and distances that become NaN: S15."""

import keras
import numpy as np
from keras import layers, ops
from program import pair_data, siamese, twins


@twins("root_of_zero", "S15")
def root_of_zero(fault):
    x, y, table = pair_data(32, frames=40, bands=40, seed=61)
    base = keras.Sequential([layers.Bidirectional(layers.LSTM(16)), layers.Dense(32)])
    eps = 0.0 if fault else 1e-7
    left, right = keras.Input((40, 40)), keras.Input((40, 40))
    difference = base(left) - base(right)
    d = ops.sqrt(ops.sum(difference**2, axis=1, keepdims=True) + eps)
    model = keras.Model([left, right], d)

    def loss(y_true, d):
        return y_true * d + (1 - y_true) * ops.maximum(2.5 - d, 0)

    model.compile("adam", loss)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="the gradient of sqrt at 0 is infinite: two equal embeddings give NaN",
    )


@twins("norm_outside_eps", "S15")
def norm_outside_eps(fault):
    x, y, table = pair_data(24, label="different", frames=60, bands=24, seed=62)

    class Distance(layers.Layer):
        def call(self, inputs):
            a, b = inputs
            if fault:
                return ops.norm(a - b, axis=-1, keepdims=True) + 1e-7
            return ops.sqrt(ops.sum((a - b) ** 2, -1, keepdims=True) + 1e-7)

    base = keras.Sequential(
        [layers.Conv1D(20, 3, activation="relu"), layers.GlobalMaxPooling1D()]
    )
    left, right = keras.Input((60, 24)), keras.Input((60, 24))
    model = keras.Model([left, right], Distance()([base(left), base(right)]))

    def contrastive(y_true, d):
        return (1 - y_true) * d**2 + y_true * ops.relu(3.0 - d) ** 2

    model.compile("adam", contrastive)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="eps stands behind the root, where it is too late",
    )


@twins("log_of_softmax_zero", "S15")
def log_of_softmax_zero(fault):
    x, y, table = pair_data(32, frames=40, bands=64, seed=63)
    sharp = keras.initializers.RandomNormal(stddev=80.0)
    base = keras.Sequential(
        [layers.GRU(32), layers.Dense(64, kernel_initializer=sharp)]
    )
    left, right = keras.Input((40, 64)), keras.Input((40, 64))
    a, b = base(left), base(right)
    if fault:
        p, q = ops.softmax(a), ops.softmax(b)
        log_p, log_q = ops.log(p + 1e-50), ops.log(q + 1e-50)
    else:
        log_p, log_q = ops.log_softmax(a), ops.log_softmax(b)
        p, q = ops.exp(log_p), ops.exp(log_q)
    there = ops.sum(p * (log_p - log_q), axis=-1)
    back = ops.sum(q * (log_q - log_p), axis=-1)
    model = keras.Model([left, right], ops.stack([there, back], axis=-1))

    def loss(y_true, d):
        return ops.sum(y_true * d + (1 - y_true) * ops.relu(300.0 - d), axis=-1)

    model.compile("adam", loss)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="1e-50 is 0 in float32, so the logarithm meets an exact 0",
    )


@twins("own_cross_entropy", "S15")
def own_cross_entropy(fault):
    x, y, table = pair_data(40, frames=30, bands=40, seed=64)
    strong = keras.initializers.RandomNormal(stddev=30.0)
    base = keras.Sequential(
        [layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(32, "tanh")]
    )
    left, right = keras.Input((30, 40)), keras.Input((30, 40))
    z = layers.Dense(1, kernel_initializer=strong)(ops.abs(base(left) - base(right)))
    model = keras.Model([left, right], z)

    def loss(y_true, z):
        if fault:
            p = ops.clip(ops.sigmoid(z), 1e-12, 1 - 1e-12)
            return -y_true * ops.log(p) - (1 - y_true) * ops.log(1 - p)
        return ops.relu(z) - y_true * z + ops.softplus(-ops.abs(z))

    model.compile("adam", loss)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="1 - 1e-12 is 1 in float32, so log(1 - p) meets log(0)",
    )


@twins("unit_length_of_nothing", "S15")
def unit_length_of_nothing(fault):
    (a, b), y, table = pair_data(32, frames=40, bands=40, seed=65)
    a[0] = 0.0
    base = keras.Sequential(
        [
            layers.Conv1D(16, 5, activation="relu", use_bias=False),
            layers.GlobalMaxPooling1D(),
            layers.Dense(16, use_bias=False),
        ]
    )

    def unit(e):
        squares = ops.sum(e**2, axis=-1, keepdims=True)
        return e / ops.sqrt(squares if fault else squares + 1e-6)

    left, right = keras.Input((40, 40)), keras.Input((40, 40))
    cosine = ops.sum(unit(base(left)) * unit(base(right)), -1, keepdims=True)
    model = keras.Model([left, right], 1 - cosine)

    def loss(y_true, d):
        return y_true * d + (1 - y_true) * ops.relu(0.5 - d)

    model.compile("adam", loss)
    return siamese(
        model,
        (a, b),
        y,
        pairs=table,
        note="one silent recording: its embedding is 0, and 0 / 0 is NaN",
    )


@twins("arc_cosine_at_one", "S15")
def arc_cosine_at_one(fault):
    rng = np.random.default_rng(66)
    a = rng.normal(size=(32, 24)).astype("float32")
    y = (np.arange(32) % 2).astype("float32")[:, None]
    b = np.where(y == 1, a + 0.1 * rng.normal(size=a.shape), rng.normal(size=a.shape))
    b = b.astype("float32")

    def angle(a, b):
        a = a / ops.sqrt(ops.sum(a**2, axis=-1, keepdims=True) + 1e-9)
        b = b / ops.sqrt(ops.sum(b**2, axis=-1, keepdims=True) + 1e-9)
        cosine = ops.sum(a * b, axis=-1, keepdims=True)
        return ops.arccos(cosine if fault else ops.clip(cosine, -0.9999, 0.9999))

    def loss(y_true, d):
        return y_true * d + (1 - y_true) * ops.relu(1.0 - d)

    return siamese(
        None,
        (a, b),
        y,
        loss=loss,
        distance=angle,
        arrays={"margin": 1.0},
        note="arccos has an infinite slope at 1, and rounding goes past 1",
    )
