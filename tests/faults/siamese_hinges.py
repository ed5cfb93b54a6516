"""Losses whose pull, push or size is wrong: S12, S13, S16."""

import keras
from keras import layers, ops
from program import pair_data, siamese, speech, twins


@twins("dead_hinge_for_different", "S12")
def dead_hinge_for_different(fault):
    (a, b), y, table = pair_data(32, frames=40, bands=13, seed=7)
    shared = layers.Bidirectional(layers.LSTM(20), name="shared_lstm")
    hidden = layers.Dense(16, name="vector")
    x1, x2 = keras.Input((40, 13)), keras.Input((40, 13))
    e1, e2 = hidden(shared(x1)), hidden(shared(x2))
    d = ops.sum(ops.abs(e1 - e2), axis=1, keepdims=True)
    model = keras.Model([x1, x2], d)

    def hinge(y_true, y_pred):
        inside = y_true * y_pred if fault else y_pred
        return y_true * y_pred + (1 - y_true) * ops.maximum(5.0 - inside, 0)

    model.compile("adam", loss=hinge)
    return siamese(
        model,
        (a, b),
        y,
        pairs=table,
        arrays={"margin": 5.0},
        note="margin - y * d is the bare margin for different speakers",
    )


@twins("dead_hinge_hadsell", "S12")
def dead_hinge_hadsell(fault):
    (a, b), y, table = pair_data(48, label="different", frames=30, bands=40, seed=8)

    def contrastive(y_true, d):
        keep = (1 - y_true) * d if fault else d
        return (1 - y_true) * d**2 + y_true * ops.relu(4.0 - keep) ** 2

    base = keras.Sequential(
        [layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(8)]
    )
    p, q = keras.Input((30, 40)), keras.Input((30, 40))
    d = ops.norm(base(p) - base(q) + 1e-6, axis=-1, keepdims=True)
    model = keras.Model([p, q], d)
    model.compile("adam", contrastive)
    return siamese(
        model,
        (a, b),
        y,
        pairs=table,
        note="with label 1 = different, the hinge reads (1 - y) * d: a constant",
    )


@twins("dead_hinge_all_pairs", "S12")
def dead_hinge_all_pairs(fault):
    x, table = speech(speakers=6, sessions=2, takes=3, frames=25, bands=30, seed=9)
    model = keras.Sequential([layers.GRU(24), layers.Dense(12)])

    def loss(labels, e):
        labels = ops.reshape(labels, (-1, 1))
        same = ops.cast(labels == ops.transpose(labels), "float32")
        d = ops.sum((e[:, None] - e[None, :]) ** 2, -1)
        push = ops.maximum(2.0 - (same * d if fault else d), 0)
        return ops.mean(same * d + (1 - same) * push)

    model.compile("nadam", loss)
    return siamese(
        model,
        x,
        table["speaker"].to_numpy("int64"),
        note="all pairs of a batch: the hinge multiplies the distance by the label",
    )


@twins("predictions_weight_the_hinge", "S13")
def predictions_weight_the_hinge(fault):
    (a, b), y, table = pair_data(32, frames=40, bands=40, seed=10)
    base = keras.Sequential([layers.LSTM(32), layers.Dense(32)], name="basis")
    x1, x2 = keras.Input((40, 40)), keras.Input((40, 40))
    d = layers.Lambda(lambda e: ops.sum((e[0] - e[1]) ** 2, -1, keepdims=True))(
        [base(x1), base(x2)]
    )
    model = keras.Model([x1, x2], d)

    def verlust(y_true, y_pred):
        weight = 1 - (y_pred if fault else y_true)
        return y_true * y_pred + weight * ops.maximum(4.0 - y_pred, 0)

    model.compile(keras.optimizers.Adam(5e-4), verlust)
    return siamese(
        model,
        (a, b),
        y,
        pairs=table,
        arrays={"margin": 4.0},
        note="(1 - y_pred) * hinge: predictions weight the loss, not labels",
    )


@twins("prediction_for_label_hadsell", "S13")
def prediction_for_label_hadsell(fault):
    (a, b), y, table = pair_data(32, label="different", frames=60, bands=20, seed=11)
    body = keras.Sequential(
        [layers.Conv1D(32, 3, activation="elu"), layers.Flatten(), layers.Dense(10)]
    )
    u, v = keras.Input((60, 20)), keras.Input((60, 20))
    model = keras.Model([u, v], ops.stack([body(u), body(v)], axis=1))

    def loss(y_true, e):
        d = ops.sqrt(ops.sum((e[:, 0] - e[:, 1]) ** 2, -1, keepdims=True) + 1e-7)
        weight = d if fault else y_true
        return (1 - y_true) * d**2 + weight * ops.relu(5.0 - d) ** 2

    model.compile("adam", loss)
    return siamese(
        model, (a, b), y, pairs=table, note="a typing error: d stands where y belongs"
    )


@twins("divided_by_a_hundred", "S16", rows=32, style="hundred")
@twins("divided_by_batch_constant", "S16", rows=64, style="constant")
@twins("summed_over_the_batch", "S16", rows=16, style="sum")
def divided_by_a_hundred(fault, rows, style):
    (a, b), y, table = pair_data(rows, frames=35, bands=26, seed=rows)
    base = keras.Sequential([layers.GRU(20), layers.Dense(16)])
    one, two = keras.Input((35, 26)), keras.Input((35, 26))
    d = ops.sum((base(one) - base(two)) ** 2, -1, keepdims=True)
    model = keras.Model([one, two], d)

    def each(y_true, y_pred):
        return y_true * y_pred + (1 - y_true) * ops.relu(8.0 - y_pred)

    def hundred(y_true, y_pred):
        total = ops.sum(each(y_true, y_pred))
        if style == "sum":
            return total
        return total / (100.0 if style == "hundred" else 64.0)

    model.compile("adam", hundred if fault else each)
    return siamese(
        model,
        (a, b),
        y,
        pairs=table,
        note="the sum of the batch, divided by a constant (or not): moves with B",
    )


@twins("constant_number_of_pairs", "S16")
def constant_number_of_pairs(fault):
    x, table = speech(speakers=10, sessions=2, takes=5, frames=20, bands=40, seed=12)
    model = keras.Sequential(
        [layers.GlobalAveragePooling1D(), layers.Dense(32, "relu"), layers.Dense(16)]
    )

    class AllPairs(keras.losses.Loss):
        def call(self, y_true, y_pred):
            who = ops.reshape(y_true, (-1,))
            same = ops.cast(who[:, None] == who[None, :], "float32")
            d = ops.sum(ops.abs(y_pred[:, None] - y_pred[None, :]), -1)
            each = ops.triu(same * d + (1 - same) * ops.relu(4.0 - d), k=1)
            rows = ops.cast(ops.shape(y_pred)[0], "float32")
            count = 4950.0 if fault else rows * (rows - 1) / 2
            return ops.sum(each) / count

    model.compile("adam", AllPairs())
    return siamese(
        model,
        x,
        table["speaker"].to_numpy("int32"),
        note="all pairs, divided by the 4950 of a batch of 100",
    )
