"""Rules for CTC: a faulty program and its healthy twin, of many kinds."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from siamlab.doctor import examine

pytestmark = pytest.mark.slow

BANDS, CLASSES = 12, 9


# ---------------------------------------------------------------- programs


def sound(seed=0, utterances=5, frames=40, bands=BANDS, least=None):
    """Standardized spectrograms (utterances, frames, bands), and their lengths."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(utterances, frames, bands))
    lengths = rng.integers(least or frames, frames + 1, utterances)
    lengths[0] = frames
    if least:
        lengths[1] = least
    return x.astype("float32"), lengths


def padded(x, lengths, value):
    x = x.copy()
    for row, n in zip(x, lengths, strict=True):
        row[n:] = value
    return x


def said(seed=0, utterances=5, labels=6, low=1, high=CLASSES - 1, pad=0):
    """Labels in low..high - 1, padded behind their lengths."""
    rng = np.random.default_rng(seed + 100)
    counts = rng.integers(2, labels + 1, utterances)
    counts[0] = labels
    y = np.full((utterances, labels), pad)
    for row, n in zip(y, counts, strict=True):
        row[:n] = rng.integers(low, high, n)
    return y, counts


def network(bands=BANDS, activation=None, kind="conv", stride=1, mask=None):
    """The kinds differ in the frames that an output reads; LSTMs take longest."""
    inputs = keras.Input((None, bands))
    x = inputs if mask is None else layers.Masking(mask)(inputs)
    if stride > 1:
        x = layers.Conv1D(6, 3, strides=stride, padding="same")(x)
    if kind == "lstm":
        x = layers.Bidirectional(layers.LSTM(5, return_sequences=True))(x)
    elif kind == "gru":
        x = layers.GRU(6, return_sequences=True)(x)
    else:
        x = layers.Conv1D(6, 3, padding="causal", activation="relu")(x)
    return keras.Model(inputs, layers.Dense(CLASSES, activation=activation)(x))


def compiled(loss=None, **kwargs):
    net = network(**kwargs)
    net.compile("adam", loss=keras.losses.CTC() if loss is None else loss)
    return net


def batch_cost(y_true, y_pred, input_length, label_length, blank=-1):
    """The old function of Keras, on today's operations."""
    input_length = ops.squeeze(ops.cast(input_length, "int32"), -1)
    label_length = ops.squeeze(ops.cast(label_length, "int32"), -1)
    loss = ops.ctc_loss(
        ops.cast(y_true, "int32"),
        ops.log(y_pred + 1e-7),
        label_length,
        input_length,
        mask_index=blank % y_pred.shape[-1],
    )
    return ops.expand_dims(loss, 1)


class OwnLoss(keras.Model):
    """A subclass with lengths in its input; `how` makes its loss."""

    def __init__(self, net, how):
        super().__init__()
        self.net, self.how = net, how

    def call(self, x, training=None):
        return self.net(x["sound"], training=training)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        return ops.mean(self.how(y, y_pred, ops.cast(x["n"], "int32")))


def own(how, **kwargs):
    model = OwnLoss(network(**kwargs), how)
    model.compile("adam")
    return model


def true_lengths(stride=1):
    def loss(y, out, n):
        y = ops.cast(y, "int32")
        counts = ops.sum(ops.cast(y >= 0, "int32"), -1)
        return ops.ctc_loss(
            ops.where(y >= 0, y, 0), out, counts, -(-n // stride), mask_index=0
        )

    return loss


class LossLayer(layers.Layer):
    """Adds the loss, and passes the outputs on."""

    def call(self, y, out, n, m):
        self.add_loss(batch_cost(y, out, n, m))
        return out


def four_inputs(
    x,
    y,
    lengths,
    counts,
    function=batch_cost,
    stride=1,
    order=(0, 1, 2, 3),
    endpoint=False,
    activation="softmax",
    kind="conv",
):
    """The Keras 2 way: labels and lengths are inputs, and the loss is the output."""
    base = network(activation=activation, stride=stride, kind=kind)
    inputs = [
        keras.Input((None, x.shape[2])),
        keras.Input((y.shape[1],)),
        keras.Input((1,)),
        keras.Input((1,)),
    ]
    out = base(inputs[0])
    if endpoint:
        loss = LossLayer()(inputs[1], out, inputs[2], inputs[3])
    else:
        loss = layers.Lambda(
            lambda a: function(a[1], a[0], a[2], a[3]), output_shape=(1,)
        )([out, *inputs[1:]])
    arrays = [x, np.maximum(y, 0).astype("float32"), lengths[:, None], counts[:, None]]
    model = keras.Model([inputs[i] for i in order], loss)
    model.compile("adam", **({} if endpoint else {"loss": lambda _, out: out}))
    return model, ([arrays[i] for i in order], np.zeros(len(x)))


def look(model, batch=None, **facts):
    report = examine(model, batch, kind="ctc", **facts)
    broken = [r for r in report.skipped.values() if r.startswith("the rule met")]
    assert not broken, broken
    return report


# ---------------------------------------------------------------- healthy programs


def healthy_keras_loss():
    return compiled(kind="lstm"), (sound()[0], said()[0])


def healthy_conv():
    return compiled(kind="conv"), (sound(1)[0], said(1)[0])


def healthy_own():
    x, n = sound(2, least=24)
    model = own(true_lengths(2), stride=2, kind="lstm")
    return model, ({"sound": padded(x, n, x.min()), "n": n}, said(2, pad=-1)[0])


def healthy_four(order=(0, 1, 2, 3), kind="lstm", **kwargs):
    x, n = sound(3, least=22)
    y, m = said(3, low=0)
    return four_inputs(padded(x, n, -5.0), y, n, m, order=order, kind=kind, **kwargs)


def healthy_endpoint():
    return healthy_four(endpoint=True, kind="gru")


def healthy_framewise():
    x, _ = sound(4)
    y = np.random.default_rng(4).integers(0, CLASSES, x.shape[:2])
    model = compiled("sparse_categorical_crossentropy", activation="softmax")
    return model, (x, y)


def healthy_log_softmax():
    def loss(y, out):
        return keras.losses.ctc(y, out)

    model = compiled(loss, activation="log_softmax", kind="gru")
    return model, (sound(5)[0], said(5)[0])


HEALTHY = [
    healthy_keras_loss,
    healthy_conv,
    healthy_own,
    healthy_four,
    healthy_endpoint,
    healthy_framewise,
    healthy_log_softmax,
    lambda: healthy_four(order=(2, 1, 3, 0), kind="gru"),
    lambda: healthy_four(order=(3, 0, 2, 1), kind="conv"),
]


@pytest.mark.parametrize("program", HEALTHY)
def test_a_healthy_program_is_not_accused(program):
    report = look(*program())
    assert not [c for c in report.codes if c[0] == "C"], report


def test_most_rules_are_applied_to_a_program_with_a_model_alone():
    report = look(*healthy_four())
    for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19):
        assert f"C{n}" in report.passed, (n, report)


def test_nothing_of_the_model_is_changed():
    model, batch = healthy_own()
    model(batch[0])
    before = [w.copy() for w in model.get_weights()]
    look(model, batch)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


# ---------------------------------------------------------------- C1 to C7


SCALES = {
    "decibels": lambda x: x * 12 - 40,
    "logarithms": lambda x: x * 2.5 - 9,
    "shifted": lambda x: x * 2.5 + 11,
    "samples": lambda x: x * 3000,
    "bytes": lambda x: np.clip(x * 40 + 128, 0, 255),
    "power": lambda x: np.exp(x - 14),
}


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("kind", ["lstm", "conv"])
def test_unscaled_input_is_found(name, kind):
    x = SCALES[name](sound(6)[0]).astype("float32")
    assert "C1" in look(compiled(kind=kind), (x, said()[0]))


@pytest.mark.parametrize(
    "scale",
    [
        lambda x: (x - x.min()) / np.ptp(x),
        lambda x: 2 * (x - x.min()) / np.ptp(x) - 1,
        lambda x: 3 * x,
        lambda x: np.clip(x / 4, -1, 1),
    ],
)
def test_any_convention_of_scaling_is_fine(scale):
    x = scale(sound(7)[0]).astype("float32")
    assert "C1" in look(compiled(kind="gru"), (x, said()[0])).passed


def test_scaling_within_the_model_counts():
    net = network()
    inputs = keras.Input((None, BANDS))
    model = keras.Model(inputs, net(layers.BatchNormalization()(inputs)))
    model.compile("adam", loss=keras.losses.CTC())
    x = SCALES["decibels"](sound(8)[0])
    assert "C1" not in look(model, (x, said()[0]))


def test_zeros_behind_negative_logarithms_are_found():
    x, n = sound(9, least=20)
    x = padded(-np.abs(x) - 0.2, n, 0.0)
    model = own(true_lengths(), kind="lstm")
    batch = ({"sound": x, "n": n}, said(pad=-1)[0])
    report = look(model, batch)
    assert "C2" in report
    assert "C3" not in report


def test_zeros_behind_standardized_sound_are_found():
    x, n = sound(10, least=20)
    batch = ({"sound": padded(x, n, 0.0), "n": n}, said(pad=-1)[0])
    report = look(own(true_lengths(), kind="lstm"), batch)
    assert "C3" in report
    assert "C2" not in report


@pytest.mark.parametrize(
    "kwargs", [{"kind": "conv"}, {"kind": "lstm", "mask": 0.0}, {"kind": "gru"}]
)
def test_padding_that_is_not_read_is_fine(kwargs):
    x, n = sound(11, least=20)
    batch = ({"sound": padded(x, n, 0.0), "n": n}, said(pad=-1)[0])
    report = look(own(true_lengths(), **kwargs), batch)
    assert {"C2", "C3", "C14"} <= set(report.passed), report


def test_zeros_are_the_floor_after_min_max():
    x, n = sound(12, least=20)
    x = padded((x - x.min()) / np.ptp(x), n, 0.0)
    model = own(true_lengths(), kind="lstm")
    report = look(model, ({"sound": x, "n": n}, said(pad=-1)[0]))
    assert {"C2", "C3"} <= set(report.passed)


def floored(floor):
    """Logarithms of power, some frames of them digital silence; min-max by file."""
    x = np.clip(2 * sound(13, frames=60)[0] - 7, -12, 0)
    x[:, 20:30] = floor
    low = x.min(axis=(1, 2), keepdims=True)
    return (x - low) / (x.max(axis=(1, 2), keepdims=True) - low)


@pytest.mark.parametrize("floor", [np.log(1e-14), np.log(1e-30)])
def test_a_floor_that_rules_the_scale_is_found(floor):
    y = said()[0]
    assert "C4" in look(compiled(), (floored(floor).astype("float32"), y))
    assert "C4" in look(None, None, scaled=list(floored(floor)))


def test_a_floor_at_80_decibels_is_fine():
    y = said()[0]
    assert "C4" in look(compiled(), (floored(-13.0).astype("float32"), y)).passed


def power(samples, size=128):
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    return np.abs(np.fft.rfft(frames)) ** 2


def by_file(samples):
    x = np.log(power(samples) + 1e-6)
    return (x - x.min()) / (x.max() - x.min())


def with_floor(samples):
    return (np.log(power(samples) + 1e-6) + 5) / 4


def test_a_silent_file_that_is_divided_by_its_range_is_found():
    report = look(None, None, features=by_file)
    assert "C5" in report
    assert "C6" not in report
    assert {"C5", "C6"} <= set(look(None, None, features=with_floor).passed)


def test_a_model_that_divides_by_the_range_of_a_file_is_found():
    net, inputs = network(kind="gru"), keras.Input((None, BANDS))

    def scale(x, eps):
        low = ops.min(x, axis=(1, 2), keepdims=True)
        high = ops.max(x, axis=(1, 2), keepdims=True)
        return (x - low) / (high - low + eps)

    for eps, wanted in ((0.0, True), (1e-3, False)):
        out = net(layers.Lambda(lambda x, eps=eps: scale(x, eps))(inputs))
        model = keras.Model(inputs, out)
        model.compile("adam", loss=keras.losses.CTC())
        assert ("C5" in look(model, (sound()[0], said()[0]))) == wanted


def test_levels_that_scaling_erased_are_found():
    rng = np.random.default_rng(1)
    raw = [rng.normal(level, 2, (30, 8)) for level in (-12, -9, -4, -2, 0)]
    own_ = [(u - u.mean()) / u.std() for u in raw]
    shared = [(u + 6) / 5 for u in raw]
    assert "C5" in look(None, None, raw=raw, scaled=own_)
    assert "C5" not in look(None, None, raw=raw, scaled=shared)


def test_a_batch_with_infinite_values_is_found():
    x = sound()[0].copy()
    x[1, 3] = -np.inf
    assert "C6" in look(compiled(), (x, said()[0]))
    x[1] = np.nan
    report = look(compiled(), (x, said()[0]))
    assert "C5" in report
    assert "C6" not in report


def test_a_logarithm_of_zero_is_found():
    assert "C6" in look(None, None, features=lambda s: np.log10(power(s)))
    net, inputs = network(), keras.Input((None, BANDS))
    x = np.exp(sound()[0])
    for eps, wanted in ((0.0, True), (1e-6, False)):
        out = net(layers.Lambda(lambda x, eps=eps: ops.log(x + eps))(inputs))
        model = keras.Model(inputs, out)
        model.compile("adam", loss=keras.losses.CTC())
        assert ("C6" in look(model, (x, said()[0]))) == wanted


def test_far_more_bins_than_information_are_found():
    rng = np.random.default_rng(2)
    few = rng.normal(size=(4, 40, 40))
    at = np.linspace(0, 39, 401)
    many = np.stack(
        [[np.interp(at, np.arange(40), frame) for frame in u] for u in few]
    ).astype("float32")
    y = said(utterances=4)[0]
    assert "C7" in look(compiled(bands=401, kind="gru"), (many, y))
    noisy = rng.normal(size=(4, 40, 257)).astype("float32")
    assert "C7" in look(compiled(bands=257, kind="gru"), (noisy, y)).passed


# ---------------------------------------------------------------- C8 to C14


def test_utterances_without_a_path_are_found():
    y = np.tile([1, 1, 2, 2, 3, 3], (5, 1))
    assert "C8" in look(compiled(), (sound(frames=8)[0], y))
    assert "C8" in look(compiled(), (sound(frames=9)[0], y)).passed
    assert "C8" in look(compiled(stride=3), (sound(frames=24)[0], y))


@pytest.mark.parametrize("divided", [False, True])
def test_lengths_that_know_no_stride_are_found(divided):
    x, n = sound(14, least=24)
    y, m = said(14, low=0)
    told = -(-n // 2) if divided else n
    report = look(*four_inputs(padded(x, n, x.min()), y, told, m, stride=2))
    assert ("C9" in report) != divided


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_a_loss_of_ones_own_that_divides_wrongly_is_found(stride):
    x, n = sound(14, least=24)
    batch = ({"sound": padded(x, n, x.min()), "n": n}, said(14, pad=-1)[0])
    report = look(own(true_lengths(stride), stride=2), batch)
    assert ("C9" in report) == (stride != 2)
    assert "C14" not in report


def test_lengths_in_a_closure_are_seen():
    _, counts = said()

    def loss(n):
        return lambda y, out: ops.ctc_loss(y, out, counts, np.full(5, n), mask_index=0)

    batch = sound()[0], said()[0]
    assert "C9" in look(compiled(loss(40), stride=2, kind="lstm"), batch)
    assert look(compiled(loss(20), stride=2, kind="lstm"), batch).healthy


def test_lengths_of_the_wrong_shape_are_found():
    _, counts = said()
    n = np.full((5, 1), 40)

    def columns(y, out):
        return ops.ctc_loss(y, out, counts[:, None], n, mask_index=0)

    def rows(y, out):
        return batch_cost(y, out, n[:, 0], counts)

    def right(y, out):
        return batch_cost(y, out, n, counts[:, None], blank=0)

    batch = sound()[0], said()[0]
    assert "C10" in look(compiled(columns), batch)
    assert "C10" in look(compiled(rows, activation="softmax"), batch)
    assert look(compiled(right, activation="softmax"), batch).healthy


def test_losses_that_mix_utterances_are_found():
    def mixed(y, out):
        each = keras.losses.ctc(y, out)
        return each / ops.cast(ops.sum(y > 0, axis=-1, keepdims=True), "float32")

    assert "C10" in look(compiled(mixed), (sound()[0], said()[0]))


def test_exchanged_lengths_are_found():
    x, n = sound(15, frames=50, least=40)
    y, m = said(15, low=0)

    def lengths(labels, out, a, b):
        return batch_cost(labels, out, b, a)

    assert "C11" in look(*four_inputs(padded(x, n, -5), y, n, m, lengths))


def test_exchanged_targets_and_outputs_are_found():
    def targets(y, out):
        return keras.losses.ctc(out, y)

    assert "C11" in look(compiled(targets), (sound()[0], said()[0]))


def test_labels_of_another_utterance_are_found():
    def turned(y, out):
        return keras.losses.ctc(ops.roll(y, 1, axis=0), out)

    assert "C11" in look(compiled(turned), (sound()[0], said()[0]))


def within(y, out):
    return keras.losses.ctc(y, ops.softmax(out))


def logarithm(y, out):
    return keras.losses.ctc(y, ops.log(ops.softmax(out) + 1e-8))


@pytest.mark.parametrize(
    ("loss", "activation", "wanted"),
    [(None, "softmax", True), (within, None, True), (logarithm, None, False)],
)
def test_two_softmaxes_are_found(loss, activation, wanted):
    model = compiled(loss, activation=activation)
    assert ("C12" in look(model, (sound()[0], said()[0]))) == wanted


def test_logits_where_probabilities_are_asked_are_found():
    x, n = sound(16, least=24)
    y, m = said(16, low=0)
    assert "C12" in look(*four_inputs(padded(x, n, -5), y, n, m, activation=None))


def test_logits_of_frames_where_probabilities_are_asked_are_found():
    x = sound(16)[0]
    frames = np.random.default_rng(0).integers(0, CLASSES, x.shape[:2])
    assert "C12" in look(compiled("sparse_categorical_crossentropy"), (x, frames))


def test_lengths_that_are_packed_with_the_labels_are_read():
    x, n = sound(16, least=24)
    y, m = said(16, low=0)

    def loss(packed, out):
        y = ops.cast(packed, "int32")
        return ops.ctc_loss(y[:, :-2], out, y[:, -1], y[:, -2], mask_index=CLASSES - 1)

    packed = np.concatenate([y, n[:, None], m[:, None]], axis=1)
    assert look(compiled(loss), (padded(x, n, x.min()), packed)).healthy


@pytest.mark.parametrize("endpoint", [False, True])
def test_labels_that_are_the_blank_are_found(endpoint):
    x, n = sound(17)
    y, m = said(17, low=1)
    y[0, 2] = CLASSES - 1
    assert "C13" in look(*four_inputs(x, y, n, m, endpoint=endpoint))


def test_zeros_within_labels_are_found_and_behind_them_not():
    y, _ = said(18)
    y[0] = [3, 0, 2, 1, 4, 5]
    assert "C13" in look(compiled(), (sound()[0], y))
    y[0] = [3, 2, 1, 4, 0, 0]
    assert "C13" in look(compiled(), (sound()[0], y)).passed


def test_labels_without_a_class_and_padding_as_labels_are_found():
    y, _ = said(19)
    y[0, 0] = CLASSES
    assert "C13" in look(compiled(), (sound()[0], y))
    assert "C13" in look(compiled(), (sound()[0], said(pad=-1)[0]))


@pytest.mark.parametrize("kind", ["lstm", "conv"])
def test_a_loss_without_lengths_reads_the_padding(kind):
    x, n = sound(20, least=20)
    report = look(compiled(kind=kind), (padded(x, n, x.min()), said()[0]))
    assert "C14" in report


@pytest.mark.parametrize("true", [False, True])
def test_a_loss_that_is_told_wrong_lengths_reads_the_padding(true):
    x, n = sound(20, least=20)
    y, m = said(20, low=0)
    told = n if true else np.full_like(n, x.shape[1])
    report = look(*four_inputs(padded(x, n, x.min()), y, told, m, kind="gru"))
    assert ("C14" in report) != true


# ---------------------------------------------------------------- C15 to C22


def with_bias(model, blank, bias, weight=1.0):
    dense = [lay for lay in model._flatten_layers() if isinstance(lay, layers.Dense)][
        -1
    ]
    kernel, old = dense.get_weights()
    old[blank] = bias
    dense.set_weights([kernel * weight, old])
    return model


def test_a_starved_blank_is_found():
    batch = sound()[0], said()[0]
    assert "C15" in look(with_bias(compiled(), 0, -7.0), batch)
    assert "C15" not in look(with_bias(compiled(), 3, -7.0), batch)
    p = np.full((50, 10), 0.1)
    p[:, 9] = 1e-5
    p /= p.sum(1, keepdims=True)
    assert "C15" in look(None, None, posteriors=p, blank=9)
    assert "C15" not in look(None, None, posteriors=p, blank=0)


def test_only_blanks_are_found():
    batch = sound()[0], said()[0]
    assert "C16" in look(with_bias(compiled(), 0, 9.0), batch)
    assert "C16" in look(compiled(), batch).passed
    assert "C16" in look(None, None, blank_rate=[0.4, 0.99, 1.0, 1.0])
    assert "C16" not in look(None, None, blank_rate=[0.4, 1.0, 0.9, 0.7])


def test_long_utterances_that_rule_are_found():
    x, _ = sound(21, utterances=8, frames=120)
    n = np.array([8, 9, 10, 12, 20, 60, 110, 120])
    x = padded(x, n, x.min())
    y = np.tile([1, 2, 0, 0], (8, 1)) - (np.arange(4) > 1)
    assert "C17" in look(own(true_lengths(), kind="conv"), ({"sound": x, "n": n}, y))

    def normalized(y, out, n):
        return true_lengths()(y, out, n) / ops.cast(n, "float32")

    batch = ({"sound": x, "n": n}, y)
    assert "C17" not in look(own(normalized, kind="conv"), batch)
    loss = 2.0 * n
    assert "C17" in look(None, None, loss_by_utterance=loss, lengths=n)
    assert "C17" not in look(None, None, loss_by_utterance=loss / n, lengths=n)


@pytest.mark.parametrize(("metric", "wanted"), [(["accuracy"], True), ([], False)])
def test_rows_of_zeros_are_a_fault_where_they_are_counted(metric, wanted):
    x, _ = sound(22)
    y = np.eye(CLASSES)[np.random.default_rng(0).integers(0, CLASSES, x.shape[:2])]
    y[:, 30:] = 0
    model = network(activation="softmax")
    model.compile("adam", loss="categorical_crossentropy", metrics=metric)
    assert ("C22" in look(model, (x, y))) == wanted
