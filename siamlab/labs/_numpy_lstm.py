"""An untrained LSTM in NumPy, with its gradient.

For the scaling lab: the same numbers on every backend of Keras, in milliseconds.
"""

import numpy as np
from scipy.special import expit as sigmoid

from ..scaling import lstm_forward


def draw_lstm(bands, units, rng):
    """Draw the weights of an LSTM, as `keras.layers.LSTM` does, and in its order.

    Glorot-uniform for the input (Glorot and Bengio, 2010), orthogonal for the
    recurrent weights (Saxe et al., 2014), and a forget bias of 1 (Jozefowicz et al.,
    2015).

    Parameters
    ----------
    bands, units : int
        Size of input and output.
    rng : numpy.random.Generator
        Generator of the weights.

    Returns
    -------
    kernel : numpy.ndarray
        Shape (mel, 4 * units): input gate, forget gate, candidate, output gate.
    recurrent : numpy.ndarray
        Shape (units, 4 * units).
    bias : numpy.ndarray
        Shape (4 * units,).
    """
    limit = np.sqrt(6 / (bands + 4 * units))
    kernel = rng.uniform(-limit, limit, (bands, 4 * units))
    recurrent = np.linalg.qr(rng.normal(size=(4 * units, units)))[0].T
    bias = np.repeat([0.0, 1.0, 0.0, 0.0], units)
    return kernel, recurrent, bias


def backpropagate(x, errors, kernel, recurrent, bias):
    """Compute the gradient by backpropagation through time (Werbos, 1990).

    The cell is that of Gers, Schmidhuber and Cummins (2000), the loss
    ``(errors * outputs).sum()``.

    Parameters
    ----------
    x : numpy.ndarray
        Shape (frames, bands).
    errors : numpy.ndarray
        Gradient of the loss at the outputs, shape (frames, units).
    kernel, recurrent, bias : numpy.ndarray
        From `draw_lstm`.

    Returns
    -------
    sums : numpy.ndarray
        Pre-activations of gates and candidate, shape (frames, 4 * units).
    deltas : numpy.ndarray
        Gradient of the loss at the sums, of the same shape. At the input it is
        ``deltas @ kernel.T``, at the kernel ``x.T @ deltas``.
    """
    sums, cells = lstm_forward(x, kernel, recurrent, bias)
    before = np.concatenate([np.zeros_like(cells[:1]), cells[:-1]])
    i, f, g, o = np.split(sums, 4, axis=-1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    squashed = np.tanh(cells)
    deltas = np.empty_like(sums)
    dc = dh = np.zeros(len(recurrent))
    for t in reversed(range(len(x))):
        dh = dh + errors[t]
        dc = dc + dh * o[t] * (1 - squashed[t] ** 2)
        parts = (
            dc * g[t] * i[t] * (1 - i[t]),
            dc * before[t] * f[t] * (1 - f[t]),
            dc * i[t] * (1 - g[t] ** 2),
            dh * squashed[t] * o[t] * (1 - o[t]),
        )
        deltas[t] = np.concatenate(parts)
        dc = dc * f[t]
        dh = recurrent @ deltas[t]
    return sums, deltas
