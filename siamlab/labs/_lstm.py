"""A fresh LSTM in NumPy, forwards and backwards.

For the scaling lab: the same numbers on every backend of Keras, and a gradient without
a tape in a few milliseconds.
"""

import dataclasses

import numpy as np
from scipy.special import expit as sigmoid


@dataclasses.dataclass(frozen=True, eq=False)
class FreshLSTM:
    """Weights as Keras draws them for `keras.layers.LSTM`, in its order.

    Parameters
    ----------
    kernel : numpy.ndarray
        Shape (bands, 4 * units): into input gate, forget gate, candidate, output gate.
    recurrent : numpy.ndarray
        Shape (units, 4 * units).
    bias : numpy.ndarray
        Shape (4 * units,).
    """

    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray

    @classmethod
    def draw(cls, bands, units, rng):
        """Draw weights.

        Uniform for the input (Glorot and Bengio, 2010), orthogonal from frame to frame
        (Saxe et al., 2014), forget gates ajar (Jozefowicz et al., 2015).

        Parameters
        ----------
        bands, units : int
            Size of input and output.
        rng : numpy.random.Generator
            To draw from.

        Returns
        -------
        FreshLSTM
            In double precision.
        """
        limit = np.sqrt(6 / (bands + 4 * units))
        kernel = rng.uniform(-limit, limit, (bands, 4 * units))
        recurrent = np.linalg.qr(rng.normal(size=(4 * units, units)))[0].T
        bias = np.repeat([0.0, 1.0, 0.0, 0.0], units)
        return cls(kernel, recurrent, bias)

    def backpropagate(self, x, errors):
        """Read frames, then send errors back through time (Werbos, 1990).

        The cell is that of Gers, Schmidhuber and Cummins (2000), the loss
        ``(errors * outputs).sum()``.

        Parameters
        ----------
        x : numpy.ndarray
            Shape (frames, bands).
        errors : numpy.ndarray
            Gradient of the loss at the outputs, shape (frames, units).

        Returns
        -------
        sums : numpy.ndarray
            What goes into gates and candidate before they are squashed, shape
            (frames, 4 * units).
        deltas : numpy.ndarray
            Gradient of the loss at the sums, of the same shape. At the input it is
            ``deltas @ kernel.T``, at the kernel ``x.T @ deltas``.
        """
        sums = x @ self.kernel + self.bias
        deltas = np.empty_like(sums)
        c = h = np.zeros(len(self.recurrent))
        seen = []
        for t in range(len(x)):
            sums[t] += h @ self.recurrent
            i, f, g, o = np.split(sums[t], 4)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            before, c = c, f * c + i * g
            squashed = np.tanh(c)
            h = o * squashed
            seen.append((i, f, g, o, before, squashed))
        dc = dh = np.zeros(len(self.recurrent))
        for t in reversed(range(len(x))):
            i, f, g, o, before, squashed = seen[t]
            dh = dh + errors[t]
            dc = dc + dh * o * (1 - squashed**2)
            parts = (
                dc * g * i * (1 - i),
                dc * before * f * (1 - f),
                dc * i * (1 - g**2),
                dh * squashed * o * (1 - o),
            )
            deltas[t] = np.concatenate(parts)
            dc = dc * f
            dh = self.recurrent @ deltas[t]
        return sums, deltas
