"""Divergences of what is no distribution, and clips: S5, S6, S7."""

import keras
from keras import layers, ops
from parts import both_ways, hinge_each, kl, two_inputs
from program import pair_data, siamese, twins


@twins("kl_of_sigmoids", "S5", units=16)
@twins("kl_of_many_sigmoids", "S5", units=128)
def kl_of_sigmoids(fault, units):
    x, y, table = pair_data(32, seed=21)
    head = "sigmoid" if fault else "softmax"
    base = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(16, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(16)),
            layers.Dense(units, activation=head),
        ]
    )
    model = two_inputs(base, (40, 40), both_ways)
    model.compile("adam", hinge_each(2.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="sigmoids are positive, but do not sum to 1: the divergence falls below 0",
    )


@twins("kl_of_softplus", "S5")
def kl_of_softplus(fault):
    x, y, table = pair_data(48, frames=80, bands=40, seed=22)
    base = keras.Sequential(
        [
            layers.Conv1D(32, 7, strides=2, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(24, activation="softplus"),
        ]
    )

    def divergence(p, q):
        rest = 0.0 if fault else ops.sum(q - p, axis=-1, keepdims=True)
        back = 0.0 if fault else -rest
        return ops.concatenate([kl(p, q) + rest, kl(q, p) + back], axis=-1)

    model = two_inputs(base, (80, 40), divergence)
    model.compile("adam", hinge_each(2.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="softplus outputs need the generalized divergence, with - p + q",
    )


@twins("kl_of_unit_vectors", "S5")
def kl_of_unit_vectors(fault):
    x, y, table = pair_data(32, frames=30, bands=64, seed=23)
    inputs = keras.Input((30, 64))
    h = layers.GRU(32)(inputs)
    if fault:
        h = layers.Dense(20, activation="relu")(h) + 1e-3
        h = layers.UnitNormalization(name="probabilities")(h)
    else:
        h = layers.Dense(20, activation="softmax", name="probabilities")(h)
    base = keras.Model(inputs, h)
    model = two_inputs(base, (30, 64), both_ways)
    model.compile("adam", hinge_each(2.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="rows of length 1 are no rows of sum 1, whatever the layer is called",
    )


@twins("keras_kl_of_linear", "S5 S6", also="S10")
def keras_kl_of_linear(fault):
    x, y, table = pair_data(32, frames=40, bands=40, seed=24)
    base = keras.Sequential(
        [layers.GRU(24), layers.Dense(32, None if fault else "softmax")]
    )

    def distance(a, b):
        there = keras.losses.kl_divergence(a, b)
        back = keras.losses.kl_divergence(b, a)
        return ops.stack([there, back], axis=-1)

    model = two_inputs(base, (40, 40), distance)
    model.compile("adam", hinge_each(2.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="Keras clips what is no distribution: half of the outputs get no gradient",
    )


@twins("clip_of_a_wide_softmax", "S6", also="S10 S11")
def clip_of_a_wide_softmax(fault):
    x, y, table = pair_data(32, frames=40, bands=40, seed=25)
    base = keras.Sequential(
        [layers.Bidirectional(layers.LSTM(12)), layers.Dense(256, "softmax")]
    )
    low = 0.01 if fault else 1e-7

    def distance(p, q):
        return both_ways(ops.clip(p, low, 1.0), ops.clip(q, low, 1.0))

    model = two_inputs(base, (40, 40), distance)
    model.compile("adam", hinge_each(2.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="1 of 256 outputs is about 0.004, below the clip at 0.01: no gradient",
    )


@twins("clip_of_a_linear_layer", "S6")
def clip_of_a_linear_layer(fault):
    x, y, table = pair_data(64, label="different", frames=50, bands=20, seed=26)
    base = keras.Sequential(
        [
            layers.Conv1D(20, 5, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(32, name="embedding"),
        ]
    )

    def distance(a, b):
        if fault:
            a, b = ops.clip(a, 0.0, 1.0), ops.clip(b, 0.0, 1.0)
        return ops.sqrt(ops.sum((a - b) ** 2, -1, keepdims=True) + 1e-8)

    model = two_inputs(base, (50, 20), distance)

    def contrastive(y_true, d):
        return (1 - y_true) * d**2 + y_true * ops.relu(4.0 - d) ** 2

    model.compile("adam", contrastive)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="clip(0, 1) behind a linear layer: no gradient for outputs outside",
    )


@twins("min_max_in_subclass", "S6")
def min_max_in_subclass(fault):
    x, y, table = pair_data(32, frames=24, bands=80, seed=27)

    class Zwillinge(keras.Model):
        def __init__(self):
            super().__init__()
            self.rnn = layers.LSTM(24)
            self.aus = layers.Dense(40)

        def embed(self, x):
            h = self.aus(self.rnn(x))
            return ops.minimum(ops.maximum(h, 1e-7), 1.0) if fault else h

        def call(self, inputs):
            a, b = self.embed(inputs[0]), self.embed(inputs[1])
            return ops.sum(ops.abs(a - b), axis=-1, keepdims=True)

    model = Zwillinge()
    model.compile("adam", hinge_each(12.0))
    model([part[:2] for part in x])
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="minimum and maximum are a clip, too: half the outputs get no gradient",
    )


@twins("prelu_under_clip_kl", "S5 S6 S7", also="S10", units=32, bands=40)
@twins("prelu_under_clip_kl_wide", "S5 S6 S7", also="S10", units=128, bands=128)
def prelu_under_clip_kl(fault, units, bands):
    x, y, table = pair_data(32, frames=40, bands=bands, seed=28)
    head = layers.PReLU() if fault else layers.Softmax()
    base = keras.Sequential(
        [layers.Bidirectional(layers.LSTM(16)), layers.Dense(units), head]
    )

    def distance(p, q):
        return both_ways(ops.clip(p, 1e-7, 1.0), ops.clip(q, 1e-7, 1.0))

    model = two_inputs(base, (40, bands), distance)
    model.compile("adam", hinge_each(2.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="a PReLU under clip(eps, 1): no distribution, dead outputs, dead slope",
    )


@twins("prelu_under_clip_euclid", "S6 S7")
def prelu_under_clip_euclid(fault):
    x, y, table = pair_data(32, frames=30, bands=30, seed=29)
    base = keras.Sequential(
        [layers.Conv1D(16, 3, activation="relu"), layers.Flatten(), layers.Dense(24)]
    )
    base.add(layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25)))

    def distance(a, b):
        if fault:
            a, b = ops.clip(a, 1e-7, 1.0), ops.clip(b, 1e-7, 1.0)
        return ops.sum((a - b) ** 2, axis=-1, keepdims=True)

    model = two_inputs(base, (30, 30), distance)
    model.compile("adam", hinge_each(15.0))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="the slope of the PReLU lies below 0, where the clip lets nothing through",
    )
