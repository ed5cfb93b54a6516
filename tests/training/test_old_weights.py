"""Weights of CuDNNLSTM and CuDNNGRU compute today what they computed then.

The reference is made of two parts that know nothing of each other: how Keras 2 packed
its arrays into one row of numbers, and what cuDNN computes from such a row.
"""

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab import doctor, errors
from siamlab.training import from_cudnn, load_old_weights, read_old_weights

# Keras 2 kept gates i, f, c, o and z, r, h; the latter it packed as r, z, h.
PACKED = {4: (0, 1, 2, 3), 3: (1, 0, 2)}


def saved(rng, inputs, units, gates):
    """Arrays as CuDNNLSTM (4 gates) or CuDNNGRU (3) saved them."""
    shapes = (inputs, gates * units), (units, gates * units), (2 * gates * units,)
    return [rng.normal(0, 0.5, shape).astype(np.float32) for shape in shapes]


def packed(arrays, gates):
    """The row of numbers that Keras 2 handed to cuDNN: kernels, then biases."""
    kernel, recurrent, bias = arrays
    order = PACKED[gates]
    parts = []
    for matrix in (kernel, recurrent):
        columns = np.split(matrix, gates, axis=1)
        parts += [columns[gate].reshape(-1) for gate in order]
    rows = np.split(bias, 2 * gates)
    parts += [rows[half * gates + gate] for half in (0, 1) for gate in order]
    return np.concatenate(parts)


def cudnn(row, x, units, gates):
    """All states (batch, frames, units), by the equations of cuDNN's manual.

    W of each gate is (units, inputs), row by row, R (units, units); two biases each.
    """
    inputs, taken = x.shape[-1], 0

    def take(*shape):
        nonlocal taken
        taken += int(np.prod(shape))
        return row[taken - int(np.prod(shape)) : taken].reshape(shape)

    w = [take(units, inputs) for _ in range(gates)]
    r = [take(units, units) for _ in range(gates)]
    bw = [take(units) for _ in range(gates)]
    br = [take(units) for _ in range(gates)]
    assert taken == len(row)
    h = c = np.zeros((len(x), units))
    states = []
    for frame in np.moveaxis(x, 1, 0):
        a = [frame @ w[k].T + bw[k] for k in range(gates)]
        b = [h @ r[k].T + br[k] for k in range(gates)]
        if gates == 4:
            i, f, _, o = (sigmoid(p + q) for p, q in zip(a, b, strict=True))
            c = f * c + i * np.tanh(a[2] + b[2])
            h = o * np.tanh(c)
        else:
            reset, update = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
            h = (1 - update) * np.tanh(a[2] + reset * b[2]) + update * h
        states.append(h)
    return np.stack(states, axis=1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


LAYERS = {4: keras.layers.LSTM, 3: keras.layers.GRU}


@settings(deadline=None, max_examples=15)
@given(
    st.integers(1, 5), st.integers(1, 5), st.sampled_from([4, 3]), st.integers(0, 99)
)
def test_the_converted_layer_computes_what_cudnn_did(inputs, units, gates, seed):
    rng = np.random.default_rng(seed)
    arrays = saved(rng, inputs, units, gates)
    x = rng.normal(size=(2, 6, inputs)).astype(np.float32)
    layer = LAYERS[gates](units, return_sequences=True)
    layer.build(x.shape)
    layer.set_weights(from_cudnn(arrays))
    expected = cudnn(packed(arrays, gates), x, units, gates)
    found = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_to_sum_the_biases_is_not_enough(rng):
    arrays = saved(rng, 5, 4, 4)
    x = rng.normal(size=(2, 6, 5)).astype(np.float32)
    layer = keras.layers.LSTM(4, return_sequences=True)
    layer.build(x.shape)
    layer.set_weights([*arrays[:2], arrays[2].reshape(2, -1).sum(axis=0)])
    expected = cudnn(packed(arrays, 4), x, 4, 4)
    assert np.abs(keras.ops.convert_to_numpy(layer(x)) - expected).max() > 0.1


@pytest.mark.parametrize("gates", [4, 3])
def test_keras_2_converted_them_alike(gates, rng):
    # TensorFlow still carries the loader of Keras 2 about.
    old = pytest.importorskip("tensorflow.python.keras.saving.hdf5_format")
    arrays = saved(rng, 5, 4, gates)
    layer = type({4: "LSTM", 3: "GRU"}[gates], (), {"reset_after": True})()
    expected = old._convert_rnn_weights(layer, arrays)
    for a, b in zip(from_cudnn(arrays), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_bidirectional_is_converted_one_direction_after_the_other(rng):
    forward, backward = saved(rng, 5, 3, 4), saved(rng, 5, 3, 4)
    x = rng.normal(size=(2, 6, 5)).astype(np.float32)
    layer = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))
    layer.build(x.shape)
    layer.set_weights(from_cudnn([*forward, *backward]))
    there = cudnn(packed(forward, 4), x, 3, 4)
    back = cudnn(packed(backward, 4), x[:, ::-1], 3, 4)[:, ::-1]
    expected = np.concatenate([there, back], axis=-1)
    found = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_arrays_of_an_lstm_are_not_converted_again(rng):
    arrays = saved(rng, 5, 4, 4)
    with pytest.raises(errors.ArgumentError, match=r"got \[\(5, 16\), .* \(16,\)\]"):
        from_cudnn(from_cudnn(arrays))
    with pytest.raises(errors.ArgumentError, match="CuDNNLSTM has arrays of shape"):
        from_cudnn([])


def write(path, layers, under=None, pieces=False):
    """An HDF5 file as Keras 2 wrote it."""
    with h5py.File(path, "w") as file:
        group = file.create_group(under) if under else file
        names = [name.encode() for name in layers]
        if pieces:
            for i, name in enumerate(names):
                group.attrs[f"layer_names{i}"] = [name]
        else:
            group.attrs["layer_names"] = names
        group.attrs["keras_version"] = b"2.2.4"
        group.attrs["backend"] = b"tensorflow"
        for name, arrays in layers.items():
            inner = group.create_group(name)
            weights = [f"{name}/weight_{i}:0".encode() for i in range(len(arrays))]
            inner.attrs["weight_names"] = np.array(weights, dtype="S40")
            for weight, array in zip(weights, arrays, strict=True):
                inner.create_dataset(weight, data=array)
    return path


@pytest.fixture
def layers(rng):
    """What an old speaker network has saved."""
    return {
        "input_1": [],
        "bidirectional_1": [*saved(rng, 5, 3, 4), *saved(rng, 5, 3, 4)],
        "cu_dnnlstm_2": saved(rng, 6, 4, 4),
        "dropout_1": [],
        "dense_1": [rng.normal(size=shape).astype("f4") for shape in ((4, 2), (2,))],
    }


def network(last="dense_1"):
    return keras.Sequential(
        [
            keras.Input((6, 5)),
            keras.layers.Bidirectional(
                keras.layers.LSTM(3, return_sequences=True), name="bidirectional_1"
            ),
            keras.layers.LSTM(4, name="second"),
            keras.layers.Dense(2, name=last),
        ]
    )


@pytest.mark.parametrize("how", [{}, {"under": "model_weights"}, {"pieces": True}])
def test_an_old_file_is_loaded_by_the_names_of_its_layers(how, layers, rng, tmp_path):
    path = write(tmp_path / "old.h5", layers, **how)
    net = network()
    converted = load_old_weights(net, path, names={"second": "cu_dnnlstm_2"})
    assert converted == ["bidirectional_1", "second"]
    x = rng.normal(size=(2, 6, 5)).astype(np.float32)
    first = layers["bidirectional_1"]
    there = cudnn(packed(first[:3], 4), x, 3, 4)
    back = cudnn(packed(first[3:], 4), x[:, ::-1], 3, 4)[:, ::-1]
    both = np.concatenate([there, back], axis=-1)
    h = cudnn(packed(layers["cu_dnnlstm_2"], 4), both, 4, 4)[:, -1]
    kernel, bias = layers["dense_1"]
    found = keras.ops.convert_to_numpy(net(x))
    np.testing.assert_allclose(found, h @ kernel + bias, atol=1e-4)


def test_layers_that_do_not_fit_are_named_and_nothing_is_loaded(layers, tmp_path):
    path = write(tmp_path / "old.h5", layers)
    net = network(last="other")
    before = net.get_weights()
    with pytest.raises(errors.ArgumentError, match="no weights for other, second of"):
        load_old_weights(net, path)
    with pytest.raises(errors.ArgumentError, match="no layer third with weights"):
        load_old_weights(net, path, names={"third": "dense_1"})
    names = {"second": "dense_1", "other": "cu_dnnlstm_2"}
    with pytest.raises(errors.ArgumentError, match=r"the file has .* under dense_1"):
        load_old_weights(net, path, names=names)
    for a, b in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_not_trained_stands_last_as_keras_2_had_it(rng, tmp_path):
    """Two normalizations of one size in a nested model: only the order tells."""
    norms = [keras.layers.BatchNormalization(), keras.layers.BatchNormalization()]
    inner = keras.Sequential([keras.Input((3,)), *norms], name="inner")
    arrays = [rng.uniform(1, 2, size=3).astype("f4") for _ in range(8)]
    path = write(tmp_path / "old.h5", {"inner": arrays})
    net = keras.Sequential([keras.Input((3,)), inner])
    assert load_old_weights(net, path) == []
    first, second = (norm.get_weights() for norm in norms)
    order = [*first[:2], *second[:2], *first[2:], *second[2:]]
    for a, b in zip(order, arrays, strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_file_is_refused(tmp_path):
    net = network()
    net.save_weights(tmp_path / "new.weights.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    for name in ("new.weights.h5", "text.h5", "missing.h5"):
        with pytest.raises(errors.StorageError, match="no HDF5 file of Keras 2"):
            read_old_weights(tmp_path / name)


def test_the_doctor_knows_such_a_file_and_names_the_mend(layers, tmp_path):
    weights = read_old_weights(write(tmp_path / "old.h5", layers))
    assert list(weights) == ["bidirectional_1", "cu_dnnlstm_2", "dense_1"]
    found = doctor.examine(network(), kind="siamese", saved_weights=weights)["S32"]
    assert found.value == 8
    assert "load_old_weights" in found.fix
