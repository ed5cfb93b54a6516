"""What unscaled input does to an LSTM before its first step of training."""

import numpy as np

from ..errors import ArgumentError

__all__ = ["gate_saturation"]


def gate_saturation(model, batch, beyond=4.0):
    """Share of the gates of each LSTM that a batch drives out of their range.

    A gate is a sigmoid of a sum. Where the sum lies beyond 4, the gate is within 2 %
    of open or shut, and its slope, which is what training multiplies by, is less
    than 0.018 of 0.25 at most (Hochreiter and Schmidhuber, 1997, for the gates;
    Glorot and Bengio, 2010, for what saturation does to training).

    Parameters
    ----------
    model : keras.Model
        Any with LSTMs in it, on their own or in a `keras.layers.Bidirectional`.
    batch : tuple or any input of the model
        Of a tuple, as `fit` takes it, the first part is the input.
    beyond : float
        Sums further from 0 than this count.

    Returns
    -------
    dict of str to float
        For each LSTM, or pair of them, by the name of its layer and in the order
        of the calculation: share, from 0 to 1, of input, forget and output gates.
        Frames that a mask hides do not count.

    Raises
    ------
    ArgumentError
        If the model has no LSTM, or does not use it on this batch.

    Examples
    --------
    >>> import siamlab as sl
    >>> net = sl.networks.blstm_encoder(n_frames=40, n_mels=128, units=8)
    >>> quiet = np.full((4, 40, 128), -15.0, dtype="float32")
    >>> bool(sl.scaling.gate_saturation(net, quiet)["blstm_1"] > 0.1)
    True
    >>> sl.scaling.gate_saturation(net, 0 * quiet)["blstm_1"]
    0.0
    """
    import keras

    inputs = batch[0] if isinstance(batch, tuple) else batch
    cells = _lstms(model, keras)
    if not cells:
        raise ArgumentError(f"gates belong to LSTMs; {model.name} has none")
    seen: list[tuple] = []
    try:
        for name, lstm in cells:
            _record(lstm, name, seen)
        model(keras.tree.map_structure(keras.ops.convert_to_tensor, inputs))
    finally:
        for _, lstm in cells:
            lstm.__dict__.pop("call", None)
    if not seen:
        raise ArgumentError(f"{model.name} did not use its LSTMs on this batch")
    shut: dict[str, int] = {}
    total: dict[str, int] = {}
    for name, lstm, x, mask in seen:
        gates = np.abs(_gates(lstm, x, mask)) > beyond
        shut[name] = shut.get(name, 0) + int(gates.sum())
        total[name] = total.get(name, 0) + gates.size
    return {name: shut[name] / total[name] for name in shut}


def _lstms(model, keras):
    """Name and layer of each LSTM; the two of a Bidirectional share its name."""
    found = []
    inside: set[int] = set()
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Bidirectional):
            both = (layer.forward_layer, layer.backward_layer)
            inside.update(map(id, both))
            found += [(layer.name, lstm) for lstm in both]
        elif id(layer) not in inside:
            found.append((layer.name, layer))
    return [(n, lstm) for n, lstm in found if isinstance(lstm, keras.layers.LSTM)]


def _record(lstm, name, seen):
    """Note what the layer is called with, until `call` is taken off it again."""
    call = lstm.call

    def recorded(sequences, *args, mask=None, **kwargs):
        seen.append((name, lstm, sequences, mask))
        return call(sequences, *args, mask=mask, **kwargs)

    # Past Keras, which would track what is set on a layer.
    lstm.__dict__["call"] = recorded


def _gates(lstm, x, mask):
    """Add up what goes into the gates, shape (frames that count, 3 * units)."""
    from keras import ops
    from scipy.special import expit as sigmoid

    x = ops.convert_to_numpy(x).astype(np.float64)
    there = np.ones(x.shape[:2], bool)
    if mask is not None:
        there = ops.convert_to_numpy(mask).astype(bool)
    if lstm.go_backwards:
        x, there = x[:, ::-1], there[:, ::-1]
    weights = [ops.convert_to_numpy(w).astype(np.float64) for w in lstm.cell.weights]
    kernel, recurrent, *bias = weights
    units = lstm.units
    into = x @ kernel + (bias[0] if bias else 0.0)
    h = c = np.zeros((len(x), units))
    sums = []
    for t in range(x.shape[1]):
        # The four parts of a sum, in Keras' order.
        z = into[:, t] + h @ recurrent
        i, f, g, o = np.split(z, 4, axis=1)
        now = there[:, t]
        sums.append(np.concatenate([i, f, o], axis=1)[now])
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        # A frame that is masked leaves the state as it was.
        c = np.where(now[:, None], new_c, c)
        h = np.where(now[:, None], new_h, h)
    return np.concatenate(sums)
