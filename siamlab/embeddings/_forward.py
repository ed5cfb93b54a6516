"""What `networks.xvector_encoder` computes, with NumPy alone.

TensorFlow takes seconds to import and to compile; a network of this size computes an
embedding in less time than either. The layers are those of `networks.xvector_encoder`, by the
names that they have there.
"""

import numpy as np

# Of keras.layers.BatchNormalization and of layers.StatisticsPooling.
_NORM_EPSILON, _POOL_EPSILON = 1e-3, 1e-5


def fold(weights):
    """Join what is constant after training.

    Parameters
    ----------
    weights : dict of str to numpy.ndarray
        By "layer/weight".

    Returns
    -------
    dict of str to tuple of numpy.ndarray
        By layer: kernel and bias, or factor and summand.
    """
    folded = {}
    for name in {key.split("/")[0] for key in weights}:
        w = {
            key.split("/")[1]: value
            for key, value in weights.items()
            if key.startswith(f"{name}/")
        }
        if "kernel" in w:
            folded[name] = w["kernel"], w["bias"]
        elif "gamma" in w:
            factor = w["gamma"] / np.sqrt(w["moving_variance"] + _NORM_EPSILON)
            folded[name] = factor, w["beta"] - w["moving_mean"] * factor
    return folded


def forward(layers, x):
    """Compute the outputs of the network, as in inference.

    Parameters
    ----------
    layers : dict
        From `fold`.
    x : numpy.ndarray
        float32, scaled, shape (segments, frames, bands).

    Returns
    -------
    numpy.ndarray
        float32, shape (segments, dim), rows of unit length.
    """
    x = _convolve(layers, 1, x, stride=2)
    for dilation in (1, 2, 3):
        x = x + _convolve(layers, 1 + dilation, x, dilation=dilation)
    x = _convolve(layers, 5, x)
    mean = x.mean(axis=1)
    deviation = np.sqrt(np.square(x - mean[:, None]).mean(axis=1) + _POOL_EPSILON)
    x = _normalize(layers, "norm_pool", np.concatenate([mean, deviation], axis=-1))
    kernel, bias = layers["dense"]
    x = _normalize(layers, "norm_dense", x @ kernel + bias)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _normalize(layers, name, x):
    factor, summand = layers[name]
    return x * factor + summand


def _convolve(layers, number, x, stride=1, dilation=1):
    """Convolve over time as Keras does with ``padding="same"``, then ReLU and norm."""
    kernel, bias = layers[f"conv_{number}"]
    taps, frames = len(kernel), x.shape[1]
    out = -(-frames // stride)
    missing = max((out - 1) * stride + (taps - 1) * dilation + 1 - frames, 0)
    x = np.pad(x, ((0, 0), (missing // 2, missing - missing // 2), (0, 0)))
    # A product for each tap, of matrices: of a stack of them NumPy makes small ones.
    y = np.broadcast_to(bias, (len(x) * out, kernel.shape[-1]))
    for tap in range(taps):
        first = tap * dilation
        heard = x[:, first : first + (out - 1) * stride + 1 : stride]
        y = y + heard.reshape(-1, x.shape[-1]) @ kernel[tap]
    y = np.maximum(y, 0.0).reshape(len(x), out, -1)
    return _normalize(layers, f"norm_{number}", y)
