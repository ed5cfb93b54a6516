"""Programs that learn embeddings: pairs, triplets, and losses over a batch."""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from corpus import draw_pairs, register, speakers
from keras import layers, ops

import siamlab as sl

DIM = 12

# --------------------------------------------------------------------------- the parts


def encoder(kind, n_frames, n_bands, head="linear", masked=False, **lstm):
    """Build a base network that ends in a head."""
    inputs = keras.Input((n_frames, n_bands))
    x = layers.Masking(0.0)(inputs) if masked else inputs
    if kind == "lstm":
        x = layers.LSTM(12, **lstm)(x)
    elif kind == "blstm":
        x = layers.Bidirectional(layers.LSTM(8, return_sequences=True, **lstm))(x)
        x = layers.Bidirectional(layers.LSTM(8))(x)
    elif kind == "gru":
        x = layers.GRU(12, **lstm)(x)
    elif kind == "attention":
        x = layers.Dense(16, activation="gelu")(x)
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 8)(x, x))
        x = ops.sum(ops.softmax(layers.Dense(1)(x), axis=1) * x, axis=1)
    else:
        x = layers.Conv1D(16, 5, activation="relu")(x)
        x = layers.GlobalAveragePooling1D()(x)
    x = HEADS[head](x)
    return keras.Model(inputs, x)


HEADS = {
    "linear": lambda x: layers.Dense(DIM)(x),
    "relu": lambda x: layers.Dense(DIM)(layers.Dense(16, activation="relu")(x)),
    "softmax": lambda x: layers.Dense(DIM, activation="softmax")(x),
    "unit": lambda x: layers.UnitNormalization()(layers.Dense(DIM)(x)),
    "softplus": lambda x: layers.Dense(DIM, activation="softplus")(x),
    "relu unit": lambda x: layers.UnitNormalization()(
        layers.Dense(DIM, activation="relu")(x)
    ),
    "prelu": lambda x: layers.PReLU()(layers.Dense(DIM)(x)),
    "zeros": lambda x: layers.Dense(DIM, kernel_initializer="zeros")(x),
    "dead": lambda x: layers.Dense(
        DIM, activation="relu", bias_initializer=keras.initializers.Constant(-9.0)
    )(x),
    "constant": lambda x: layers.Dense(
        DIM,
        kernel_initializer=keras.initializers.RandomNormal(stddev=1e-6),
        bias_initializer="ones",
        activation="softmax",
    )(x),
}


def total(x):
    return ops.sum(x, axis=-1, keepdims=True)


def cosine(a, b):
    return total(ops.normalize(a, axis=-1) * ops.normalize(b, axis=-1))


def kl(a, b):
    a, b = ops.maximum(a, 1e-7), ops.maximum(b, 1e-7)
    return total(a * ops.log(a / b))


def clipped_kl(a, b):
    a, b = ops.clip(a, 1e-7, 1.0), ops.clip(b, 1e-7, 1.0)
    return total(a * ops.log(a / b)) + total(b * ops.log(b / a))


def jensen_shannon(a, b):
    middle = (a + b) / 2
    return (kl(a, middle) + kl(b, middle)) / 2


DISTANCES = {
    "euclid": lambda a, b: ops.sqrt(ops.maximum(total((a - b) ** 2), 1e-7)),
    "squared": lambda a, b: total((a - b) ** 2),
    "manhattan": lambda a, b: total(ops.abs(a - b)),
    "cosine": lambda a, b: 1.0 - cosine(a, b),
    "kl": lambda a, b: kl(a, b) + kl(b, a),
    "kl both": lambda a, b: ops.concatenate([kl(a, b), kl(b, a)], axis=-1),
    "jensen-shannon": jensen_shannon,
    "kl one way": kl,
    "kl other way": lambda a, b: kl(b, a),
    "clipped kl": clipped_kl,
    "clipped euclid": lambda a, b: ops.sqrt(
        ops.maximum(total((ops.clip(a, 0.0, 1.0) - ops.clip(b, 0.0, 1.0)) ** 2), 1e-7)
    ),
    "bare euclid": lambda a, b: ops.sqrt(total((a - b) ** 2)),
    "bare norm": lambda a, b: ops.norm(a - b, axis=-1, keepdims=True),
    "asymmetric": lambda a, b: total(ops.relu(a - b)),
}


def hinge(margin):
    return lambda y, d: y * d + (1 - y) * ops.relu(margin - d)


def contrastive(margin):
    return lambda y, d: y * d**2 + (1 - y) * ops.relu(margin - d) ** 2


PAIR_LOSSES = {
    "hinge": hinge,
    "contrastive": contrastive,
    "contrastive mean": lambda m: lambda y, d: ops.mean(contrastive(m)(y, d)),
    "mean in the hinge": lambda m: (
        lambda y, d: y * d + (1 - y) * ops.relu(m - ops.mean(d))
    ),
    "label in the hinge": lambda m: lambda y, d: ops.relu(m - (1 - y) * d) + 0 * y,
    "label times all": lambda m: lambda y, d: y * (d + ops.relu(m - d)),
    "predictions as weights": lambda m: lambda y, d: y * d + (1 - d) * ops.relu(m - d),
    "no hinge": lambda m: lambda y, d: y * d + (1 - y) * (m - d),
    "exchanged labels": lambda m: lambda y, d: contrastive(m)(1 - y, d),
    "pushes together": lambda m: lambda y, d: -y * d + (1 - y) * ops.minimum(d, m),
    "sum": lambda m: lambda y, d: ops.sum(hinge(m)(y, d)),
    "divided by 100": lambda m: lambda y, d: ops.sum(contrastive(m)(y, d)) / 100.0,
    "flat distances": lambda m: (
        lambda y, d: ops.mean(contrastive(m)(y, ops.reshape(d, (-1,))))
    ),
    "flat labels": lambda m: lambda y, d: ops.mean(hinge(m)(ops.reshape(y, (-1,)), d)),
}


# ---------------------------------------------------------------------- pairs, by style


def pairs(
    kind="lstm",
    head="linear",
    distance="euclid",
    loss="contrastive",
    margin=None,
    style="score",
    label="same",
    dtype="float32",
    ndim=2,
    scale="standardized",
    metrics=None,
    towers=1,
    transpose=False,
    options=None,
    n_bands=20,
    n_frames=24,
    padding=None,
    **lstm,
):
    """Build a program with two inputs and a distance.

    `margin` None is the median distance of different speakers; a string such as "*9" is
    a multiple of it.
    """
    x, speaker = speakers(n_bands=n_bands, n_frames=n_frames, scale=scale)
    if transpose:
        x = np.ascontiguousarray(x.swapaxes(1, 2))
    if padding == "left":
        x[:, :6] = 0.0
    if padding == "right":
        x[::2, -6:] = 0.0
    first, second, same = draw_pairs(speaker)
    masked = padding is not None
    bases = [
        encoder(kind, *x.shape[1:], head=head, masked=masked, **lstm)
        for _ in range(towers)
    ]
    between = DISTANCES[distance]
    if margin is None or isinstance(margin, str):
        e = [
            base(x[rows])
            for base, rows in zip((bases * 2)[:2], (first, second), strict=True)
        ]
        d = ops.convert_to_numpy(between(*e))[~same]
        factor = 1.0 if margin is None else float(margin[1:])
        margin = float(np.median(d)) * factor
    of_pair = PAIR_LOSSES[loss](margin)
    y = (same if label == "same" else ~same).astype(dtype)
    y = y[:, None] if ndim == 2 else y

    def objective(y_true, d):
        y_true = ops.cast(y_true, "float32")
        y_true = y_true if label == "same" else 1.0 - y_true
        return of_pair(y_true, d)

    a, b = keras.Input(x.shape[1:]), keras.Input(x.shape[1:])
    e = [base(each) for base, each in zip((bases * 2)[:2], (a, b), strict=True)]
    batch = [x[first], x[second]], y
    options = dict(options or {})
    if style == "function":
        e = [ops.convert_to_numpy(bases[0](each)) for each in batch[0]]
        return between, (e, y), {"loss": objective, "kind": "siamese", **options}
    model, batch = STYLES[style](a, b, e, between, objective, batch)
    if metrics:
        metrics = metrics() if callable(metrics) else metrics
        model.compile("adam", model.loss, metrics=metrics)
    if callable(options.get("extractor")):
        options["extractor"] = options["extractor"](bases[0], x.shape[1:])
    if callable(options.get("pairs")):
        options["pairs"] = options["pairs"](speaker, first, second, same)
    return model, batch, options


def _score(a, b, e, between, objective, batch):
    model = keras.Model([a, b], between(*e))
    model.compile("adam", objective)
    return model, batch


def _lambda(a, b, e, between, objective, batch):
    distance = layers.Lambda(lambda t: between(t[0], t[1]))(e)
    model = keras.Model([a, b], distance)
    model.compile("adam", objective)
    return model, batch


class PairLoss(keras.losses.Loss):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)


def _loss_class(a, b, e, between, objective, batch):
    model = keras.Model([a, b], between(*e))
    model.compile("adam", PairLoss(objective))
    return model, batch


def _stacked(a, b, e, between, objective, batch):
    model = keras.Model([a, b], ops.stack(e, axis=1))
    model.compile("adam", lambda y, e: objective(y, between(e[:, 0], e[:, 1])))
    return model, batch


def _concatenated(a, b, e, between, objective, batch):
    model = keras.Model([a, b], layers.Concatenate()(e))
    model.compile("adam", lambda y, e: objective(y, between(e[:, :DIM], e[:, DIM:])))
    return model, batch


class _Step(keras.Model):
    """A model with its own `compute_loss`."""

    objective = None

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
        return ops.mean(self.objective(y, y_pred))


def _compute_loss(a, b, e, between, objective, batch):
    model = _Step([a, b], between(*e))
    model.objective = objective
    model.compile("adam")
    return model, batch


class _TrainStep(keras.Model):
    objective = None

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = ops.mean(self.objective(y, self(x, training=True)))
        slopes = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(slopes, self.trainable_variables)
        return {"loss": loss}


def _train_step(a, b, e, between, objective, batch):
    model = _TrainStep([a, b], between(*e))
    model.objective = objective
    model.compile("adam")
    return model, batch


class _AddLoss(layers.Layer):
    def __init__(self, objective):
        super().__init__()
        self.objective = objective

    def call(self, y, d):
        self.add_loss(ops.mean(self.objective(y, d)))
        return d


def _third_input(a, b, e, between, objective, batch):
    (xa, xb), y = batch
    label = keras.Input(y.shape[1:], dtype=y.dtype)
    model = keras.Model([a, b, label], _AddLoss(objective)(label, between(*e)))
    model.compile("adam")
    return model, ([xa, xb, y], None)


def _one_array(a, b, e, between, objective, batch):
    """Both recordings in one array (batch, 2, time, bands)."""
    (xa, xb), y = batch
    both = keras.Input((2, *xa.shape[1:]))
    base = e[0]._keras_history.operation
    d = between(base(both[:, 0]), base(both[:, 1]))
    model = keras.Model(both, d)
    model.compile("adam", objective)
    return model, (np.stack([xa, xb], axis=1), y)


STYLES = {
    "score": _score,
    "lambda": _lambda,
    "loss class": _loss_class,
    "stacked": _stacked,
    "concatenated": _concatenated,
    "compute_loss": _compute_loss,
    "train_step": _train_step,
    "third input": _third_input,
    "one array": _one_array,
}


# ------------------------------------------------------------------------ learned heads


def learned(head="absolute", kind="gru", ndim=2, dtype="float32", metrics=(), **other):
    """Build a program whose comparison has weights, or gives logits."""
    x, speaker = speakers(scale=other.get("scale", "standardized"))
    first, second, same = draw_pairs(speaker)
    bases = [encoder(kind, *x.shape[1:]) for _ in range(other.get("towers", 1))]
    a, b = keras.Input(x.shape[1:]), keras.Input(x.shape[1:])
    e = [base(each) for base, each in zip((bases * 2)[:2], (a, b), strict=True)]
    loss = "binary_crossentropy"
    if head == "absolute":
        out = layers.Dense(1, activation="sigmoid")(ops.abs(e[0] - e[1]))
    elif head == "cosine":
        out = layers.Dense(1, activation="sigmoid")(cosine(*e))
    elif head == "concatenated":
        hidden = layers.Dense(16, activation="relu")(layers.Concatenate()(e))
        out = layers.Dense(1, activation="sigmoid")(hidden)
    elif head == "softmax":
        out = layers.Dense(2, activation="softmax")(ops.abs(e[0] - e[1]))
        loss = "sparse_categorical_crossentropy"
    else:
        out = layers.Dot(axes=1)(e)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
    if other.get("total"):
        of_pair = keras.losses.get(loss)
        loss = lambda y, p: ops.sum(of_pair(ops.cast(y, "float32"), p))  # noqa: E731
    model = keras.Model([a, b], out)
    model.compile("adam", loss, metrics=list(metrics))
    y = same.astype(dtype)
    return model, ([x[first], x[second]], y[:, None] if ndim == 2 else y), {}


# -------------------------------------------------------------- triplets, whole batches


def triplets(
    kind="conv",
    head="unit",
    loss="hinge",
    margin=0.3,
    join="concatenated",
    scale="standardized",
    towers=1,
    **lstm,
):
    """Build a program with anchor, positive and negative as inputs."""
    x, speaker = speakers(scale=scale)
    rng = np.random.default_rng(1)
    anchor = rng.permutation(len(speaker))[:32]
    pick = lambda rows: rng.choice(rows)  # noqa: E731
    positive = [
        pick(np.flatnonzero((speaker == speaker[i]) & (np.arange(len(speaker)) != i)))
        for i in anchor
    ]
    negative = [pick(np.flatnonzero(speaker != speaker[i])) for i in anchor]
    bases = [encoder(kind, *x.shape[1:], head=head, **lstm) for _ in range(towers)]
    inputs = [keras.Input(x.shape[1:]) for _ in range(3)]
    e = [base(each) for base, each in zip((bases * 3)[:3], inputs, strict=True)]
    if join == "concatenated":
        out = layers.Concatenate()(e)
    else:
        out = ops.stack(e, axis=1)

    def distances(out):
        if join == "concatenated":
            e = ops.split(out, 3, axis=-1)
        else:
            e = [out[:, i] for i in range(3)]
        near = ops.sum((e[0] - e[1]) ** 2, axis=-1)
        far = ops.sum((e[0] - e[2]) ** 2, axis=-1)
        return near, far

    def objective(_, out):
        near, far = distances(out)
        return {
            "hinge": lambda: ops.relu(near - far + margin),
            "softplus": lambda: ops.softplus(8.0 * (near - far)),
            "mean inside": lambda: ops.relu(ops.mean(near - far) + margin),
            "no negative": lambda: near + margin,
            "sum": lambda: ops.sum(ops.relu(near - far + margin)),
            "bare root": lambda: ops.relu(ops.sqrt(near) - ops.sqrt(far) + margin),
        }[loss]()

    model = keras.Model(inputs, out)
    model.compile("adam", objective)
    batch = [x[anchor], x[positive], x[negative]], np.zeros(32, "float32")
    return model, batch, {"kind": "siamese"}


def _squared(e):
    return ops.sum((e[:, None] - e[None]) ** 2, axis=-1)


def _masks(ids):
    same = ops.cast(ids[:, None] == ids[None], "float32")
    return same, 1.0 - same


def all_pairs(margin):
    def loss(ids, e):
        same, other = _masks(ops.reshape(ids, (-1,)))
        d = _squared(e)
        near = ops.sum(same * d) / ops.sum(same)
        return near + ops.sum(other * ops.relu(margin - d)) / ops.sum(other)

    return loss


def batch_hard(margin, reshape=True, reduce=ops.mean):
    def loss(ids, e):
        ids = ops.reshape(ids, (-1,)) if reshape else ids
        same = ops.cast(ops.expand_dims(ids, 0) == ops.expand_dims(ids, 1), "float32")
        d = _squared(e)
        hardest_positive = ops.max(same * d, axis=1, keepdims=True)
        hardest_negative = ops.min(d + 1e3 * same, axis=1, keepdims=True)
        return reduce(ops.relu(hardest_positive - hardest_negative + margin))

    return loss


def supervised_contrastive(temperature, reduce=ops.mean):
    def loss(ids, e):
        ids = ops.reshape(ids, (-1,))
        e = ops.normalize(e, axis=-1)
        logits = e @ ops.transpose(e) / temperature
        logits = logits - 1e9 * ops.eye(ops.shape(e)[0])
        log_p = ops.log_softmax(logits, axis=-1)
        same = _masks(ids)[0] - ops.eye(ops.shape(e)[0])
        return -reduce(ops.sum(same * log_p, axis=1) / ops.sum(same, axis=1))

    return loss


BATCH_LOSSES = {
    "all pairs": all_pairs(4.0),
    "all pairs, far": all_pairs(9.0),
    "batch hard": batch_hard(0.4),
    "batch hard, far": batch_hard(9.0),
    "supervised contrastive": supervised_contrastive(0.2),
    "supervised contrastive, sum": supervised_contrastive(0.2, reduce=ops.sum),
    "all pairs, no push": lambda ids, e: (
        ops.sum(_masks(ops.reshape(ids, (-1,)))[0] * _squared(e)) / 100.0 + 1.0
    ),
    "batch hard, columns": batch_hard(0.4, reshape=False),
    "batch hard, sum": batch_hard(0.4, reduce=ops.sum),
    "bare root": lambda ids, e: (
        ops.mean(_masks(ops.reshape(ids, (-1,)))[0] * ops.sqrt(_squared(e)))
        + ops.mean(
            _masks(ops.reshape(ids, (-1,)))[1] * ops.relu(2.0 - ops.sqrt(_squared(e)))
        )
    ),
}


def batch_loss(
    kind="conv",
    head="linear",
    loss="all pairs",
    ndim=1,
    style="compile",
    scale="standardized",
    options=None,
    **lstm,
):
    """Build a program with one input, and a loss over all pairs of a batch."""
    x, speaker = speakers(scale=scale)
    order = np.random.default_rng(3).permutation(len(speaker))
    x, y = x[order], speaker[order].astype("int32")
    model = encoder(kind, *x.shape[1:], head=head, **lstm)
    options = dict(options or {})
    if callable(options.get("extractor")):
        options["extractor"] = options["extractor"](model, x.shape[1:])
    objective = BATCH_LOSSES[loss]
    if style == "compile":
        model.compile("adam", objective)
    elif style == "train_step":
        model = _TrainStep(model.inputs, model.outputs)
        model.objective = objective
        model.compile("adam")
    elif style == "layer":
        ids = keras.Input((), dtype="int32")
        model = keras.Model([model.input, ids], _AddLoss(objective)(ids, model.output))
        model.compile("adam")
        return model, ([x, y], None), {"kind": "siamese", **options}
    else:
        options["loss"] = objective
    return model, (x, y[:, None] if ndim == 2 else y), {"kind": "siamese", **options}


def classes(kind="gru", scale="standardized", **lstm):
    """Build a classifier of speakers."""
    x, speaker = speakers(scale=scale)
    base = encoder(kind, *x.shape[1:], **lstm)
    out = layers.Dense(8, activation="softmax")(base.output)
    model = keras.Model(base.inputs, out)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, (x, speaker), {"kind": "siamese"}


# ----------------------------------------------------------------- tables and callbacks


def table(**change):
    """Return a function that makes the table of the pairs, with columns changed."""

    def make(speaker, first, second, same):
        rng = np.random.default_rng(5)
        columns = {"same": same}
        for end, rows in (("_a", first), ("_b", second)):
            columns["speaker" + end] = speaker[rows]
            columns["recording" + end] = rows
            columns["session" + end] = rows % 3
            columns["sex" + end] = np.where(speaker[rows] % 2, "m", "f")
            columns["start" + end] = rng.integers(1, 200, len(rows))
        made = pd.DataFrame(columns)
        for name in change:
            made = CHANGES_OF_TABLES[name](made)
        return made

    return make


CHANGES_OF_TABLES = {
    "one_recording": lambda t: t.assign(
        recording_b=np.where(t.same, t.recording_a, t.recording_b)
    ),
    "one_session": lambda t: t.drop(columns=["recording_a", "recording_b"]).assign(
        session_a=t.speaker_a, session_b=t.speaker_b
    ),
    "repeated": lambda t: pd.concat([t] * 3, ignore_index=True),
    "opposite_sex": lambda t: t.assign(sex_a="m", sex_b=np.where(t.same, "m", "f")),
    "at_start": lambda t: t.assign(start_a=0, start_b=0),
}


def trained(base, shape):
    return keras.Model(base.inputs, base.outputs)


def fresh(base, shape):
    return encoder("lstm", *shape)


def stop(monitor, mode="auto"):
    return [keras.callbacks.EarlyStopping(monitor=monitor, mode=mode)]


def equal_error_rate(y_true, d):
    return ops.mean(ops.abs(ops.cast(d < 0.5, "float32") - ops.cast(y_true, "float32")))


# --------------------------------------------------------------------- healthy programs

PAIRS = {
    "euclid lstm": {},
    "euclid blstm": {"kind": "blstm", "style": "lambda"},
    "euclid conv, loss class": {"kind": "conv", "style": "loss class"},
    "squared gru, hinge": {"kind": "gru", "distance": "squared", "loss": "hinge"},
    "manhattan, 0 is same": {"distance": "manhattan", "label": "other", "kind": "gru"},
    "manhattan, int labels": {
        "distance": "manhattan",
        "dtype": "int32",
        "kind": "conv",
    },
    "cosine attention": {"distance": "cosine", "kind": "attention", "margin": 0.5},
    "cosine unit": {"distance": "cosine", "head": "unit", "margin": 0.4, "kind": "gru"},
    "euclid unit": {"head": "unit", "margin": 0.8, "kind": "conv"},
    "kl softmax": {"distance": "kl", "head": "softmax", "loss": "hinge", "margin": 2.0},
    "kl both softmax": {
        "distance": "kl both",
        "head": "softmax",
        "loss": "hinge",
        "margin": 1.0,
        "kind": "blstm",
    },
    "jensen-shannon": {
        "distance": "jensen-shannon",
        "head": "softmax",
        "loss": "hinge",
        "margin": 0.3,
    },
    "euclid stacked": {"style": "stacked", "kind": "gru", "loss": "contrastive mean"},
    "euclid concatenated": {"style": "concatenated", "kind": "conv", "head": "relu"},
    "squared compute_loss": {
        "style": "compute_loss",
        "distance": "squared",
        "loss": "hinge",
    },
    "euclid train_step": {"style": "train_step", "kind": "conv"},
    "euclid third input": {"style": "third input", "kind": "conv"},
    "euclid one array": {"style": "one array", "kind": "gru"},
    "euclid function": {"style": "function"},
    "euclid prelu": {"head": "prelu", "kind": "gru"},
    "euclid 0 to 1": {"scale": "0 to 1", "kind": "conv"},
    "euclid -1 to 1": {"scale": "-1 to 1", "label": "other", "kind": "gru"},
    "squared blstm": {"distance": "squared", "loss": "hinge", "kind": "blstm"},
    "euclid wide": {"n_bands": 80, "n_frames": 12, "kind": "lstm"},
    "euclid bool labels": {"dtype": "bool", "kind": "conv", "loss": "contrastive mean"},
}
LEARNED = {
    "absolute": {"metrics": ["accuracy"]},
    "absolute conv": {"kind": "conv", "ndim": 1, "dtype": "int32"},
    "cosine": {"head": "cosine", "metrics": ["accuracy"], "ndim": 1},
    "cosine attention": {"head": "cosine", "kind": "attention"},
    "concatenated": {"head": "concatenated", "metrics": ["accuracy", "AUC"]},
    "dot": {"head": "dot", "dtype": "bool", "ndim": 1},
    "dot conv": {"head": "dot", "kind": "conv"},
    "softmax": {"head": "softmax", "dtype": "int32", "metrics": ["accuracy"]},
}
TRIPLETS = {
    "hinge": {},
    "hinge lstm": {"kind": "lstm", "head": "linear", "margin": 0.05},
    "hinge stacked": {"join": "stacked", "kind": "gru"},
    "hinge, relu": {"head": "relu unit"},
    "softplus": {"loss": "softplus"},
    "softplus stacked blstm": {"loss": "softplus", "join": "stacked", "kind": "blstm"},
}
BATCHES = {
    "all pairs": {},
    "all pairs, columns": {"ndim": 2, "kind": "gru"},
    "all pairs, train_step": {"style": "train_step"},
    "all pairs, layer": {"style": "layer"},
    "batch hard": {"loss": "batch hard", "head": "unit"},
    "batch hard, columns": {"loss": "batch hard", "ndim": 2, "kind": "lstm"},
    "supervised contrastive": {"loss": "supervised contrastive"},
    "supervised contrastive, given": {
        "loss": "supervised contrastive",
        "style": "given",
        "kind": "attention",
    },
}
CLASSES = {"gru": {}, "conv": {"kind": "conv", "scale": "0 to 1"}}

FAMILIES = {
    "pairs": (pairs, PAIRS),
    "learned": (learned, LEARNED),
    "triplets": (triplets, TRIPLETS),
    "batch": (batch_loss, BATCHES),
    "classes": (classes, CLASSES),
}
OTHER_DATA = {"bands 64": {"n_bands": 64}, "frames 40": {"n_frames": 40}}

for family, (build, programs) in FAMILIES.items():
    for name, settings in programs.items():
        register(f"{family} {name}", build, settings)
for name in ("euclid lstm", "squared gru, hinge", "cosine attention", "kl softmax"):
    for data, change in OTHER_DATA.items():
        register(f"pairs {name}, {data}", pairs, PAIRS[name] | change)
GIVEN = {
    "metrics": lambda: [sl.metrics.EER()],
    "options": {
        "pairs": table(),
        "extractor": trained,
        "callbacks": stop("val_eer", "min"),
    },
}
RECURRENT = [
    n for n, s in PAIRS.items() if s.get("kind", "lstm") in ("lstm", "blstm", "gru")
]
for base, settings in PAIRS.items():
    if settings.get("style", "score") in ("score", "lambda", "loss class"):
        if settings.get("label") != "other" and settings.get("distance") != "kl both":
            register(f"pairs {base}, everything given", pairs, settings | GIVEN)
    if base in RECURRENT and base != "euclid function":
        register(f"pairs {base}, masked", pairs, settings | {"padding": "right"})
for base in ("euclid third input", "squared compute_loss", "manhattan, 0 is same"):
    for data, change in OTHER_DATA.items():
        settings = PAIRS[base] | {"options": GIVEN["options"]} | change
        register(f"pairs {base}, all but metrics given, {data}", pairs, settings)
for kind in ("lstm", "blstm", "gru", "conv", "attention"):
    for distance in ("kl", "kl both"):
        for style in ("lambda", "compute_loss"):
            settings = PAIRS["kl softmax"] | {"distance": distance, "kind": kind}
            register(
                f"pairs {distance} {kind} {style}", pairs, settings | {"style": style}
            )


# ------------------------------------------------------------------------------ changes


def change_pairs(code, name, change, to=None, but=(), allowed=""):
    """Make a change to programs with pairs."""
    for base in PAIRS if to is None else to:
        if base not in but:
            settings = PAIRS[base] | change
            register(f"pairs {base}: {name}", pairs, settings, code, allowed)


UNBOUNDED = [
    n
    for n, s in PAIRS.items()
    if s.get("distance", "euclid") in ("euclid", "squared", "manhattan")
    and s.get("head", "linear") in ("linear", "relu")
]
ONE_SCORE = [
    n
    for n, s in PAIRS.items()
    if s.get("style", "score") in ("score", "lambda", "loss class")
    and s.get("distance") != "kl both"
]
SOFTMAX = [n for n, s in PAIRS.items() if s.get("head") == "softmax"]
KL = ["kl softmax", "kl both softmax"]

change_pairs(
    "S1",
    "flat distances",
    {"loss": "flat distances", "ndim": 2},
    to=[
        "euclid lstm",
        "euclid conv, loss class",
        "manhattan, 0 is same",
        "cosine unit",
        "kl softmax",
        "squared compute_loss",
        "euclid third input",
        "euclid bool labels",
        "euclid one array",
        "euclid function",
    ],
    allowed="S2 S13 S12 S10 S14",
)
change_pairs(
    "S1",
    "flat labels",
    {"loss": "flat labels", "ndim": 2},
    to=[
        "euclid blstm",
        "euclid unit",
        "manhattan, int labels",
        "euclid 0 to 1",
    ],
    allowed="S2 S13 S12 S10 S14",
)
change_pairs(
    "S2",
    "mean in the hinge",
    {"loss": "mean in the hinge"},
    to=[n for n in UNBOUNDED + SOFTMAX if n != "kl both softmax"],
    allowed="S10 S14 S16",
)
change_pairs("S12", "label in the hinge", {"loss": "label in the hinge"}, to=ONE_SCORE)
change_pairs(
    "S12",
    "label times all",
    {"loss": "label times all"},
    to=[
        "euclid stacked",
        "euclid concatenated",
        "squared compute_loss",
        "euclid lstm",
        "euclid third input",
        "cosine unit",
    ],
    allowed="S13",
)
change_pairs(
    "S13",
    "predictions as weights",
    {"loss": "predictions as weights"},
    to=[
        "euclid lstm",
        "manhattan, int labels",
        "squared gru, hinge",
        "euclid stacked",
        "euclid wide",
    ],
    allowed="S10 S14",
)
change_pairs(
    "S13",
    "no hinge",
    {"loss": "no hinge"},
    to=["euclid lstm", "squared gru, hinge", "euclid stacked", "euclid third input"],
)
change_pairs(
    "S13",
    "exchanged labels",
    {"loss": "exchanged labels"},
    to=["euclid lstm", "manhattan, int labels", "cosine unit", "euclid concatenated"],
)
change_pairs("S16", "a sum", {"loss": "sum"}, to=UNBOUNDED)
change_pairs(
    "S16",
    "divided by 100",
    {"loss": "divided by 100"},
    to=[
        "cosine unit",
        "kl softmax",
        "jensen-shannon",
        "euclid unit",
        "euclid function",
    ],
)
change_pairs("S15", "no epsilon in the root", {"distance": "bare euclid"}, to=UNBOUNDED)
change_pairs(
    "S15",
    "a norm without epsilon",
    {"distance": "bare norm"},
    to=[
        "euclid lstm",
        "euclid unit",
        "euclid prelu",
        "euclid 0 to 1",
    ],
)
change_pairs(
    "S5",
    "no softmax",
    {"head": "linear", "distance": "clipped kl"},
    to=KL,
    allowed="S6 S8 S13 S10 S14 S2",
)
change_pairs(
    "S5",
    "a softplus",
    {"head": "softplus"},
    to=KL,
    allowed="S8 S13 S10 S14 S2",
)
change_pairs(
    "S5",
    "a PReLU",
    {"head": "prelu", "distance": "clipped kl"},
    to=KL,
    allowed="S6 S8 S13 S10 S14 S2",
)
change_pairs(
    "S6",
    "clipped outputs",
    {"distance": "clipped euclid"},
    to=[
        "euclid lstm",
        "euclid conv, loss class",
        "euclid prelu",
        "euclid -1 to 1",
        "euclid blstm",
        "euclid wide",
    ],
    allowed="S10 S14 S11",
)
for way in ("kl one way", "kl other way"):
    change_pairs(
        "S8",
        way,
        {"distance": way, "head": "softmax", "loss": "hinge", "margin": 1.0},
        to=["kl softmax", "jensen-shannon", "euclid lstm", "euclid stacked"],
    )
change_pairs(
    "S8",
    "asymmetric",
    {"distance": "asymmetric"},
    to=["euclid lstm", "euclid wide"],
    allowed="S6",
)
change_pairs(
    "S10",
    "margin too large",
    {"margin": "*9999"},
    to=UNBOUNDED,
    but=("euclid function",),
)
change_pairs(
    "S10",
    "margin too small",
    {"margin": "*0.0005"},
    to=[n for n in UNBOUNDED if PAIRS[n].get("distance", "euclid") != "euclid"]
    + ["kl softmax"],
)
change_pairs(
    "S14",
    "margin out of reach",
    {"margin": 4.5},
    to=[
        "cosine attention",
        "cosine unit",
        "euclid unit",
        "jensen-shannon",
    ],
    allowed="S10",
)
change_pairs(
    "S17",
    "two towers",
    {"towers": 2},
    but=("euclid function", "euclid one array"),
    allowed="S8 S10",
)
for head in ("zeros", "dead", "constant"):
    change_pairs(
        "S11",
        f"collapsed, {head}",
        {"head": head, "margin": 1.0},
        to=[
            "euclid lstm",
            "squared gru, hinge",
            "euclid stacked",
            "euclid third input",
            "euclid -1 to 1",
            "manhattan, 0 is same",
        ],
        allowed="S10 S6 S14 S15 S13 S12",
    )
for scale in ("decibels", "natural logarithms", "bytes", "power"):
    change_pairs(
        "S30",
        scale,
        {"scale": scale},
        to=[
            "euclid lstm",
            "squared gru, hinge",
            "euclid conv, loss class",
            "cosine attention",
            "euclid stacked",
            "euclid blstm",
            "euclid wide",
            "euclid third input",
        ],
        allowed="S11 S10",
    )
change_pairs(
    "S29",
    "bands as time",
    {"transpose": True},
    to=[
        "euclid lstm",
        "euclid blstm",
        "squared gru, hinge",
        "euclid stacked",
        "euclid third input",
        "euclid 0 to 1",
    ],
)
for reason, arguments in {
    "recurrent dropout": {"recurrent_dropout": 0.2},
    "relu": {"activation": "relu"},
    "no bias": {"use_bias": False},
}.items():
    change_pairs("S33", reason, arguments, to=RECURRENT[:9], but=("euclid function",))
change_pairs(
    "S34",
    "left padding",
    {"padding": "left"},
    to=[
        "euclid lstm",
        "squared gru, hinge",
        "euclid blstm",
    ],
)
change_pairs(
    "S3",
    "accuracy",
    {"metrics": ["accuracy"], "label": "same"},
    to=[
        "euclid lstm",
        "euclid blstm",
        "squared gru, hinge",
        "cosine unit",
        "kl softmax",
        "manhattan, int labels",
        "euclid wide",
    ],
)
change_pairs(
    "S3",
    "an error of distances",
    {"metrics": [equal_error_rate], "margin": 9.0},
    to=["euclid 0 to 1", "euclid prelu"],
    allowed="S10",
)
change_pairs(
    "S4",
    "monitors accuracy",
    {"metrics": ["accuracy"], "options": {"callbacks": stop("val_accuracy")}},
    to=["euclid lstm", "squared gru, hinge", "kl softmax"],
    allowed="S3",
)
change_pairs(
    "S4",
    "greatest error",
    {"options": {"callbacks": stop("val_eer", "max")}},
    to=["euclid lstm", "cosine unit"],
)
change_pairs(
    "S19",
    "fresh extractor",
    {"options": {"extractor": fresh}},
    to=["euclid lstm", "cosine attention", "euclid stacked", "euclid one array"],
)
for code, name in (
    ("S24", "one_recording"),
    ("S24", "one_session"),
    ("S25", "repeated"),
    ("S26", "opposite_sex"),
    ("S27", "at_start"),
):
    change_pairs(
        code,
        name.replace("_", " "),
        {"options": {"pairs": table(**{name: 1})}},
        to=["euclid lstm", "cosine unit", "euclid third input"],
        allowed="S25 S24",
    )

for base, settings in LEARNED.items():
    if "towers" not in settings:
        change = settings | {"towers": 2}
        register(f"learned {base}: two towers", learned, change, "S17")
for scale in ("decibels", "bytes"):
    for base in ("absolute", "cosine", "concatenated", "dot conv"):
        register(
            f"learned {base}: {scale}",
            learned,
            LEARNED[base] | {"scale": scale},
            "S30",
            "S11",
        )
for base in ("absolute", "cosine", "concatenated"):
    register(f"learned {base}: a sum", learned, LEARNED[base] | {"total": True}, "S16")

for base, settings in TRIPLETS.items():
    for code, name, change, allowed in (
        ("S2", "mean inside", {"loss": "mean inside"}, ""),
        ("S12", "no negative", {"loss": "no negative"}, "S13"),
        ("S16", "a sum", {"loss": "sum"}, ""),
        ("S15", "no epsilon in the root", {"loss": "bare root"}, ""),
        ("S17", "three towers", {"towers": 3}, ""),
        ("S11", "collapsed", {"head": "zeros"}, "S12 S13 S2 S15"),
        ("S30", "decibels", {"scale": "decibels"}, "S11"),
    ):
        register(f"triplets {base}: {name}", triplets, settings | change, code, allowed)
for base, margin in {"hinge": 6.0, "hinge stacked": 6.0, "hinge, relu": 2.5}.items():
    register(
        f"triplets {base}: margin out of reach",
        triplets,
        TRIPLETS[base] | {"margin": margin},
        "S14",
    )

for base, settings in BATCHES.items():
    for code, name, change, allowed in (
        ("S12", "no push", {"loss": "all pairs, no push"}, "S13 S16"),
        ("S15", "no epsilon in the root", {"loss": "bare root"}, ""),
        ("S11", "collapsed", {"head": "zeros"}, "S10 S15 S12"),
        ("S30", "natural logarithms", {"scale": "natural logarithms"}, "S11 S10"),
    ):
        if not (code == "S15" and settings.get("style") == "train_step"):
            register(
                f"batch {base}: {name}", batch_loss, settings | change, code, allowed
            )
register(
    "batch batch hard: labels in columns",
    batch_loss,
    {"loss": "batch hard, columns", "head": "unit", "ndim": 2},
    "S1",
    "S13 S12 S2",
)
register(
    "batch batch hard gru: labels in columns",
    batch_loss,
    {"loss": "batch hard, columns", "kind": "gru", "ndim": 2},
    "S1",
    "S13 S12 S2",
)
for loss, change, name, code in (
    ("all pairs", "far", "margin out of reach", "S14"),
    ("batch hard", "far", "margin out of reach", "S14"),
    ("batch hard", "sum", "a sum", "S16"),
    ("supervised contrastive", "sum", "a sum", "S16"),
):
    settings = {"loss": f"{loss}, {change}", "head": "unit"}
    register(f"batch {loss}: {name}", batch_loss, settings, code)
register(
    "batch all pairs: fresh extractor",
    batch_loss,
    {"options": {"extractor": fresh}},
    "S19",
)
for base, settings in CLASSES.items():
    for scale in ("decibels", "bytes", "natural logarithms"):
        register(
            f"classes {base}: {scale}",
            classes,
            settings | {"scale": scale},
            "S30",
            "S11",
        )
register("classes gru: recurrent dropout", classes, {"recurrent_dropout": 0.2}, "S33")
