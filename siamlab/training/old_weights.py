"""Weights of an older Keras, brought into today's layers.

Keras 2 had two LSTMs: `LSTM` for the processor and `CuDNNLSTM` for the GPU. Today there
is one; it runs on cuDNN where it can. The old files remain, and what a CuDNNLSTM has
saved fits no layer of Keras 3, for two reasons:

- cuDNN adds two biases, one to the input's product and one to the state's: 8 numbers
  for each unit, where an LSTM has their sum, 4. Nothing but the sum counts.
- It reads each gate's kernel as (units, inputs), row by row. CuDNNLSTM kept these
  numbers in that order, under the shape (inputs, units) of an LSTM's kernel: it looks
  right, and computes something else.

The arrays of a CuDNNGRU are those of ``GRU(reset_after=True)`` in the same way, with
both biases, as (2, 3 * units).

- `from_cudnn`: arrays of one layer.
- `read_old_weights`: what an HDF5 file of Keras 2 holds, layer by layer.
- `load_old_weights`: such a file into a model.

Notebook: 07_gpu_training.
"""

import numpy as np

from ..errors import ArgumentError, StorageError

__all__ = ["from_cudnn", "load_old_weights", "read_old_weights"]

# Of CuDNNLSTM and CuDNNGRU: how many gates, and numbers of bias for each unit.
_GATES = {8: 4, 6: 3}


def from_cudnn(arrays):
    """Turn the arrays of a CuDNNLSTM or CuDNNGRU into those of an LSTM or GRU.

    Parameters
    ----------
    arrays : sequence of array_like
        Kernel (inputs, gates * units), recurrent kernel (units, gates * units) and bias
        (2 * gates * units,), as Keras 2 saved them: 4 gates of an LSTM, 3 of a GRU. Of
        a Bidirectional the three of the forward layer, then those of the backward one.

    Returns
    -------
    list of numpy.ndarray
        For `set_weights` of an LSTM, of a GRU with ``reset_after=True``, or of a
        Bidirectional.

    Raises
    ------
    ArgumentError
        If the shapes are none of these: of an LSTM, for one, whose arrays need no
        conversion.

    Examples
    --------
    >>> kernel, recurrent, bias = np.ones((3, 8)), np.ones((2, 8)), np.ones(16)
    >>> [array.shape for array in from_cudnn([kernel, recurrent, bias])]
    [(3, 8), (2, 8), (8,)]
    """
    arrays = [np.asarray(array) for array in arrays]
    if not arrays or not all(map(_is_cudnn, _threes(arrays))):
        raise ArgumentError(
            "a CuDNNLSTM has arrays of shape (inputs, 4 * units), (units, 4 * units) "
            "and (8 * units,), a CuDNNGRU with 3 and 6 in place of 4 and 8, a "
            f"Bidirectional twice as many; got {_shapes(arrays)}"
        )
    return [array for three in _threes(arrays) for array in _convert(*three)]


def read_old_weights(path):
    """Read an HDF5 file of Keras 2: of `save_weights`, or of a whole model.

    Parameters
    ----------
    path : str or os.PathLike
        With the ending ``.h5`` or ``.hdf5``, as a rule.

    Returns
    -------
    dict of str to list of numpy.ndarray
        Arrays of each layer that has some, in their order, as they stand there: for the
        doctor's ``saved_weights=``, or for `load_old_weights`.

    Raises
    ------
    StorageError
        If it is no such file.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            group = file.get("model_weights", file)
            return {
                layer: [group[layer][name][()] for name in names]
                for layer in _attribute(group, "layer_names")
                if (names := _attribute(group[layer], "weight_names"))
            }
    except (OSError, KeyError) as error:
        raise StorageError(
            f"{path} is no HDF5 file of Keras 2, which names its layers in the "
            f"attribute layer_names ({error}); files of Keras 3 are read by "
            "load_weights and keras.saving.load_model"
        ) from error


def load_old_weights(model, path, names=None):
    """Load an HDF5 file of Keras 2, with CuDNNLSTM and CuDNNGRU in it or without.

    Layers are found by name. All or nothing: a layer that the file does not know would
    keep its random weights, and nobody would notice (FAULTS S19).

    Parameters
    ----------
    model : keras.Model
        Built, with an LSTM or a ``GRU(reset_after=True)`` where the old one had
        CuDNNLSTM or CuDNNGRU. A model in the model is one layer.
    path : str or os.PathLike
        See `read_old_weights`.
    names : dict of str to str, optional
        For layers that had another name then: today's, and the file's.

    Returns
    -------
    list of str
        Layers whose arrays were those of cuDNN.

    Raises
    ------
    ArgumentError
        If the layers or shapes of file and model differ; the model is as it was then.
    StorageError
        If it is no such file.
    """
    saved = read_old_weights(path)
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    names = {name: name for name in layers} | (names or {})
    _compare(set(layers), set(saved), names)
    new: list = []
    converted = []
    for name, layer in layers.items():
        arrays = _as_today(saved[names[name]])
        if arrays is not saved[names[name]]:
            converted.append(name)
        # In the order of Keras 2, which wrote what is not trained last.
        wanted = [*layer.trainable_weights, *layer.non_trainable_weights]
        if _shapes(arrays) != _shapes(wanted):
            raise ArgumentError(
                f"layer {name} takes arrays of shapes {_shapes(wanted)}, and the file "
                f"has {_shapes(arrays)} under {names[name]}; build it with the sizes "
                "that it had then"
            )
        new += zip(wanted, arrays, strict=True)
    for weight, array in new:
        weight.assign(array)
    return converted


def _compare(ours, theirs, names):
    unknown = sorted(set(names) - ours)
    if unknown:
        raise ArgumentError(
            f"the model has no layer {', '.join(unknown)} with weights; it has "
            f"{', '.join(sorted(ours))}"
        )
    missing = sorted(name for name in ours if names[name] not in theirs)
    left = sorted(theirs - {names[name] for name in ours})
    if missing or left:
        raise ArgumentError(
            f"the file has no weights for {', '.join(missing) or 'no layer'} of the "
            f"model, and the model no layer for {', '.join(left) or 'nothing'} of the "
            "file; names={today's: the file's} says which is which"
        )


def _attribute(group, name):
    """Names in an attribute; a long list stands in pieces."""
    if name in group.attrs:
        values = group.attrs[name]
    elif f"{name}0" in group.attrs:
        pieces: list = []
        while f"{name}{len(pieces)}" in group.attrs:
            pieces.append(group.attrs[f"{name}{len(pieces)}"])
        values = np.concatenate(pieces)
    else:
        raise KeyError(f"no attribute {name}")
    return [x.decode() if isinstance(x, bytes) else str(x) for x in values]


def _as_today(arrays):
    """Arrays of a layer, those of cuDNN in it converted; the same list if none are."""
    found: list = []
    while len(found) < len(arrays):
        rest = arrays[len(found) :]
        three = rest[:3]
        found += _convert(*three) if _is_cudnn(three) else rest[:1]
    same = all(a is b for a, b in zip(found, arrays, strict=True))
    return arrays if same else found


def _threes(arrays):
    return [arrays[i : i + 3] for i in range(0, len(arrays), 3)]


def _gates(arrays):
    """How many gates the arrays of a cuDNN layer have; None if they are none."""
    if len(arrays) != 3 or [a.ndim for a in arrays] != [2, 2, 1]:
        return None
    units = arrays[1].shape[0]
    gates = _GATES.get(arrays[2].size // units) if units else None
    if gates is None or arrays[2].size != 2 * gates * units:
        return None
    fits = {array.shape[1] for array in arrays[:2]} == {gates * units}
    return gates if fits else None


def _is_cudnn(arrays):
    return _gates(arrays) is not None


def _convert(kernel, recurrent, bias):
    gates = _gates([kernel, recurrent, bias])
    halves = bias.reshape(2, -1)
    return [
        _transposed(kernel, gates),
        _transposed(recurrent, gates),
        halves.sum(axis=0) if gates == 4 else halves,
    ]


def _transposed(kernel, gates):
    """Each gate's numbers, row by row, taken for (units, rows) and transposed."""
    rows = kernel.shape[0]
    return np.hstack(
        [gate.reshape(-1, rows).T for gate in np.split(kernel, gates, axis=1)]
    )


def _shapes(arrays):
    return [tuple(array.shape) for array in arrays]
