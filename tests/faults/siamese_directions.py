"""A divergence has two directions, and each needs its hinge: S8, S9."""

import keras
import numpy as np
from keras import layers, ops
from parts import both_ways, hinge_each, kl, two_inputs
from program import pair_data, siamese, speech, twins


@twins("kl_one_direction", "S8", also="S9", units=32, bands=40)
@twins("kl_one_direction_small", "S8", also="S9", units=8, bands=13)
def kl_one_direction(fault, units, bands):
    x, y, table = pair_data(32, frames=40, bands=bands, seed=30)
    base = keras.Sequential([layers.LSTM(24), layers.Dense(units, "softmax")])
    model = two_inputs(base, (40, bands), kl if fault else both_ways)
    model.compile("adam", hinge_each(2.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="KL(a, b) alone: swap the inputs, and the distance is another",
    )


@twins("kl_one_direction_all_pairs", "S8", also="S9")
def kl_one_direction_all_pairs(fault):
    x, table = speech(speakers=8, sessions=2, takes=2, frames=40, bands=64, seed=31)
    model = keras.Sequential([layers.GRU(32), layers.Dense(16, "softmax")])

    def loss(y_true, p):
        who = ops.reshape(y_true, (-1,))
        log_p = ops.log(p + 1e-9)
        own = ops.sum(p * log_p, axis=-1)[:, None]
        d = own - ops.matmul(p, ops.transpose(log_p))
        same = ops.cast(who[:, None] == who[None, :], "float32")
        each = same * d + (1 - same) * ops.relu(2.0 - d)
        upper = ops.triu(ops.ones_like(d), k=1)
        weight = upper if fault else upper + ops.transpose(upper)
        return ops.sum(weight * each) / ops.sum(weight)

    model.compile("adam", loss)
    return siamese(
        model,
        x,
        table["speaker"].to_numpy("int32"),
        extractor=model,
        note="only the upper triangle of a matrix of divergences that is no mirror",
    )


@twins("kl_one_direction_function", "S8")
def kl_one_direction_function(fault):
    rng = np.random.default_rng(32)
    p = rng.dirichlet(np.ones(12), 40).astype("float32") + 1e-6
    q = rng.dirichlet(np.ones(12), 40).astype("float32") + 1e-6
    y = (np.arange(40) % 2).astype("float32")
    q = np.where(y[:, None] == 1, 0.9 * p + 0.1 * q, q).astype("float32")

    def divergence(a, b):
        there = np.sum(a * np.log(a / b), axis=1)
        return there if fault else there + np.sum(b * np.log(b / a), axis=1)

    return siamese(
        None,
        (p, q),
        y,
        distance=divergence,
        note="a score for verification that depends on who comes first",
    )


@twins("hinge_on_one_direction", "S9", heads=1)
@twins("hinge_on_the_sum", "S9", heads=2)
def hinge_on_one_direction(fault, heads):
    x, y, table = pair_data(32, frames=40, bands=48, seed=33)
    base = keras.Sequential(
        [layers.Bidirectional(layers.GRU(16)), layers.Dense(24, "softmax")]
    )
    model = two_inputs(base, (40, 48), both_ways)

    def loss(same, d):
        if not fault:
            push = ops.sum(ops.relu(2.0 - d), axis=-1, keepdims=True)
        elif heads == 1:
            push = ops.relu(2.0 - d[:, :1])
        else:
            push = ops.relu(2.0 - ops.sum(d, axis=-1, keepdims=True))
        return same * ops.sum(d, axis=-1, keepdims=True) + (1 - same) * push

    model.compile("adam", loss)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"margin": 2.0},
        note="two directions, but one hinge: for the first of them, or for their sum",
    )


@twins("hinge_on_jeffreys", "S9")
def hinge_on_jeffreys(fault):
    x, y, table = pair_data(64, label="different", frames=60, bands=40, seed=34)
    base = keras.Sequential(
        [
            layers.Conv1D(32, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(32, "softmax"),
        ]
    )
    left, right = keras.Input((60, 40)), keras.Input((60, 40))
    model = keras.Model([left, right], ops.stack([base(left), base(right)], axis=1))

    def loss(different, p):
        there, back = kl(p[:, 0], p[:, 1]), kl(p[:, 1], p[:, 0])
        if fault:
            push = ops.relu(3.0 - (there + back))
        else:
            push = ops.relu(3.0 - there) + ops.relu(3.0 - back)
        return (1 - different) * (there + back) + different * push

    model.compile("adam", loss)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="a single hinge for the sum of both directions: one may stay near 0",
    )
