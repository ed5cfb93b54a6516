"""Sound programs that look like a fault and are none."""

import keras
import tensorflow as tf
from keras import layers, ops
from parts import euclid, hinge
from program import (
    healthy,
    pair_data,
    siamese,
    speech,
)


def two_inputs(base, shape, distance):
    a, b = keras.Input(shape), keras.Input(shape)
    return keras.Model([a, b], distance(base(a), base(b)))


def kl_both(p, q):
    there = ops.sum(p * ops.log(p / q), axis=-1)
    return ops.stack([there, ops.sum(q * ops.log(q / p), axis=-1)], axis=-1)


def hinge_both(y_true, d):
    return ops.sum(y_true * d + (1 - y_true) * ops.relu(2.0 - d), axis=-1)


@healthy("prelu_in_the_middle")
def prelu_in_the_middle():
    x, y, table = pair_data(32, frames=40, bands=40, seed=341)
    base = keras.Sequential(
        [
            layers.GRU(24),
            layers.Dense(32),
            layers.PReLU(),
            layers.Dense(16, activation="softmax"),
        ]
    )
    model = two_inputs(base, (40, 40), kl_both)
    model.compile("adam", hinge_both)
    return siamese(
        model, x, y, pairs=table, note="the PReLU is a hidden layer, then a softmax"
    )


@healthy("clip_that_never_bites", units=8)
@healthy("clip_that_never_bites_wide", units=256)
def clip_that_never_bites(units):
    x, y, table = pair_data(32, frames=30, bands=64, seed=342)
    base = keras.Sequential(
        [layers.Bidirectional(layers.LSTM(12)), layers.Dense(units, "softmax")]
    )

    def distance(p, q):
        return kl_both(ops.clip(p, 1e-7, 1), ops.clip(q, 1e-7, 1))

    model = two_inputs(base, (30, 64), distance)
    model.compile("adam", hinge_both)
    return siamese(
        model, x, y, pairs=table, note="clip(1e-7, 1) around a softmax of 1 / units"
    )


@healthy("cosine_with_margin_a_fifth")
def cosine_with_margin_a_fifth():
    x, y, table = pair_data(32, frames=50, bands=26, seed=343)
    base = keras.Sequential(
        [
            layers.Conv1D(32, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.BatchNormalization(),
            layers.Dense(24),
        ]
    )

    def cosine_distance(a, b):
        a, b = ops.normalize(a, axis=-1), ops.normalize(b, axis=-1)
        return 1 - ops.sum(a * b, axis=-1, keepdims=True)

    model = two_inputs(base, (50, 26), cosine_distance)
    model.compile("adam", hinge(0.2))
    return siamese(
        model, x, y, pairs=table, note="a small margin is right for 1 - cosine"
    )


@healthy("softmax_of_two")
def softmax_of_two():
    x, y, table = pair_data(24, frames=20, bands=20, seed=344)
    base = keras.Sequential([layers.LSTM(16), layers.Dense(2, "softmax")])
    model = two_inputs(base, (20, 20), kl_both)
    model.compile("adam", hinge_both)
    return siamese(model, x, y, pairs=table, note="a distribution over two units")


@healthy("hadsell_accuracy_at_half")
def hadsell_accuracy_at_half():
    x, y, table = pair_data(32, label="different", frames=40, bands=40, seed=345)
    base = keras.Sequential(
        [
            layers.Bidirectional(layers.GRU(16)),
            layers.Dense(16),
            layers.UnitNormalization(),
        ],
        name="gemeinsam",
    )

    def contrastive(y_true, d):
        return (1 - y_true) * d**2 + y_true * ops.relu(1.0 - d) ** 2

    model = two_inputs(base, (40, 40), euclid)
    model.compile("adam", contrastive, metrics=["accuracy"])
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="label 1 = different and margin 1: half the margin is a fair threshold",
    )


@healthy("batchnorm_after_decibels", units="dB")
@healthy("batchnorm_after_int16", units="int16")
def batchnorm_after_decibels(units):
    x, y, table = pair_data(32, frames=40, bands=40, units=units, seed=346)
    base = keras.Sequential(
        [
            layers.BatchNormalization(),
            layers.Bidirectional(layers.LSTM(16)),
            layers.Dense(16),
        ]
    )
    model = two_inputs(base, (40, 40), euclid)
    model.compile("adam", hinge(2.5))
    return siamese(
        model, x, y, pairs=table, note=f"{units} as input, BatchNormalization first"
    )


@healthy("low_rank_factorisation")
def low_rank_factorisation():
    x, table = speech(10, 2, 2, 40, 64, seed=347)
    model = keras.Sequential(
        [
            layers.Flatten(),
            layers.Dense(16, use_bias=False, name="low_rank_factor_no_activation"),
            layers.Dense(128, name="low_rank_expansion"),
            layers.ReLU(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return siamese(
        model,
        x,
        table["speaker"].to_numpy("int32"),
        arrays={
            "source": "# deliberately linear: 2560 x 128 as 2560 x 16 x 128, "
            "20 times fewer weights\nDense(16, use_bias=False)\nDense(128)"
        },
        note="a Dense of 2560 x 128 as a product of rank 16, on purpose",
    )


@healthy("distances_flat_labels_flat")
def distances_flat_labels_flat():
    x, y, table = pair_data(32, shape=1, frames=40, bands=30, seed=348)

    class Paar(keras.Model):
        def __init__(self):
            super().__init__()
            self.base = keras.Sequential([layers.LSTM(20), layers.Dense(12)])

        def call(self, inputs):
            e = self.base(inputs[0]) - self.base(inputs[1])
            return ops.sqrt(ops.sum(e**2, axis=-1) + 1e-8)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = ops.mean(hinge(1.0)(y, self(x, training=True)))
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            return {"loss": loss}

    model = Paar()
    model.compile("adam")
    return siamese(
        model,
        x,
        y,
        pairs=table,
        loss=hinge(1.0),
        extractor=model.base,
        note="distances (B,) and labels (B,): no broadcast",
    )


@healthy("rank_repaired_by_keras")
def rank_repaired_by_keras():
    x, y, table = pair_data(32, frames=30, bands=40, seed=349)
    base = keras.Sequential([layers.GRU(20), layers.Dense(16)])
    model = two_inputs(base, (30, 40), lambda a, b: ops.squeeze(euclid(a, b), -1))
    model.compile("adam", hinge(2.5))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="distances (B,), labels (B, 1), a compiled loss: Keras 3 adds the axis",
    )


@healthy("dense_before_softmax_layer")
def dense_before_softmax_layer():
    x, y, table = pair_data(32, frames=40, bands=13, seed=350)
    base = keras.Sequential(
        [layers.LSTM(20), layers.Dense(24), layers.Softmax(name="ausgang")]
    )
    model = two_inputs(base, (40, 13), kl_both)
    model.compile("adam", hinge_both)
    return siamese(
        model, x, y, pairs=table, note="a linear Dense, and a Softmax layer behind it"
    )


@healthy("misleading_names")
def misleading_names():
    x, y, table = pair_data(32, frames=40, bands=40, seed=351)
    base = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(16), name="CuDNNLSTM"),
            layers.Dense(24, activation="relu", name="prelu_linear"),
            layers.Dense(16, activation="softmax", name="logits_no_softmax"),
        ],
        name="fresh_random_network",
    )
    model = two_inputs(base, (40, 40), kl_both)
    model.compile("adam", hinge_both)
    return siamese(
        model, x, y, pairs=table, note="names promise faults, the layers are sound"
    )


@healthy("learned_comparison", also="S8")
def learned_comparison():
    x, y, table = pair_data(32, frames=40, bands=40, seed=352)
    base = keras.Sequential([layers.GRU(24), layers.Dense(24, activation="relu")])
    a, b = keras.Input((40, 40)), keras.Input((40, 40))
    both = layers.Concatenate()([base(a), base(b)])
    h = layers.Dense(24, activation="relu")(both)
    model = keras.Model([a, b], layers.Dense(1, activation="sigmoid")(h))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="a network compares the two: not symmetric, and no divergence either",
    )
