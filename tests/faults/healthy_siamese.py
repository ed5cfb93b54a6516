"""Sound programs of speaker embeddings, untrained, of many kinds."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from parts import euclid
from program import healthy, pair_data, scale, siamese, speech


def two_inputs(base, shape, distance):
    a, b = keras.Input(shape), keras.Input(shape)
    return keras.Model([a, b], distance(base(a), base(b)))


@healthy("contrastive_euclid", shape=(40, 40), units=64, margin=2.5)
@healthy("contrastive_euclid_mfcc", shape=(300, 13), units=8, margin=0.5)
@healthy("contrastive_euclid_stft", shape=(20, 257), units=32, margin=4.0)
def contrastive_euclid(shape, units, margin):
    x, y, table = pair_data(
        32, label="different", frames=shape[0], bands=shape[1], seed=301
    )
    base = keras.Sequential(
        [
            layers.Conv1D(units, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(units),
        ],
        name="feature_net",
    )

    def contrastive(y_true, d):
        near, far = ops.square(d), ops.square(ops.maximum(margin - d, 0))
        return ops.mean((1 - y_true) * near + y_true * far)

    model = two_inputs(base, shape, euclid)
    model.compile("adam", contrastive)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="Hadsell's contrastive loss, label 1 = different",
    )


@healthy("sigmoid_on_absolute_difference")
def sigmoid_on_absolute_difference():
    x, y, table = pair_data(64, frames=40, bands=64, seed=302)
    base = keras.Sequential(
        [
            layers.Bidirectional(layers.LSTM(24)),
            layers.Dense(32, activation="relu"),
        ]
    )
    left, right = keras.Input((40, 64)), keras.Input((40, 64))
    gap = ops.abs(base(left) - base(right))
    p = layers.Dense(1, activation="sigmoid", name="same_speaker")(gap)
    model = keras.Model([left, right], p)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="a probability, label 1 = same: accuracy at 0.5 is right here",
    )


@healthy("kl_both_directions", cell="lstm", units=128, bands=128)
@healthy("kl_both_directions_gru", cell="gru", units=10, bands=26)
def kl_both_directions(cell, units, bands):
    x, y, table = pair_data(32, frames=40, bands=bands, seed=303)
    rnn = layers.LSTM(24) if cell == "lstm" else layers.GRU(40)
    base = keras.Sequential([layers.Bidirectional(rnn), layers.Dense(units)])

    def both(a, b):
        a, b = ops.log_softmax(a), ops.log_softmax(b)
        there = ops.sum(ops.exp(a) * (a - b), axis=-1)
        back = ops.sum(ops.exp(b) * (b - a), axis=-1)
        return ops.stack([there, back], axis=-1)

    def hinge(y_true, d):
        return ops.mean(y_true * d + (1 - y_true) * ops.relu(3.0 - d), axis=-1)

    model = two_inputs(base, (40, bands), both)
    model.compile("adam", hinge)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"margin": 3.0},
        note="log-softmax, both directions, a hinge for each; the mean is over the two",
    )


@healthy("triplet_network", margin=0.2)
@healthy("triplet_network_wide_margin", margin=1.0)
def triplet_network(margin):
    x, table = speech(8, 2, 4, 50, 40, seed=304)
    rng = np.random.default_rng(304)
    who = table["speaker"].to_numpy()
    anchor = rng.permutation(64)[:32]
    positive = [rng.choice(np.flatnonzero(who == who[a])) for a in anchor]
    positive = [
        (p + 1) % 8 + p // 8 * 8 if p == a else p
        for a, p in zip(anchor, positive, strict=True)
    ]
    negative = [rng.choice(np.flatnonzero(who != who[a])) for a in anchor]
    base = keras.Sequential(
        [
            layers.Conv1D(48, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(32),
            layers.UnitNormalization(),
        ]
    )
    three = [keras.Input((50, 40), name=n) for n in ("anchor", "positive", "negative")]
    model = keras.Model(three, ops.stack([base(one) for one in three], axis=1))

    def triplet_loss(_, e):
        near = ops.sum(ops.square(e[:, 0] - e[:, 1]), axis=-1)
        far = ops.sum(ops.square(e[:, 0] - e[:, 2]), axis=-1)
        return ops.relu(near - far + margin)

    model.compile("adam", triplet_loss)
    return siamese(
        model,
        [x[anchor], x[positive], x[negative]],
        np.zeros(32, "float32"),
        extractor=base,
        note="triplets of unit vectors",
    )


class CosineHead(layers.Layer):
    """Cosines to one weight vector a speaker, with an additive angle margin."""

    def __init__(self, speakers, margin=0.2, factor=16.0):
        super().__init__()
        self.speakers, self.margin, self.factor = speakers, margin, factor

    def build(self, shape):
        self.centers = self.add_weight(shape=(shape[-1], self.speakers), name="centers")

    def call(self, e):
        e = ops.normalize(e, axis=-1)
        return ops.matmul(e, ops.normalize(self.centers, axis=0)) * self.factor


@healthy("arcface_like", speakers=10, angle=0.2)
@healthy("cosine_softmax", speakers=6, angle=0.0)
def arcface_like(speakers, angle):
    x, table = speech(speakers, 2, 3, 60, 80, seed=305)
    inputs = keras.Input((60, 80))
    h = layers.Conv1D(64, 5, strides=2, activation="relu")(inputs)
    h = layers.BatchNormalization()(h)
    h = layers.GlobalAveragePooling1D()(h)
    embedding = layers.Dense(48, name="embedding")(h)
    model = keras.Model(inputs, CosineHead(speakers)(embedding))

    def additive_angle(y_true, cosine):
        cosine = ops.clip(cosine / 16.0, -0.999, 0.999)
        hot = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), speakers)
        logits = 16.0 * ops.cos(ops.arccos(cosine) + angle * hot)
        return ops.categorical_crossentropy(hot, logits, from_logits=True)

    model.compile("adam", additive_angle, metrics=["sparse_categorical_accuracy"])
    return siamese(
        model,
        x,
        table["speaker"].to_numpy("int32"),
        extractor=keras.Model(inputs, embedding),
        note="one cosine for each speaker: its accuracy is a real one",
    )


@healthy("prototypical_network")
def prototypical_network():
    x, table = speech(8, 1, 6, 40, 40, seed=306)

    class Prototypes(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder = keras.Sequential(
                [
                    layers.Conv1D(32, 3, activation="relu"),
                    layers.GlobalMaxPooling1D(),
                    layers.Dense(24),
                ]
            )

        def call(self, x):
            return self.encoder(x)

        def train_step(self, data):
            x, _ = data
            with tf.GradientTape() as tape:
                e = ops.reshape(self(x, training=True), (8, 6, 24))
                centers = ops.mean(e[:, :3], axis=1)
                queries = ops.reshape(e[:, 3:], (24, 24))
                d = ops.sum((queries[:, None] - centers[None]) ** 2, axis=-1)
                who = ops.repeat(ops.arange(8), 3)
                loss = ops.mean(
                    ops.sparse_categorical_crossentropy(who, -d, from_logits=True)
                )
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            return {"loss": loss}

    model = Prototypes()
    model.compile("adam")
    return siamese(
        model,
        x,
        table["speaker"].to_numpy("int32"),
        extractor=model.encoder,
        note="episodes of 8 speakers, 3 recordings to enroll and 3 to ask",
    )


@healthy("info_nce", temperature=0.1)
@healthy("info_nce_warm", temperature=0.5)
def info_nce(temperature):
    x, _ = speech(16, 2, 1, 40, 40, seed=307)
    base = keras.Sequential(
        [
            layers.Bidirectional(layers.GRU(24)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32),
        ]
    )
    a, b = keras.Input((40, 40)), keras.Input((40, 40))
    model = keras.Model([a, b], ops.stack([base(a), base(b)], axis=1))

    def loss(_, e):
        e = ops.normalize(e, axis=-1)
        logits = ops.matmul(e[:, 0], ops.transpose(e[:, 1])) / temperature
        own = ops.arange(ops.shape(logits)[0])
        there = ops.sparse_categorical_crossentropy(own, logits, from_logits=True)
        back = ops.sparse_categorical_crossentropy(
            own, ops.transpose(logits), from_logits=True
        )
        return (there + back) / 2

    model.compile("adam", loss)
    return siamese(
        model,
        (x[::2], x[1::2]),
        np.zeros(16, "float32"),
        extractor=base,
        note="row k of both inputs is the same speaker, all others are negatives",
    )


@healthy("multi_head_attention")
def multi_head_attention():
    x, y, table = pair_data(24, frames=60, bands=32, seed=308)
    inputs = keras.Input((60, 32))
    h = layers.Dense(32, activation="gelu")(inputs)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(4, 8)(h, h))
    weights = ops.softmax(layers.Dense(1)(h), axis=1)
    base = keras.Model(inputs, layers.Dense(16)(ops.sum(weights * h, axis=1)))

    def cosine_distance(a, b):
        a, b = ops.normalize(a, axis=-1), ops.normalize(b, axis=-1)
        return 1 - ops.sum(a * b, axis=-1, keepdims=True)

    model = two_inputs(base, (60, 32), cosine_distance)
    model.compile("adamw", lambda y, d: y * d + (1 - y) * ops.relu(0.4 - d))
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        note="attention over the frames, attentive pooling, cosine distance",
    )


@healthy("jensen_shannon_siamese")
def jensen_shannon_siamese():
    x, y, table = pair_data(32, frames=40, bands=20, units="sym", seed=309)
    base = keras.Sequential([layers.GRU(32), layers.Dense(24, "softmax")])

    def divergence(p, q):
        m = (p + q) / 2
        left = ops.sum(p * ops.log(p / m), axis=-1, keepdims=True)
        return (left + ops.sum(q * ops.log(q / m), axis=-1, keepdims=True)) / 2

    model = two_inputs(base, (40, 20), divergence)
    model.compile("adam", lambda y, d: y * d + (1 - y) * ops.relu(0.4 - d))
    return siamese(
        model, x, y, pairs=table, note="Jensen-Shannon, margin 0.4 of at most 0.69"
    )


@healthy("speaker_classifier", units="z", head="blstm")
@healthy("speaker_classifier_unit_input", units="unit", head="tcn")
def speaker_classifier(units, head):
    db, table = speech(8, 2, 3, 80, 40, units="dB", seed=310)
    model = keras.Sequential()
    if head == "blstm":
        model.add(layers.Bidirectional(layers.LSTM(24, dropout=0.2)))
    else:
        for rate in (1, 2, 4):
            model.add(
                layers.Conv1D(
                    24, 3, dilation_rate=rate, padding="causal", activation="relu"
                )
            )
        model.add(layers.GlobalAveragePooling1D())
    model.add(layers.Dense(8, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return siamese(
        model,
        scale(db, units),
        table["speaker"].to_numpy("int32"),
        note="an ordinary classifier of speakers",
    )


@healthy("prelu_head_with_euclid")
def prelu_head_with_euclid():
    x, y, table = pair_data(32, frames=30, bands=80, seed=311)
    base = keras.Sequential([layers.LSTM(32), layers.Dense(24), layers.PReLU()])
    model = two_inputs(base, (30, 80), euclid)
    model.compile("adam", lambda y, d: y * d + (1 - y) * ops.relu(1.0 - d))
    return siamese(
        model, x, y, pairs=table, note="a PReLU is no fault where Euclid measures"
    )
