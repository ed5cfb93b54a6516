"""Losses of pairs that are computed wrongly: S1, S2."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from program import pair_data, siamese, speech, twins


class SiameseNet(keras.Model):
    """Two recordings -> their distance, with a training step of its own."""

    def __init__(self, keepdims):
        super().__init__()
        self.keepdims = keepdims
        self.base_network = keras.Sequential(
            [layers.Bidirectional(layers.LSTM(16)), layers.Dense(24)]
        )

    def call(self, inputs):
        a, b = self.base_network(inputs[0]), self.base_network(inputs[1])
        squares = ops.sum((a - b) ** 2, axis=-1, keepdims=self.keepdims)
        return ops.sqrt(squares + 1e-9)

    def per_pair(self, same, d):
        return same * d**2 + (1 - same) * ops.maximum(2.5 - d, 0.0) ** 2

    def train_step(self, data):
        x, same = data
        with tf.GradientTape() as tape:
            loss = ops.mean(self.per_pair(same, self(x, training=True)))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


@twins("broadcast_in_train_step", "S1")
def broadcast_in_train_step(fault):
    (a, b), y, table = pair_data(32, seed=1)
    model = SiameseNet(keepdims=not fault)
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    return siamese(
        model,
        (a, b),
        y,
        loss=model.per_pair,
        pairs=table,
        note="distances (B,) meet labels (B, 1) in train_step: the loss is (B, B)",
    )


@twins("broadcast_two_embeddings", "S1", frames=60, bands=24)
@twins("broadcast_two_embeddings_large", "S1", frames=100, bands=80)
def broadcast_two_embeddings(fault, frames, bands):
    (a, b), y, table = pair_data(
        24, label="different", frames=frames, bands=bands, seed=2
    )
    tower = keras.Sequential([layers.GRU(32), layers.Dense(16)], name="tower")
    left, right = keras.Input((frames, bands)), keras.Input((frames, bands))
    both = ops.stack([tower(left), tower(right)], axis=1)
    model = keras.Model([left, right], both)

    def contrastive_loss(y_true, y_pred):
        difference = y_pred[:, 0] - y_pred[:, 1]
        d = ops.sum(ops.square(difference), axis=-1, keepdims=not fault)
        d = ops.sqrt(d + 1e-8)
        return (1 - y_true) * d**2 + y_true * ops.square(ops.maximum(3 - d, 0))

    model.compile("adam", loss=contrastive_loss)
    return siamese(
        model,
        (a, b),
        y,
        pairs=table,
        extractor=tower,
        note="the loss takes the distance itself, (B,), and labels are (B, 1)",
    )


@twins("broadcast_in_metric", "S1", also="S3")
def broadcast_in_metric(fault):
    (a, b), y, table = pair_data(40, frames=50, bands=32, seed=3)
    net = keras.Sequential(
        [
            layers.Conv1D(24, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, activation="tanh"),
        ]
    )
    one, two = keras.Input((50, 32)), keras.Input((50, 32))
    p = layers.Dense(1, activation="sigmoid")(ops.abs(net(one) - net(two)))
    model = keras.Model([one, two], ops.squeeze(p, -1) if fault else p)

    def treffer(y_true, y_pred):
        right = ops.equal(y_true, ops.round(y_pred))
        return ops.mean(ops.cast(right, "float32"))

    model.compile("adam", "binary_crossentropy", metrics=[treffer])
    return siamese(
        model,
        (a, b),
        y,
        pairs=table,
        note="probabilities (B,), labels (B, 1): the metric compares each with each",
    )


@twins("broadcast_plain_functions", "S1")
def broadcast_plain_functions(fault):
    rng = np.random.default_rng(4)
    a = rng.normal(size=(64, 32)).astype("float32")
    y = (rng.random((64, 1)) < 0.5).astype("float32")
    near = a + 0.2 * rng.normal(size=a.shape)
    b = np.where(y == 1, near, rng.normal(size=a.shape)).astype("float32")

    def manhattan(a, b):
        return ops.sum(ops.abs(a - b), axis=1, keepdims=not fault)

    def loss(same, d):
        same = ops.convert_to_tensor(same)
        return same * d + (1 - same) * ops.relu(30.0 - d)

    return siamese(
        None,
        (a, b),
        y,
        loss=loss,
        distance=manhattan,
        arrays={"margin": 30.0},
        note="a distance without keepdims goes into a loss with labels (B, 1)",
    )


@twins("hinge_of_the_mean", "S2")
def hinge_of_the_mean(fault):
    (a, b), y, table = pair_data(32, frames=30, bands=20, seed=5)
    encoder = keras.Sequential(
        [layers.Bidirectional(layers.GRU(12)), layers.Dense(32)], name="encoder"
    )
    left, right = keras.Input((30, 20)), keras.Input((30, 20))
    model = keras.Model(
        [left, right], layers.Concatenate()([encoder(left), encoder(right)])
    )

    def pair_loss(y_true, y_pred):
        same = ops.reshape(y_true, (-1,))
        d = ops.sum(ops.abs(y_pred[:, :32] - y_pred[:, 32:]), axis=-1)
        away = ops.mean(d, axis=-1) if fault else d
        return same * d + (1 - same) * ops.maximum(16.0 - away, 0.0)

    model.compile("rmsprop", loss=pair_loss)
    return siamese(
        model,
        (a, b),
        y,
        pairs=table,
        note="mean(axis=-1) of one distance a pair is the mean of the batch",
    )


@twins("mean_before_hinge", "S2")
def mean_before_hinge(fault):
    x, table = speech(speakers=8, sessions=2, takes=2, frames=40, bands=64, seed=6)
    y = table["speaker"].to_numpy("int32")
    model = keras.Sequential(
        [
            layers.Conv1D(48, 5, strides=2, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(20),
        ]
    )

    def loss(y_true, embeddings):
        who = ops.reshape(y_true, (-1,))
        same = ops.cast(who[:, None] == who[None], "float32")
        d = ops.sum((embeddings[:, None] - embeddings[None]) ** 2, axis=-1)
        if fault:
            together = ops.sum(same * d) / ops.sum(same)
            apart = ops.sum((1 - same) * d) / ops.sum(1 - same)
            return together + ops.relu(12.0 - apart)
        together = ops.sum(same * d) / ops.sum(same)
        return together + ops.sum((1 - same) * ops.relu(12.0 - d)) / ops.sum(1 - same)

    model.compile("adam", loss=loss)
    return siamese(
        model,
        x,
        y,
        extractor=model,
        note="negatives are averaged before the hinge, not after it",
    )
