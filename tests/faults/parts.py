"""What many programs are made of: distances, hinges, two inputs over one network."""

import keras
from keras import ops


def squared(a, b):
    """Squared Euclidean distance, (batch, 1)."""
    return ops.sum((a - b) ** 2, axis=-1, keepdims=True)


def euclid(a, b):
    """Euclidean distance, (batch, 1), with a slope at 0."""
    return ops.sqrt(squared(a, b) + 1e-8)


def kl(p, q):
    """Kullback-Leibler divergence of positive outputs, (batch, 1)."""
    return ops.sum(p * ops.log(p / q), axis=-1, keepdims=True)


def both_ways(p, q):
    """The two directions side by side, (batch, 2)."""
    return ops.concatenate([kl(p, q), kl(q, p)], axis=-1)


def hinge(margin):
    """Label 1 = same."""

    def loss(y_true, d):
        return y_true * d + (1 - y_true) * ops.relu(margin - d)

    return loss


def hinge_each(margin):
    """A hinge for each column of distances; label 1 = same."""

    def loss(y_true, d):
        return ops.sum(y_true * d + (1 - y_true) * ops.relu(margin - d), axis=-1)

    return loss


def two_inputs(base, shape, distance):
    """Call one network for both inputs and put a distance on top."""
    left, right = keras.Input(shape, name="left"), keras.Input(shape, name="right")
    return keras.Model([left, right], distance(base(left), base(right)))


def pair_model(base, shape, distance):
    """The same, of inputs without names."""
    a, b = keras.Input(shape), keras.Input(shape)
    return keras.Model([a, b], distance(base(a), base(b)))
