"""The mistakes, one by one: what is wrong, what shows it, and what does it right."""

import keras
from keras import ops

from .. import distances

_EPSILON = 1e-7  # keras.backend.epsilon(), as the program had it


def prelu_head(base):
    """End a network in a PReLU, whose outputs are no distribution (FAULTS S5, S7).

    A divergence compares distributions: its inputs must be positive and sum to 1.
    Keras begins with a slope of 0 below 0, which the clip behind it never changes: a
    ReLU, then.
    Shown by: rows that do not sum to 1; divergences below 0, down to -1/e for each
    output, -47 for 128 of them.
    Mend: a softmax (``networks.blstm_encoder(head="softmax")``).

    Parameters
    ----------
    base : keras.Model
        Of ``networks.blstm_encoder(head="logits")``.

    Returns
    -------
    keras.Model
        (batch, frames, bands) -> (batch, outputs).
    """
    outputs = keras.layers.PReLU(name="prelu")(base.output)
    return keras.Model(base.input, outputs, name=base.name)


@keras.saving.register_keras_serializable(package="siamlab")
def clipped_kl(p, q):
    """Clip what is no distribution until its logarithm exists (FAULTS S6).

    Where an output is at most 0 or above 1, the clip passes no gradient: the
    network is never told about the outputs that are most wrong.
    Shown by: the share of outputs whose gradient is 0.
    Mend: softmax outputs and `distances.kl`, which needs no clip.

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
    """Sum the two directions of `clipped_kl`.

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
    """Take both directions of `clipped_kl`, each for itself.

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
    """Measure in one direction only (FAULTS S8).

    Swapping the inputs changes the distance: who comes first decides.
    Shown by: d(a, b) against d(b, a).
    Mend: both directions, ``layers.Distance("kl")``.

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
    """Take the mean over the batch's pairs before the hinge (FAULTS S2).

    As soon as different speakers are a margin apart on average, no pair of different
    speakers is pushed any more, however close; until then every one is, however far.
    Shown by: the gradient of one pair's loss with respect to another pair's distance.
    Mend: `losses.DistanceHinge`, whose loss is one number for each pair.

    Parameters
    ----------
    margin : float
        In nats.
    name : str
        As for any loss of Keras.
    dtype, reduction : optional
        As for any loss of Keras.
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
            One number.
        """
        same = ops.cast(ops.reshape(same, (-1, 1)), distance.dtype)
        apart = 1.0 - same
        together = ops.sum(same * distance) / ops.maximum(ops.sum(same), 1.0)
        away = ops.sum(apart * distance) / ops.maximum(ops.sum(apart), 1.0)
        return together + ops.relu(self.margin - away)

    def get_config(self):
        """Return the arguments.

        Returns
        -------
        dict
            For `from_config`.
        """
        return {**super().get_config(), "margin": self.margin}


def broadcast_loss(same, distance, margin=1.0):
    """Let labels (batch, 1) meet distances (batch,) (FAULTS S1).

    Every label meets every distance, a table of (batch, batch). Its mean does not
    depend on which pair has which label, so that nothing can be learned.
    Shown by: the shape; the loss after the labels were shuffled.
    Mend: distances of shape (batch, 1), as `layers.Distance` gives. Keras 3 mends the
    rank for a loss that is handed to `compile`; it cannot inside a function.

    Parameters
    ----------
    same : tensor
        1 for the same speaker, shape (batch, 1).
    distance : tensor
        Shape (batch,).
    margin : float
        In nats.

    Returns
    -------
    tensor
        Shape (batch, batch).
    """
    same = ops.cast(same, distance.dtype)
    return same * distance + (1.0 - same) * ops.relu(margin - distance)


def accuracy_of_distances(same, distance):
    """Take a distance for a probability, as `metrics=["accuracy"]` does (FAULTS S3).

    Keras compares the distance with 0.5 and takes what is larger for a 1. But 1 means
    "same speaker" and large means "far apart": a perfect network scores 0.0, and one
    whose distances are all small scores the share of different pairs, 0.5.
    Shown by: the metric of distances that are perfect.
    Mend: `metrics.EER`.

    Parameters
    ----------
    same : tensor
        1 for the same speaker, shape (batch, 1).
    distance : tensor
        Shape (batch, 1).

    Returns
    -------
    tensor
        Shape (batch,), 1 where the metric is content.
    """
    return keras.metrics.binary_accuracy(same, distance)


def broadcast_accuracy(same, distance):
    """Turn the distance round, and lose the pairs on the way (FAULTS S1, S3).

    Labels (batch, 1) are compared with verdicts (batch,): each label with every
    verdict. Of balanced pairs the mean is 0.5 whatever the verdicts are.
    Shown by: the metric of distances that are perfect.
    Mend: `metrics.EER`, or the same ranks on both sides.

    Parameters
    ----------
    same : tensor
        1 for the same speaker, shape (batch, 1).
    distance : tensor
        Shape (batch,).

    Returns
    -------
    tensor
        One number.
    """
    verdict = ops.cast(distance < 0.5, "float32")
    return ops.mean(ops.cast(ops.equal(ops.cast(same, "float32"), verdict), "float32"))


def fresh_extractor(base, layer="blstm_2"):
    """Build the network again to take embeddings from it (FAULTS S19).

    The new network has new random weights. Nothing fails; the embeddings have the
    right shape and are those of a network that was never trained.
    Shown by: its outputs against those of the trained network's layers.
    Mend: `embeddings.extractor`, which takes the trained layers themselves.

    Parameters
    ----------
    base : keras.Model
        The trained network.
    layer : str
        Whose output is the embedding.

    Returns
    -------
    keras.Model
        (batch, frames, bands) -> (batch, dim).
    """
    again = keras.models.clone_model(base)
    return keras.Model(again.input, again.get_layer(layer).output)
