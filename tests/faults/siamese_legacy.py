"""Programs and files of an older Keras: S32, S35."""

import keras
import numpy as np
from keras import layers, ops
from program import pair_data, siamese, twins


@twins("cudnn_layer_in_config", "S32")
def cudnn_layer_in_config(fault):
    x, y, table = pair_data(16, frames=40, bands=40, seed=111)
    name = "CuDNNLSTM" if fault else "LSTM"
    config = {
        "class_name": "Sequential",
        "config": [
            {
                "class_name": "Bidirectional",
                "config": {
                    "name": "bidirectional_1",
                    "layer": {
                        "class_name": name,
                        "config": {"name": "lstm_1", "units": 256},
                    },
                    "merge_mode": "concat",
                },
            },
            {"class_name": "Dense", "config": {"name": "dense_1", "units": 128}},
        ],
        "keras_version": "2.1.5",
        "backend": "tensorflow",
    }
    return siamese(
        None,
        x,
        y,
        pairs=table,
        arrays={"config": config},
        note="the stored network names a CuDNNLSTM, which Keras 3 does not have",
    )


@twins("cudnn_weights", "S32", units=16, bands=40)
@twins("cudnn_weights_source_size", "S32", units=64, bands=128)
def cudnn_weights(fault, units, bands):
    x, y, table = pair_data(16, frames=20, bands=bands, seed=112)
    rnn = layers.LSTM(units)
    base = keras.Sequential([keras.Input((20, bands)), rnn, layers.Dense(8)])
    a, b = keras.Input((20, bands)), keras.Input((20, bands))
    difference = base(a) - base(b)
    d = ops.sqrt(ops.sum(difference**2, axis=-1, keepdims=True) + 1e-8)
    model = keras.Model([a, b], d)
    model.compile("adam", lambda y, d: y * d + (1 - y) * ops.relu(1.5 - d))
    rng = np.random.default_rng(112)
    rows = 8 if fault else 4
    saved = [
        rng.normal(0, 0.1, (bands, 4 * units)).astype("float32"),
        rng.normal(0, 0.1, (units, 4 * units)).astype("float32"),
        rng.normal(0, 0.1, rows * units).astype("float32"),
    ]
    return siamese(
        model,
        x,
        y,
        pairs=table,
        extractor=base,
        arrays={"saved_weights": {rnn.name: saved}},
        note="saved biases have 8 numbers a unit, two for each gate; LSTM has 4",
    )


OLD_SCRIPT = """\
from keras.layers import Input, LSTM, Bidirectional, Dense
from keras.layers.advanced_activations import PReLU
from keras.models import Model
from keras.optimizers import Adam

inputs = Input(shape=(40, 128))
h = Bidirectional(LSTM(256))(inputs)
h = Dense(output_dim=128)(h)
h = PReLU(init='zero', weights=None)(h)
model = Model(input=inputs, output=h)
model.compile(loss='mse', optimizer=Adam(lr=0.001, decay=1e-6))
model.fit(X, Y, nb_epoch=10, validation_split=0.1)
"""

NEW_SCRIPT = """\
from keras.layers import Input, LSTM, Bidirectional, Dense, PReLU
from keras.models import Model
from keras.optimizers import Adam

inputs = Input(shape=(40, 128))
h = Bidirectional(LSTM(256))(inputs)
h = Dense(128)(h)
h = PReLU(alpha_initializer='zeros')(h)
model = Model(inputs=inputs, outputs=h)
model.compile(loss='mse', optimizer=Adam(learning_rate=0.001))
model.fit(X, Y, epochs=10, validation_split=0.1)
"""


@twins("script_of_keras_one", "S35")
def script_of_keras_one(fault):
    x, y, table = pair_data(16, frames=40, bands=128, seed=113)
    return siamese(
        None,
        x,
        y,
        pairs=table,
        arrays={"source": OLD_SCRIPT if fault else NEW_SCRIPT},
        note="init=, output_dim=, Model(input=), lr=, decay=, nb_epoch=: old names",
    )


OLD_NET = """\
def create_network(shape):
    net = keras.Sequential()
    net.add(layers.LSTM(64, input_shape=shape, implementation=2))
    net.add(layers.Dense(32, init='glorot_uniform', W_regularizer=l2(0.01)))
    return net

model = Model(input=[left, right], output=distance)
model.compile(RMSprop(lr=1e-4), loss=contrastive)
hist = model.fit_generator(pairs, samples_per_epoch=1000, nb_epoch=20)
print(hist.history['acc'])
"""

NEW_NET = """\
def create_network(shape):
    net = keras.Sequential([keras.Input(shape)])
    net.add(layers.LSTM(64))
    net.add(layers.Dense(32, kernel_regularizer=keras.regularizers.L2(0.01)))
    return net

model = Model(inputs=[left, right], outputs=distance)
model.compile(RMSprop(learning_rate=1e-4), loss=contrastive)
hist = model.fit(pairs, steps_per_epoch=1000, epochs=20)
print(hist.history['loss'])
"""


@twins("script_with_fit_generator", "S35")
def script_with_fit_generator(fault):
    x, y, table = pair_data(16, frames=30, bands=40, seed=114)
    return siamese(
        None,
        x,
        y,
        pairs=table,
        arrays={"source": OLD_NET if fault else NEW_NET},
        note="fit_generator, W_regularizer=, samples_per_epoch=: gone or renamed",
    )


@twins("optimizer_lr", "S35", old={"lr": 0.001, "beta_1": 0.9})
@twins(
    "optimizer_decay", "S35", old={"learning_rate": 0.001, "decay": 1e-6}, also="C19"
)
def optimizer_arguments(fault, old):
    x, y, table = pair_data(16, frames=30, bands=40, seed=115)
    base = keras.Sequential([layers.GRU(16), layers.Dense(8)])
    a, b = keras.Input((30, 40)), keras.Input((30, 40))
    d = ops.sum(ops.abs(base(a) - base(b)), axis=-1, keepdims=True)
    model = keras.Model([a, b], d)
    arguments = old if fault else {"learning_rate": 0.001, "beta_1": 0.9}
    arrays = {"optimizer_kwargs": arguments}
    try:
        optimizer = keras.optimizers.Adam(**arguments)
    except ValueError as error:
        optimizer, arrays["raises"] = None, str(error)
    return siamese(
        model,
        x,
        y,
        loss=lambda y, d: y * d + (1 - y) * ops.relu(6.0 - d),
        optimizer=optimizer,
        pairs=table,
        arrays=arrays,
        note=f"Adam({old}): an argument that today's Keras rejects or ignores",
    )


@twins("layer_of_keras_one", "S35")
def layer_of_keras_one(fault):
    x, _, _ = pair_data(16, frames=30, bands=40, seed=116)
    arrays = {"source": "PReLU(init='zero')" if fault else "PReLU()"}
    base = None
    try:
        slope = layers.PReLU(**({"init": "zero"} if fault else {}))
        base = keras.Sequential([layers.GRU(16), layers.Dense(16), slope])
    except ValueError as error:
        arrays["raises"] = str(error)
    return siamese(
        base, x[0], None, arrays=arrays, note="PReLU(init='zero') is refused"
    )
