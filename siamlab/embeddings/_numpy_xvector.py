"""The forward pass of `networks.xvector_encoder`, with NumPy alone.

For a network of this size, NumPy needs less time than importing TensorFlow and
compiling. Layers are named as in `networks.xvector_encoder`.
"""

import numpy as np

# Defaults of keras.layers.BatchNormalization and of layers.StatisticsPooling.
_NORM_EPSILON, _POOL_EPSILON = 1e-3, 1e-5


def fold(weights):
    """Turn each batch normalization into one factor and one offset.

    Parameters
    ----------
    weights : dict of str to numpy.ndarray
        By "layer/weight".

    Returns
    -------
    dict of str to tuple of numpy.ndarray
        By layer: kernel and bias, or factor and offset.
    """
    folded = {}
    for name in {key.split("/")[0] for key in weights}:
        if f"{name}/kernel" in weights:
            folded[name] = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        elif f"{name}/gamma" in weights:
            parts = ("gamma", "beta", "moving_mean", "moving_variance")
            gamma, beta, mean, variance = (weights[f"{name}/{x}"] for x in parts)
            factor = gamma / np.sqrt(variance + _NORM_EPSILON)
            folded[name] = factor, beta - mean * factor
    return folded


def forward(layers, x):
    """Compute the outputs of the network, as in inference.

    Parameters
    ----------
    layers : dict
        From `fold`.
    x : numpy.ndarray
        float32, scaled, shape (batch, time, mel).

    Returns
    -------
    numpy.ndarray
        float32, shape (batch, dim), rows of unit length.
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
    factor, offset = layers[name]
    return x * factor + offset


def _convolve(layers, number, x, stride=1, dilation=1):
    """Convolve over time with ``padding="same"``, as Keras does; ReLU; normalize."""
    kernel, bias = layers[f"conv_{number}"]
    taps, frames = len(kernel), x.shape[1]
    out = -(-frames // stride)
    missing = max((out - 1) * stride + (taps - 1) * dilation + 1 - frames, 0)
    x = np.pad(x, ((0, 0), (missing // 2, missing - missing // 2), (0, 0)))
    # One matrix product per tap over all segments: NumPy is slow with a stack of
    # small products.
    y = np.broadcast_to(bias, (len(x) * out, kernel.shape[-1]))
    for tap in range(taps):
        first = tap * dilation
        shifted = x[:, first : first + (out - 1) * stride + 1 : stride]
        y = y + shifted.reshape(-1, x.shape[-1]) @ kernel[tap]
    y = np.maximum(y, 0.0).reshape(len(x), out, -1)
    return _normalize(layers, f"norm_{number}", y)
