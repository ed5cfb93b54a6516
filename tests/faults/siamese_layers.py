"""Layers that do little, or cannot be fast: S31, S33, S34."""

import keras
import numpy as np
from keras import layers, ops
from parts import hinge
from program import pair_data, siamese, twins


def distance_model(base, shape, margin=2.0):
    """Two inputs, one base network, a Euclidean distance; compiled."""
    a, b = keras.Input(shape), keras.Input(shape)
    difference = base(a) - base(b)
    d = ops.sqrt(ops.sum(difference**2, axis=-1, keepdims=True) + 1e-8)
    model = keras.Model([a, b], d)
    model.compile("adam", hinge(margin))
    return model


@twins("two_linear_dense_layers", "S31")
def two_linear_dense_layers(fault):
    x, y, table = pair_data(32, frames=40, bands=40, seed=101)
    base = keras.Sequential(
        [
            layers.Bidirectional(layers.GRU(16)),
            layers.Dense(64, activation=None if fault else "relu"),
            layers.Dense(32),
        ]
    )
    return siamese(
        distance_model(base, (40, 40), 3.0),
        x,
        y,
        pairs=table,
        extractor=base,
        note="two Dense layers with nothing between them are one",
    )


@twins("three_linear_dense_layers", "S31")
def three_linear_dense_layers(fault):
    x, y, table = pair_data(32, frames=20, bands=80, seed=102)
    between = "linear" if fault else "elu"
    inputs = keras.Input((20, 80))
    h = layers.Flatten()(inputs)
    h = layers.Dense(64, activation=between, name="hidden_relu")(h)
    h = layers.Dropout(0.2)(h)
    h = layers.Dense(48, activation=between, name="nonlinear")(h)
    h = layers.Dense(16, name="embedding")(h)
    base = keras.Model(inputs, h)
    return siamese(
        distance_model(base, (20, 80), 6.0),
        x,
        y,
        pairs=table,
        extractor=base,
        note="three linear layers, one of them called relu, with dropout between",
    )


@twins("linear_layers_for_each_frame", "S31")
def linear_layers_for_each_frame(fault):
    x, y, table = pair_data(32, frames=60, bands=26, seed=103)
    base = keras.Sequential()
    base.add(layers.TimeDistributed(layers.Dense(40)))
    if not fault:
        base.add(layers.PReLU(shared_axes=[1]))
    base.add(layers.TimeDistributed(layers.Dense(24)))
    base.add(layers.LSTM(16))
    return siamese(
        distance_model(base, (60, 26), 1.0),
        x,
        y,
        pairs=table,
        note="TimeDistributed(Dense) after TimeDistributed(Dense): still one layer",
    )


@twins("linear_convolutions", "S31")
def linear_convolutions(fault):
    x, y, table = pair_data(32, frames=50, bands=40, seed=104)
    act = None if fault else "relu"
    base = keras.Sequential(
        [
            layers.Conv1D(32, 5, activation=act),
            layers.Conv1D(32, 5, activation=act),
            layers.GlobalMaxPooling1D(),
            layers.Dense(16),
        ]
    )
    return siamese(
        distance_model(base, (50, 40), 3.5),
        x,
        y,
        pairs=table,
        note="two convolutions without activation are one longer convolution",
    )


@twins("lstm_relu", "S33", options={"activation": "relu"})
@twins("lstm_recurrent_dropout", "S33", options={"recurrent_dropout": 0.2})
@twins("lstm_unrolled", "S33", options={"unroll": True})
@twins("lstm_no_bias", "S33", options={"use_bias": False})
@twins("lstm_hard_sigmoid", "S33", options={"recurrent_activation": "hard_sigmoid"})
def lstm_options(fault, options):
    frames = 12 if "unroll" in options else 40
    x, y, table = pair_data(24, frames=frames, bands=40, seed=105)
    given = options if fault else {}
    base = keras.Sequential(
        [layers.Bidirectional(layers.LSTM(16, **given)), layers.Dense(16)]
    )
    return siamese(
        distance_model(base, (frames, 40), 3.0),
        x,
        y,
        pairs=table,
        note=f"{options}: cuDNN cannot run this LSTM, on a GPU it is many times slower",
    )


@twins("gru_reset_before", "S33")
def gru_reset_before(fault):
    x, y, table = pair_data(24, frames=30, bands=64, seed=106)

    class Encoder(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = layers.GRU(
                24, return_sequences=True, reset_after=not fault, dropout=0.1
            )
            self.second = layers.GRU(16, reset_after=not fault)

        def call(self, x):
            return self.second(self.first(x))

    base = Encoder()
    base(x[0][:2])
    return siamese(
        distance_model(base, (30, 64), 1.8),
        x,
        y,
        pairs=table,
        note="GRU(reset_after=False) is the GRU that cuDNN does not know",
    )


def shorten(x, where, seed):
    """Zero some frames of each recording: at the start, the end, or within."""
    rng = np.random.default_rng(seed)
    x = x.copy()
    for one in x:
        count = int(rng.integers(3, len(one) // 3))
        if where == "end":
            one[len(one) - count :] = 0
        elif where == "start":
            one[count:] = one[: len(one) - count].copy()
            one[:count] = 0
        else:
            first = int(rng.integers(5, len(one) - count - 5))
            one[first : first + count] = 0
    return x


@twins("padded_on_the_left", "S34", where="start", bands=40)
@twins("masked_frames_within", "S34", where="within", bands=64)
def padded_on_the_left(fault, where, bands):
    (a, b), y, table = pair_data(32, frames=60, bands=bands, seed=107)
    place = where if fault else "end"
    a, b = shorten(a, place, 1), shorten(b, place, 2)
    base = keras.Sequential(
        [
            layers.Masking(mask_value=0.0),
            layers.Bidirectional(layers.LSTM(16)),
            layers.Dense(12),
        ]
    )
    return siamese(
        distance_model(base, (60, bands)),
        (a, b),
        y,
        pairs=table,
        extractor=base,
        note=f"masked frames stand at the {where}, cuDNN wants them at the end",
    )


@twins("empty_recording", "S34")
def empty_recording(fault):
    (a, b), y, table = pair_data(24, frames=40, bands=20, seed=108)
    a, b = shorten(a, "end", 3), shorten(b, "end", 4)
    if fault:
        a[3] = 0.0
        b[8] = 0.0
    inputs = keras.Input((40, 20))
    h = layers.Masking()(inputs)
    h = layers.GRU(16, return_sequences=True)(h)
    base = keras.Model(inputs, layers.GRU(12)(h))
    return siamese(
        distance_model(base, (40, 20), 1.5),
        (a, b),
        y,
        pairs=table,
        note="two recordings are padding from the first frame to the last",
    )
