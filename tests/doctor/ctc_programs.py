"""Programs that transcribe sentences with CTC, in every usual style."""

import functools

import keras
import numpy as np
import tensorflow as tf
from corpus import N_PHONES, pad, register, sentences
from keras import layers, ops


def network(
    kind="gru", n_bands=16, n_classes=N_PHONES + 1, stride=1, head=None, bias=None
):
    """Build a network: spectrogram -> outputs for each frame."""
    inputs = keras.Input((None, n_bands))
    x = inputs
    if stride > 1:
        x = layers.Conv1D(12, 3, strides=stride, padding="same", activation="relu")(x)
    if kind == "blstm":
        x = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(x)
    elif kind == "conv":
        x = layers.Conv1D(12, 5, padding="same", activation="relu")(x)
    else:
        x = layers.GRU(12, return_sequences=True)(x)
    initial = None
    if bias is not None:  # (class, value)
        values = np.zeros(n_classes, "float32")
        values[bias[0]] = bias[1]
        initial = lambda shape, dtype=None: ops.convert_to_tensor(values)  # noqa: E731
    dense = layers.Dense(
        n_classes, activation=head, bias_initializer=initial or "zeros"
    )
    return keras.Model(inputs, dense(x))


def batch_of(scale, padding, shortest, labels, first, stride=1):
    """Return the arrays of a batch: spectrograms, labels and their lengths."""
    spoken, phones = sentences(scale=scale, shortest=shortest)
    if labels == "too many":
        phones = [np.tile(each, 9) for each in phones]
    if labels == "repeats":
        phones = [np.repeat(each, 1 + 8 // max(stride, 1)) for each in phones]
    floor = min(float(each.min()) for each in spoken)
    x, n_frames = pad(spoken, floor if padding == "floor" else padding)
    y, n_labels = pad([each + first for each in phones], 0)
    return x, y, n_frames, n_labels


def program(
    style="keras",
    kind="gru",
    scale="standardized",
    padding="floor",
    shortest=60,
    stride=1,
    labels="true",
    first=None,
    lengths="true",
    ndim=None,
    order="right",
    head=None,
    bias=None,
    poison=None,
    decode=None,
):
    """Build a program; each argument can be a fault."""
    takes_probabilities = style in ("lambda", "batch cost", "layer")
    blank_last = takes_probabilities or style == "tensorflow"
    head = head or ("softmax" if takes_probabilities else None)
    head = None if head == "logits" else head
    first = first if first is not None else (0 if blank_last else 1)
    if bias == "blank":
        bias = (-1 if blank_last else 0, 12.0)
    x, y, n_frames, n_labels = batch_of(scale, padding, shortest, labels, first, stride)
    if poison is not None:
        x[2, 5, 3] = poison
    net = network(kind, stride=stride, head=head, bias=bias)
    counted = -(-n_frames // stride)
    if lengths == "all":
        counted = np.full_like(counted, -(-x.shape[1] // stride))
    if lengths == "two more":
        counted = counted + 2
    if lengths == "frames":
        counted = n_frames
    if lengths == "a third":
        counted = counted // 3
    counts = np.full_like(n_labels, y.shape[1]) if lengths == "all labels" else n_labels
    if lengths == "exchanged":
        counted, counts = counts, counted
    options = {}
    if decode:
        blank = net.output_shape[-1] - 1 if blank_last else 0
        options = {"decode": functools.partial(decode, blank=blank)}
    return *STYLES[style](net, x, y, counted, counts, order, ndim), options


def _targets(y, counted, counts):
    """Pack labels and lengths into one array, as losses of (y_true, y_pred) need it."""
    return np.concatenate([y, counted[:, None], counts[:, None]], axis=1)


def _unpack(packed, ndim):
    packed = ops.cast(packed, "int32")
    lengths = packed[:, -2], packed[:, -1]
    if ndim == 2:
        lengths = [each[:, None] for each in lengths]
    return packed[:, :-2], *lengths


def _keras(net, x, y, counted, counts, order, ndim):
    net.compile("adam", keras.losses.CTC())
    return net, (x, y)


def _ops(net, x, y, counted, counts, order, ndim):
    def loss(packed, y_pred):
        labels, n_frames, n_labels = _unpack(packed, ndim)
        if order == "shifted":
            labels = labels + 1
        if order == "exchanged":
            return ops.ctc_loss(y_pred, labels, n_labels, n_frames)
        if order == "lengths":
            return ops.ctc_loss(labels, y_pred, n_frames, n_labels)
        return ops.ctc_loss(labels, y_pred, n_labels, n_frames)

    net.compile("adam", loss)
    return net, (x, _targets(y, counted, counts))


def _tensorflow(net, x, y, counted, counts, order, ndim):
    def loss(packed, y_pred):
        labels, n_frames, n_labels = _unpack(packed, ndim)
        if order == "lengths":
            n_frames, n_labels = n_labels, n_frames
        return tf.nn.ctc_loss(
            labels, y_pred, n_labels, n_frames, logits_time_major=False, blank_index=-1
        )

    net.compile("adam", loss)
    return net, (x, _targets(y, counted, counts))


def _cost(labels, y_pred, n_frames, n_labels, order):
    cost = tf.keras.backend.ctc_batch_cost
    if order == "exchanged":
        return cost(y_pred, labels, n_frames, n_labels)
    if order == "lengths":
        return cost(labels, y_pred, n_labels, n_frames)
    return cost(labels, y_pred, n_frames, n_labels)


def _lambda(net, x, y, counted, counts, order, ndim):
    """Labels and lengths are inputs, and the loss is the output, as in Keras 2."""
    shape = () if ndim == 1 else (1,)
    inputs = [net.input, keras.Input((None,)), keras.Input(shape), keras.Input(shape)]
    cost = layers.Lambda(
        lambda t: _cost(t[1], t[0], t[2], t[3], order), output_shape=(1,)
    )([net.output, *inputs[1:]])
    model = keras.Model(inputs, cost)
    model.compile("adam", lambda _, cost: cost)
    arrays = [counted, counts] if ndim == 1 else [counted[:, None], counts[:, None]]
    return model, ([x, y.astype("float32"), *arrays], np.zeros(len(x)))


def _batch_cost(net, x, y, counted, counts, order, ndim):
    def loss(packed, y_pred):
        labels, n_frames, n_labels = _unpack(packed, 2 if ndim is None else ndim)
        return _cost(labels, y_pred, n_frames, n_labels, order)

    net.compile("adam", loss)
    return net, (x, _targets(y, counted, counts))


class _CTCLayer(layers.Layer):
    def __init__(self, order):
        super().__init__()
        self.order = order

    def call(self, labels, y_pred, n_frames, n_labels):
        cost = _cost(labels, y_pred, n_frames, n_labels, self.order)
        self.add_loss(ops.mean(cost))
        return y_pred


def _layer(net, x, y, counted, counts, order, ndim):
    shape = () if ndim == 1 else (1,)
    inputs = [net.input, keras.Input((None,)), keras.Input(shape), keras.Input(shape)]
    model = keras.Model(
        inputs, _CTCLayer(order)(inputs[1], net.output, inputs[2], inputs[3])
    )
    model.compile("adam")
    arrays = [counted, counts] if ndim == 1 else [counted[:, None], counts[:, None]]
    return model, ([x, y.astype("float32"), *arrays], None)


class _ComputeLoss(keras.Model):
    def __init__(self, net, order, ndim):
        super().__init__()
        self.net, self.order, self.ndim = net, order, ndim

    def call(self, x, training=None):
        return self.net(x["sound"], training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
        lengths = [ops.cast(x[name], "int32") for name in ("frames", "labels")]
        if self.ndim == 2:
            lengths = [each[:, None] for each in lengths]
        if self.order == "lengths":
            lengths = lengths[::-1]
        cost = ops.ctc_loss(ops.cast(y, "int32"), y_pred, lengths[1], lengths[0])
        return ops.mean(cost)


def _compute_loss(net, x, y, counted, counts, order, ndim):
    model = _ComputeLoss(net, order, ndim)
    model.compile("adam")
    return model, ({"sound": x, "frames": counted, "labels": counts}, y)


class _TrainStep(_ComputeLoss):
    @tf.function
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        slopes = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(slopes, self.trainable_variables)
        return {"loss": loss}


def _train_step(net, x, y, counted, counts, order, ndim):
    model = _TrainStep(net, order, ndim)
    model.compile("adam")
    return model, ({"sound": x, "frames": counted, "labels": counts}, y)


STYLES = {
    "keras": _keras,
    "ops": _ops,
    "tensorflow": _tensorflow,
    "lambda": _lambda,
    "batch cost": _batch_cost,
    "layer": _layer,
    "compute_loss": _compute_loss,
    "train_step": _train_step,
}
KINDS = ("gru", "blstm", "conv")
WITH_LENGTHS = [style for style in STYLES if style != "keras"]
CHOSEN_ORDER = [style for style in WITH_LENGTHS if style not in ("train_step",)]


def greedy(y_pred, blank):
    """Merge repeats, then remove blanks."""
    decoded = []
    for best in y_pred.argmax(axis=-1):
        merged = best[np.r_[True, best[1:] != best[:-1]]]
        decoded.append([int(k) for k in merged if k != blank])
    return decoded


def blanks_first(y_pred, blank):
    """Decode in the wrong order."""
    decoded = []
    for best in y_pred.argmax(axis=-1):
        spoken = best[best != blank]
        decoded.append([int(k) for k in spoken[np.r_[True, spoken[1:] != spoken[:-1]]]])
    return decoded


# --------------------------------------------------------------------- healthy programs


def kind_of(style):
    return KINDS[list(STYLES).index(style) % 3]


for style in STYLES:
    register(f"ctc {style}", program, {"style": style, "kind": kind_of(style)})
    register(
        f"ctc {style}, other network",
        program,
        {
            "style": style,
            "kind": KINDS[(KINDS.index(kind_of(style)) + 1) % 3],
            "scale": "0 to 1",
        },
    )
for style in WITH_LENGTHS:
    register(f"ctc {style}, padded", program, {"style": style, "shortest": 36})
    register(
        f"ctc {style}, stride",
        program,
        {"style": style, "stride": 2, "shortest": 40, "kind": "conv"},
    )
register(
    "ctc ops, labels shifted in the loss",
    program,
    {"style": "ops", "order": "shifted", "first": 0, "shortest": 36},
)
for style in STYLES:
    for scale in ("standardized", "-1 to 1"):
        settings = {"style": style, "scale": scale, "decode": greedy}
        register(f"ctc {style}, decoder, {scale}", program, settings)


# ------------------------------------------------------------------------------ changes


def change(code, name, settings, to=WITH_LENGTHS, allowed=""):
    """Make a change to programs of some styles."""
    for style in to:
        settings = {"kind": kind_of(style)} | settings
        register(
            f"ctc {style}: {name}", program, {"style": style} | settings, code, allowed
        )


for scale in ("decibels", "natural logarithms", "bytes", "power"):
    change("C1", scale, {"scale": scale}, to=list(STYLES)[:6], allowed="C2 C16")
change(
    "C2",
    "zeros behind logarithms",
    {"scale": "natural logarithms", "padding": 0.0, "shortest": 36, "kind": "conv"},
    allowed="C1",
)
change(
    "C3", "zeros behind standardized", {"padding": 0.0, "shortest": 36, "kind": "blstm"}
)
change(
    "C6",
    "an infinite value",
    {"poison": -np.inf},
    to=list(STYLES),
    allowed="C12 C1 C2 C3",
)
change(
    "C6",
    "not a number",
    {"poison": np.nan},
    to=["keras", "ops", "lambda"],
    allowed="C12 C1 C2 C3",
)
change("C8", "too many labels", {"labels": "too many"}, to=list(STYLES), allowed="C11")
change(
    "C8", "repeats", {"labels": "repeats", "stride": 2}, to=["ops", "lambda", "layer"]
)
change("C9", "frames of the input", {"lengths": "frames", "stride": 2}, allowed="C14")
change("C9", "two more", {"lengths": "two more"}, to=["lambda", "batch cost", "layer"])
change("C9", "a third", {"lengths": "a third"}, allowed="C8")
change(
    "C10",
    "lengths in columns",
    {"ndim": 2},
    to=["ops", "tensorflow", "compute_loss", "train_step"],
)
change("C10", "flat lengths", {"ndim": 1}, to=["lambda", "batch cost"])
change(
    "C11",
    "outputs as labels",
    {"order": "exchanged"},
    to=["ops", "lambda", "batch cost"],
    allowed="C10",
)
change(
    "C11",
    "lengths exchanged",
    {"order": "lengths"},
    to=CHOSEN_ORDER,
    allowed="C9 C8 C10",
)
change(
    "C11",
    "lengths exchanged in the data",
    {"lengths": "exchanged"},
    to=[
        "lambda",
        "layer",
        "compute_loss",
    ],
    allowed="C9 C8 C10 C13",
)
change(
    "C12",
    "two softmaxes",
    {"head": "softmax"},
    to=["keras", "ops", "tensorflow", "compute_loss", "train_step"],
)
change("C12", "logits", {"head": "logits"}, to=["lambda", "batch cost", "layer"])
change(
    "C13",
    "a label is the blank",
    {"first": 0},
    to=["keras", "ops", "compute_loss", "train_step"],
    allowed="C8",
)
change(
    "C13",
    "a label is the blank",
    {"first": 1},
    to=["tensorflow", "lambda", "batch cost", "layer"],
    allowed="C8",
)
change("C14", "all frames", {"lengths": "all", "shortest": 36})
change(
    "C14",
    "all labels",
    {"lengths": "all labels", "shortest": 30},
    to=["tensorflow", "lambda", "batch cost", "layer"],
)
change("C16", "only blanks", {"bias": "blank"}, to=list(STYLES))
change(
    "C21",
    "blanks are removed first",
    {"decode": blanks_first},
    to=["lambda", "batch cost", "layer"],
)
