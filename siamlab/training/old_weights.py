"""Conversion of Keras 2 weights, including CuDNNLSTM and CuDNNGRU, to Keras 3.

Keras 2 had an LSTM for the CPU and a CuDNNLSTM for the GPU. Keras 3 has one LSTM, which
uses cuDNN if possible. The weights of a CuDNNLSTM have a different format:

- cuDNN has two biases, one for the input and one for the state; an LSTM has their sum.
- cuDNN reads the kernel of each gate as (units, inputs). CuDNNLSTM stored these numbers
  in that order, but under the shape (inputs, units) of an LSTM's kernel.

A CuDNNGRU differs from ``GRU(reset_after=True)`` only in its kernels.

- `load_old_weights`: load an HDF5 file of Keras 2 into a model.
- `read_old_weights`: read the arrays in such a file, by layer.
- `from_cudnn`: convert the arrays of one layer.

Notebook: 14_gpu_training.
"""

import numpy as np

from ..errors import ArgumentError, StorageError


def from_cudnn(arrays):
    """Convert the arrays of a CuDNNLSTM or CuDNNGRU to those of an LSTM or GRU.

    Parameters
    ----------
    arrays : sequence of array_like
        Kernel (inputs, gates * units), recurrent kernel (units, gates * units) and bias
        (2 * gates * units,), with 4 gates for an LSTM and 3 for a GRU. For a
        Bidirectional, the arrays of the forward layer and then of the backward layer.

    Returns
    -------
    list of numpy.ndarray
        For `set_weights` of an LSTM, of a GRU with ``reset_after=True``, or of a
        Bidirectional.

    Raises
    ------
    ArgumentError
        If the arrays have other shapes, for example those of an LSTM.

    Examples
    --------
    >>> kernel, recurrent, bias = np.ones((3, 8)), np.ones((2, 8)), np.ones(16)
    >>> [array.shape for array in from_cudnn([kernel, recurrent, bias])]
    [(3, 8), (2, 8), (8,)]
    """
    parts = [arrays[i : i + 3] for i in range(0, len(arrays), 3)]
    if not parts or not all(map(_cudnn_gates, parts)):
        raise ArgumentError(
            "expected the arrays of a CuDNNLSTM, of shape (inputs, 4 * units), "
            "(units, 4 * units) and (8 * units,), or of a CuDNNGRU, with 3 and 6 in "
            f"place of 4 and 8; got the shapes {_shapes(arrays)}"
        )
    return _convert_layers(arrays)


def read_old_weights(path):
    """Read an HDF5 file that ``save_weights`` or ``save`` of Keras 2 wrote.

    Parameters
    ----------
    path : str or os.PathLike
        The file, usually with the extension ``.h5`` or ``.hdf5``.

    Returns
    -------
    dict of str to list of numpy.ndarray
        The arrays of each layer, as stored; layers without weights are omitted. The
        result can be passed to `siamlab.doctor.examine` as ``saved_weights``.

    Raises
    ------
    StorageError
        If the file is not an HDF5 file of Keras 2.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            group = file.get("model_weights", file)
            return {
                layer: [group[layer][name][()] for name in names]
                for layer in _names(group, "layer_names")
                if (names := _names(group[layer], "weight_names"))
            }
    except (OSError, KeyError, ValueError) as error:
        raise StorageError(
            f"{path} is not an HDF5 file of Keras 2, which lists its layers in the "
            f"attribute layer_names ({error}). For files of Keras 3, use "
            "load_weights or siamlab.load_model"
        ) from error


def load_old_weights(model, path, names=None):
    """Load an HDF5 file of Keras 2 into a model of Keras 3.

    Layers are matched by name. Nothing is loaded unless all layers match, because a
    layer that keeps its random weights would go unnoticed (docs/doctor.md#s19).

    Parameters
    ----------
    model : keras.Model
        A built model, with an LSTM or ``GRU(reset_after=True)`` in place of each
        CuDNNLSTM or CuDNNGRU. A nested model counts as one layer.
    path : str or os.PathLike
        The file; see `read_old_weights`.
    names : dict of str to str, optional
        Name in the file of each layer whose name in the model differs, for example
        ``{"lstm": "cu_dnnlstm_1"}``.

    Raises
    ------
    ArgumentError
        If the layers or shapes of the file and the model differ.
    StorageError
        If the file is not an HDF5 file of Keras 2.
    """
    saved = read_old_weights(path)
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    names = {name: name for name in layers} | (names or {})
    if set(names) != set(layers) or set(names.values()) != set(saved):
        raise ArgumentError(
            f"the layers of the model and their names in the file are {names}, but the "
            f"file has {sorted(saved)}; pass names={{name in the model: name there}}"
        )
    assignments: list = []
    for name, layer in layers.items():
        arrays = _convert_layers(saved[names[name]])
        # Keras 2 stored the non-trainable weights last.
        weights = [*layer.trainable_weights, *layer.non_trainable_weights]
        if _shapes(arrays) != _shapes(weights):
            raise ArgumentError(
                f"layer {name} has weights of shapes {_shapes(weights)}, but the file "
                f"has {_shapes(arrays)} under {names[name]}; build the layer with the "
                "original sizes"
            )
        assignments += zip(weights, arrays, strict=True)
    for weight, array in assignments:
        weight.assign(array)


def _names(group, key):
    return np.asarray(group.attrs[key]).astype(str).tolist()


def _convert_layers(arrays):
    """Convert the cuDNN layers among the arrays of a layer."""
    rest, converted = list(arrays), []
    while rest:
        if n_gates := _cudnn_gates(rest[:3]):
            kernel, recurrent, bias = map(np.asarray, rest[:3])
            biases = bias.reshape(2, -1)
            converted += [
                _transpose_gates(kernel, n_gates),
                _transpose_gates(recurrent, n_gates),
                biases.sum(axis=0) if n_gates == 4 else biases,
            ]
            rest = rest[3:]
        else:
            converted.append(rest.pop(0))
    return converted


def _cudnn_gates(arrays):
    """Return the number of gates of the cuDNN layer of these arrays, or 0."""
    match _shapes(arrays):
        case [(_, width), (units, recurrent_width), (n_biases,)]:
            fits = width == recurrent_width and n_biases == 2 * width
            return width // units if fits and width in (3 * units, 4 * units) else 0
    return 0


def _transpose_gates(kernel, n_gates):
    """Read the numbers of each gate as (units, inputs), and transpose them."""
    inputs = kernel.shape[0]
    gates = np.split(kernel, n_gates, axis=1)
    return np.hstack([gate.reshape(-1, inputs).T for gate in gates])


def _shapes(arrays):
    return [tuple(np.shape(array)) for array in arrays]
