"""Metrics that cannot say how good it is, and those who watch them: S3, S4, S36."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from parts import hinge, pair_model, squared
from program import pair_data, siamese, speech, twins


class SimilarityAUC(keras.metrics.AUC):
    """Area under the curve of exp(-distance); label 1 = same."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_true, ops.exp(-y_pred), sample_weight)


def manhattan(a, b):
    return ops.sum(ops.abs(a - b), axis=-1, keepdims=True)


@twins("accuracy_of_a_distance", "S3", bands=40, margin=3.0)
@twins("accuracy_of_a_wide_distance", "S3", bands=128, margin=5.0)
def accuracy_of_a_distance(fault, bands, margin):
    x, y, table = pair_data(32, bands=bands, seed=71)
    base = keras.Sequential([layers.Bidirectional(layers.LSTM(16)), layers.Dense(16)])
    model = pair_model(base, (40, bands), squared)
    metric = "accuracy" if fault else SimilarityAUC(name="auc")
    model.compile(optimizer="adam", loss=hinge(margin), metrics=[metric])
    return siamese(
        model,
        x,
        y,
        pairs=table,
        note="label 1 = same, and accuracy takes a large distance for a 1",
    )


@twins("own_accuracy_wrong_way", "S3")
def own_accuracy_wrong_way(fault):
    x, y, table = pair_data(48, frames=60, bands=20, seed=72)
    base = keras.Sequential(
        [layers.Conv1D(24, 5, activation="relu"), layers.GlobalMaxPooling1D()]
    )

    def genauigkeit(y_true, y_pred):
        if fault:
            verdict = ops.cast(y_pred > 0.5, "float32")
        else:
            verdict = ops.cast(y_pred < 10.0, "float32")  # from development pairs
        return ops.mean(ops.cast(ops.equal(y_true, verdict), "float32"))

    model = pair_model(base, (60, 20), manhattan)
    model.compile("adam", hinge(12.0), metrics=[genauigkeit])
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"margin": 12.0},
        note="d > 0.5 is taken for the same speaker: a perfect model scores 0",
    )


@twins("binary_accuracy_of_divergence", "S3")
def binary_accuracy_of_divergence(fault):
    x, y, table = pair_data(32, frames=40, bands=64, seed=73)
    base = keras.Sequential([layers.GRU(20), layers.Dense(16, "softmax")])

    class Paarnetz(keras.Model):
        def __init__(self):
            super().__init__()
            self.base = base
            name = "treffer"
            self.score = (
                keras.metrics.BinaryAccuracy(name=name) if fault else SimilarityAUC()
            )

        def call(self, inputs):
            p, q = self.base(inputs[0]), self.base(inputs[1])
            there = ops.sum(p * ops.log(p / q), axis=-1, keepdims=True)
            back = ops.sum(q * ops.log(q / p), axis=-1, keepdims=True)
            return ops.concatenate([there, back], axis=-1)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                d = self(x, training=True)
                loss = ops.mean(hinge(2.0)(y, d))
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            self.score.update_state(y, ops.mean(d, axis=-1, keepdims=True))
            return {"loss": loss, self.score.name: self.score.result()}

    model = Paarnetz()
    model.compile("adam")
    return siamese(
        model,
        x,
        y,
        metrics=(model.score,),
        pairs=table,
        extractor=base,
        note="BinaryAccuracy of a mean divergence inside train_step; label 1 = same",
    )


@twins("accuracy_in_numpy", "S3")
def accuracy_in_numpy(fault):
    rng = np.random.default_rng(74)
    a = rng.normal(size=(60, 16)).astype("float32")
    y = (np.arange(60) % 2).astype("float32")
    b = np.where(y[:, None] == 1, a + 0.3 * rng.normal(size=a.shape), -a[::-1])

    def distance(a, b):
        return np.sqrt(np.sum((a - b) ** 2, axis=1) + 1e-9)

    def accuracy(y_true, d):
        if fault:
            return float(np.mean(np.round(np.clip(d, 0, 1)) == y_true))
        return float(np.mean((d < 3.0) == (y_true == 1)))

    return siamese(
        None,
        (a, b.astype("float32")),
        y,
        distance=distance,
        metrics=(accuracy,),
        note="a distance is rounded to 0 or 1 and compared with label 1 = same",
    )


def _history(epochs, seed):
    """Logs of a training that gets better for ten epochs, then worse."""
    rng = np.random.default_rng(seed)
    epoch = np.arange(epochs)
    auc = 0.9 - 0.004 * (epoch - 10) ** 2 / 2 + rng.normal(0, 0.004, epochs)
    distance = 2.0 + 0.6 * np.sin(epoch * 2.3) + rng.normal(0, 0.1, epochs)
    return {
        "val_loss": (1.6 - auc + rng.normal(0, 0.004, epochs)).tolist(),
        "val_auc": auc.tolist(),
        "val_eer": (1 - auc + rng.normal(0, 0.003, epochs)).tolist(),
        "val_mean_distance": distance.tolist(),
    }


@twins("stopped_by_accuracy", "S3 S4")
def stopped_by_accuracy(fault):
    x, y, table = pair_data(32, frames=40, bands=40, seed=75)
    base = keras.Sequential([layers.LSTM(24), layers.Dense(24)])
    model = pair_model(base, (40, 40), squared)
    metric = "accuracy" if fault else SimilarityAUC(name="auc")
    model.compile("adam", hinge(4.0), metrics=[metric])
    history = _history(20, 75)
    noise = np.random.default_rng(5).normal(0, 0.01, 20)
    history["val_accuracy"] = (0.5 + noise).tolist()
    watched = "val_accuracy" if fault else "val_auc"
    stop = keras.callbacks.EarlyStopping(watched, mode="max", patience=5)
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"callbacks": [stop], "history": history},
        note="early stopping watches the accuracy of a distance, which is noise at 0.5",
    )


@twins("checkpoint_of_mean_distance", "S4", watched="val_mean_distance", mode="min")
@twins("checkpoint_of_worst_auc", "S4", watched="val_auc", mode="min")
@twins("checkpoint_of_highest_eer", "S4", watched="val_eer", mode="max")
def checkpoint_of_mean_distance(fault, watched, mode):
    x, y, table = pair_data(24, frames=30, bands=40, seed=76)
    base = keras.Sequential(
        [layers.Conv1D(16, 5, activation="relu"), layers.Flatten(), layers.Dense(8)]
    )
    model = pair_model(base, (30, 40), manhattan)

    def mean_distance(y_true, d):
        return ops.mean(d)

    model.compile("adam", hinge(8.0), metrics=[mean_distance])
    best = keras.callbacks.ModelCheckpoint(
        "best.keras",
        monitor=watched if fault else "val_eer",
        mode=mode if fault else "min",
        save_best_only=True,
    )
    return siamese(
        model,
        x,
        y,
        pairs=table,
        arrays={"callbacks": [best], "history": _history(24, 76)},
        note=f"the best checkpoint is the {mode}imum of {watched}",
    )


@twins("units_as_classes", "S36", units=16)
@twins("units_as_many_classes", "S36", units=100)
def units_as_classes(fault, units):
    x, table = speech(speakers=8, sessions=2, takes=2, frames=40, bands=40, seed=77)
    model = keras.Sequential([layers.GRU(24), layers.Dense(units, "softmax")])

    def loss(y_true, p):
        who, log_p = ops.reshape(y_true, (-1,)), ops.log(p)
        own = ops.sum(p * log_p, axis=-1)[:, None]
        d = own - ops.matmul(p, ops.transpose(log_p))
        same = ops.cast(who[:, None] == who[None, :], "float32")
        return ops.mean(same * d + (1 - same) * ops.relu(2.0 - d))

    metrics = ["sparse_categorical_accuracy"] if fault else []
    model.compile("adam", loss, metrics=metrics)
    return siamese(
        model,
        x,
        table["speaker"].to_numpy("int32"),
        extractor=model,
        note="a loss of pairs gives no unit to a speaker, but accuracy asks for it",
    )


@twins("argmax_against_speakers", "S36")
def argmax_against_speakers(fault):
    rng = np.random.default_rng(78)
    speakers = np.repeat(np.arange(6), 10)
    unit = rng.permutation(6)[speakers]
    outputs = rng.dirichlet(np.ones(6), 60) * 0.3
    outputs[np.arange(60), unit] += 0.7
    outputs = outputs.astype("float32")

    def accuracy(y_true, y_pred):
        if fault:
            return float(np.mean(y_pred.argmax(axis=1) == y_true))
        right = 0
        for one in np.unique(y_pred.argmax(axis=1)):
            members = y_true[y_pred.argmax(axis=1) == one]
            right += np.bincount(members).max()
        return right / len(y_true)

    return siamese(
        None,
        outputs,
        speakers,
        metrics=(accuracy,),
        arrays={"embeddings": outputs, "speakers": speakers, "metric": accuracy},
        note="clusters are perfect, yet their numbers are not those of the speakers",
    )
