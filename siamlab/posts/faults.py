"""The faults of the posted program, with their symptoms and fixes."""

import keras
from keras import ops

from .. import distances

_EPSILON = 1e-7  # keras.backend.epsilon(), as posted


def prelu_head(encoder):
    """Add a PReLU output, which does not output distributions, to a network.

    A divergence compares distributions: its inputs must be positive and sum to 1
    (docs/doctor.md#s5). The slope of the PReLU starts at 0, and the clip after it
    blocks its gradient, so it remains a ReLU.
    Symptom: rows that do not sum to 1; negative divergences, down to -1/e for each
    output, or -47 for 128 outputs.
    Fix: a softmax, ``networks.blstm_encoder(head="softmax")``.

    Parameters
    ----------
    encoder : keras.Model
        From ``networks.blstm_encoder(head="logits")``.

    Returns
    -------
    keras.Model
        (batch, time, mel) -> (batch, units).
    """
    outputs = keras.layers.PReLU(name="prelu")(encoder.output)
    return keras.Model(encoder.input, outputs, name=encoder.name)


@keras.saving.register_keras_serializable(package="siamlab")
def clipped_kl(p, q):
    """KL divergence of outputs that are clipped to avoid the logarithm of 0.

    If an output is at most 0 or above 1, the gradient of the clip is 0
    (docs/doctor.md#s6), so the outputs with the largest errors are never corrected.
    Symptom: a large fraction of the outputs has a gradient of 0.
    Fix: softmax outputs and `distances.kl`, which needs no clip.

    Parameters
    ----------
    p, q : tensor
        Shape (batch, units).

    Returns
    -------
    tensor
        Shape (batch,); may be negative.
    """
    p, q = ops.clip(p, _EPSILON, 1.0), ops.clip(q, _EPSILON, 1.0)
    return ops.sum(p * ops.log(p / q), axis=-1)


@keras.saving.register_keras_serializable(package="siamlab")
def clipped_both(p, q):
    """Sum of both directions of `clipped_kl`.

    Parameters
    ----------
    p, q : tensor
        Shape (batch, units).

    Returns
    -------
    tensor
        Shape (batch,).
    """
    return clipped_kl(p, q) + clipped_kl(q, p)


@keras.saving.register_keras_serializable(package="siamlab")
def clipped_each(p, q):
    """Both directions of `clipped_kl`, one column each.

    Parameters
    ----------
    p, q : tensor
        Shape (batch, units).

    Returns
    -------
    tensor
        Shape (batch, 2).
    """
    return ops.stack([clipped_kl(p, q), clipped_kl(q, p)], axis=-1)


@keras.saving.register_keras_serializable(package="siamlab")
def kl_one_way(p, q):
    """KL divergence in one direction only.

    KL divergence is not symmetric: swapping the inputs changes the distance
    (docs/doctor.md#s8).
    Symptom: d(a, b) differs from d(b, a).
    Fix: both directions, ``layers.Distance("kl")``.

    Parameters
    ----------
    p, q : tensor
        Probabilities, shape (batch, units).

    Returns
    -------
    tensor
        Shape (batch,), in nats.
    """
    return distances.kl(p, q)


@keras.saving.register_keras_serializable(package="siamlab")
class MeanHinge(keras.losses.Loss):
    """A hinge loss that averages over the pairs of a batch before the hinge.

    One distant different-speaker pair cancels the penalty of all close ones
    (docs/doctor.md#s2). If the mean distance exceeds the margin, no different-speaker
    pair has a gradient; otherwise, all of them have one.
    Symptom: the loss of one pair has a gradient with respect to another pair's
    distance.
    Fix: `losses.DistanceHinge`, which computes one loss per pair.

    Parameters
    ----------
    margin : float
        Margin in nats.
    name : str
        Name of the loss.
    dtype, reduction : optional
        As for `keras.losses.Loss`.
    """

    def __init__(self, margin=1.0, name="mean_hinge", dtype=None, reduction=None):
        super().__init__(name=name, dtype=dtype, reduction=reduction)
        self.margin = margin

    def call(self, same, distance):
        """Compute the loss.

        Parameters
        ----------
        same : tensor
            1 for the same speaker, shape (batch, 1).
        distance : tensor
            Shape (batch, directions).

        Returns
        -------
        tensor
            A scalar.
        """
        same = ops.cast(ops.reshape(same, (-1, 1)), distance.dtype)
        different = 1.0 - same
        mean_same = ops.sum(same * distance) / ops.maximum(ops.sum(same), 1.0)
        mean_different = ops.sum(different * distance) / ops.maximum(
            ops.sum(different), 1.0
        )
        return mean_same + ops.relu(self.margin - mean_different)

    def get_config(self):
        """Return the arguments of the constructor.

        Returns
        -------
        dict
            Configuration for `from_config`.
        """
        return {**super().get_config(), "margin": self.margin}


def broadcast_loss(same, distance, margin=1.0):
    """Compute a hinge loss with a broadcasting bug: (batch, 1) with (batch,).

    Every label is combined with every distance, which gives a matrix of shape
    (batch, batch) (docs/doctor.md#s1). Its mean does not depend on which pair has which
    label, so the network cannot learn anything.
    Symptom: the shape of the loss; shuffling the labels does not change the loss.
    Fix: distances of shape (batch, 1), as returned by `layers.Distance`. Keras 3
    corrects the rank for a loss function passed to ``compile``, but not inside it.

    Parameters
    ----------
    same : tensor
        1 for the same speaker, shape (batch, 1).
    distance : tensor
        Shape (batch,).
    margin : float
        Margin in nats.

    Returns
    -------
    tensor
        Shape (batch, batch).
    """
    same = ops.cast(same, distance.dtype)
    return same * distance + (1.0 - same) * ops.relu(margin - distance)


def fresh_extractor(encoder, layer="blstm_2"):
    """Build an embedding extractor with new random weights.

    No error is raised: the embeddings have the right shape, but they are those of an
    untrained network (docs/doctor.md#s19).
    Symptom: the outputs differ from those of the same layers in the trained network.
    Fix: `siamlab.embed`, or ``keras.Model(net.input, net.get_layer(name).output)``.

    Parameters
    ----------
    encoder : keras.Model
        The trained network.
    layer : str
        Layer whose output is the embedding.

    Returns
    -------
    keras.Model
        (batch, time, mel) -> (batch, dim).
    """
    clone = keras.models.clone_model(encoder)
    return keras.Model(clone.input, clone.get_layer(layer).output)
