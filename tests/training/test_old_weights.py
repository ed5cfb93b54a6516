"""Weights of CuDNNLSTM and CuDNNGRU compute in Keras 3 what cuDNN computed.

The expected outputs come from two independent parts: how Keras 2 packed its arrays for
cuDNN, and the equations of cuDNN's manual.
"""

import h5py
import keras
import numpy as np
import pytest
from scipy.special import expit as sigmoid

from siamlab import errors
from siamlab.training import from_cudnn, load_old_weights, read_old_weights

# Keras 2 stored the gates i, f, c, o and z, r, h; it packed the latter as r, z, h.
PACKED = {4: (0, 1, 2, 3), 3: (1, 0, 2)}
LAYERS = {4: keras.layers.LSTM, 3: keras.layers.GRU}


def stored(rng, inputs, units, n_gates):
    """Arrays as CuDNNLSTM (4 gates) or CuDNNGRU (3) saved them."""
    width = n_gates * units
    shapes = (inputs, width), (units, width), (2 * width,)
    return [rng.normal(0, 0.5, shape).astype(np.float32) for shape in shapes]


def cudnn(arrays, x, units, n_gates):
    """States (batch, time, units); W (units, inputs), R and two biases per gate."""
    kernel, recurrent, bias = arrays
    order = PACKED[n_gates]
    columns = [np.split(matrix, n_gates, axis=1) for matrix in (kernel, recurrent)]
    w = [columns[0][gate].reshape(units, -1) for gate in order]
    r = [columns[1][gate].reshape(units, -1) for gate in order]
    b_w, b_r = bias.reshape(2, n_gates, units)[:, order]
    h = c = np.zeros((len(x), units))
    states = []
    for frame in np.moveaxis(x, 1, 0):
        a = [frame @ w[k].T + b_w[k] for k in range(n_gates)]
        b = [h @ r[k].T + b_r[k] for k in range(n_gates)]
        if n_gates == 4:
            i, f, _, o = (sigmoid(p + q) for p, q in zip(a, b, strict=True))
            c = f * c + i * np.tanh(a[2] + b[2])
            h = o * np.tanh(c)
        else:
            reset, update = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
            h = (1 - update) * np.tanh(a[2] + reset * b[2]) + update * h
        states.append(h)
    return np.stack(states, axis=1)


@pytest.mark.parametrize("n_gates", [4, 3])
@pytest.mark.parametrize(("inputs", "units"), [(1, 1), (5, 3), (2, 4)])
def test_a_converted_layer_computes_what_cudnn_computed(inputs, units, n_gates, rng):
    arrays = stored(rng, inputs, units, n_gates)
    x = rng.normal(size=(2, 6, inputs)).astype(np.float32)
    layer = LAYERS[n_gates](units, return_sequences=True)
    layer.build(x.shape)
    layer.set_weights(from_cudnn(arrays))
    found = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(found, cudnn(arrays, x, units, n_gates), atol=1e-5)


def test_arrays_of_an_lstm_are_refused(rng):
    converted = from_cudnn(stored(rng, 5, 4, 4))
    for arrays in (converted, []):
        with pytest.raises(errors.ArgumentError, match="the arrays of a CuDNN"):
            from_cudnn(arrays)


def write(path, layers, group="/"):
    """Write an HDF5 file as Keras 2 did."""
    with h5py.File(path, "w") as file:
        top = file.require_group(group)
        top.attrs["layer_names"] = [name.encode() for name in layers]
        for name, arrays in layers.items():
            inner = top.create_group(name)
            weights = [f"{name}/weight_{i}:0".encode() for i in range(len(arrays))]
            inner.attrs["weight_names"] = np.array(weights, dtype="S40")
            for weight, array in zip(weights, arrays, strict=True):
                inner.create_dataset(weight, data=array)
    return path


@pytest.fixture
def old_layers(rng):
    """The weights of a speaker network of Keras 2."""
    return {
        "input_1": [],
        "bidirectional_1": [*stored(rng, 5, 3, 4), *stored(rng, 5, 3, 4)],
        "cu_dnnlstm_2": stored(rng, 6, 4, 4),
        "dense_1": [rng.normal(size=shape).astype("f4") for shape in ((4, 2), (2,))],
    }


def network(last="dense_1"):
    lstm = keras.layers.LSTM(3, return_sequences=True)
    return keras.Sequential(
        [
            keras.Input((6, 5)),
            keras.layers.Bidirectional(lstm, name="bidirectional_1"),
            keras.layers.LSTM(4, name="second"),
            keras.layers.Dense(2, name=last),
        ]
    )


@pytest.mark.parametrize("group", ["/", "model_weights"])
def test_an_old_file_is_loaded_by_layer_names(group, old_layers, tmp_path):
    path = write(tmp_path / "old.h5", old_layers, group)
    net = network()
    load_old_weights(net, path, names={"second": "cu_dnnlstm_2"})
    both, second, dense = list(old_layers.values())[1:]
    expected = [*from_cudnn(both[:3]), *from_cudnn(both[3:]), *from_cudnn(second)]
    np.testing.assert_equal(net.get_weights(), [*expected, *dense])


def test_layers_that_do_not_match_are_named_and_nothing_is_loaded(old_layers, tmp_path):
    path = write(tmp_path / "old.h5", old_layers)
    net = network(last="other")
    before = net.get_weights()
    names = {"second": "cu_dnnlstm_2", "other": "dense_1"}
    for wrong, message in (
        (None, r"'other': 'other'}, but the file has \['bidirectional_1', 'cu_dnn"),
        (names | {"third": "dense_1"}, "'third': 'dense_1'}, but the file has"),
        ({"second": "dense_1", "other": "cu_dnnlstm_2"}, "the file .* under dense_1"),
    ):
        with pytest.raises(errors.ArgumentError, match=message):
            load_old_weights(net, path, names=wrong)
    np.testing.assert_equal(net.get_weights(), before)


def test_weights_that_are_not_trained_come_last(rng, tmp_path):
    """In a nested model with two normalizations of one size, only the order tells."""
    norms = [keras.layers.BatchNormalization(), keras.layers.BatchNormalization()]
    inner = keras.Sequential([keras.Input((3,)), *norms], name="inner")
    arrays = [rng.uniform(1, 2, size=3).astype("f4") for _ in range(8)]
    path = write(tmp_path / "old.h5", {"inner": arrays})
    load_old_weights(keras.Sequential([keras.Input((3,)), inner]), path)
    first, second = (norm.get_weights() for norm in norms)
    order = [*first[:2], *second[:2], *first[2:], *second[2:]]
    np.testing.assert_array_equal(order, arrays)


def test_other_files_are_refused(tmp_path):
    network().save_weights(tmp_path / "new.weights.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    for name in ("new.weights.h5", "text.h5", "missing.h5"):
        with pytest.raises(errors.StorageError, match="not an HDF5 file of Keras 2"):
            read_old_weights(tmp_path / name)
