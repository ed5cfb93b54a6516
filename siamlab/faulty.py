"""The source program's mistakes, each to be switched on alone.

Nothing here should be copied into a program of your own. Each function does what the
program of the call for help did; its docstring says what is wrong, what shows it, and
what does it right.

In the model and its loss:

- `prelu_head`: outputs that are no distribution.
- `clipped_kl`: a divergence that looks away where the outputs are wrong.
- `kl_one_way`: one of two directions.
- `MeanHinge`: one hinge for the mean of a batch.
- `broadcast_loss`: labels against distances of another shape.

In what is measured:

- `accuracy_of_distances`: the metric that perfect networks fail.
- `broadcast_accuracy`: the metric that is 0.5 whatever happens.
- `fresh_extractor`: embeddings of a network that was never trained.

All of it at once, and then not:

- `Recipe`: which of the mistakes are made; `SOURCE` makes them all.
- `LADDER`: the mends, in the order in which one finds them.

Notebooks: 05_kl_hinge_loss, 06_accuracy_on_distances, 08_embeddings.
"""

import dataclasses

import keras
from keras import ops

from . import distances, losses, networks, sampling, scaling
from .errors import ArgumentError

__all__ = [
    "LADDER",
    "SOURCE",
    "MeanHinge",
    "Recipe",
    "accuracy_of_distances",
    "broadcast_accuracy",
    "broadcast_loss",
    "clipped_kl",
    "fresh_extractor",
    "kl_one_way",
    "ladder",
    "prelu_head",
]

_EPSILON = 1e-7  # keras.backend.epsilon(), as the program had it


def prelu_head(base):
    """End a network in a PReLU, whose outputs are no distribution (FAULTS S5, S7).

    A divergence compares distributions: its inputs must be positive and sum to 1.
    Keras begins with a slope of 0 below 0, which the clip behind it never changes: a
    ReLU, then.
    Shown by: rows that do not sum to 1; divergences below 0, down to -1/e for each
    output, -47 for 128 of them.
    Mend: a softmax (``networks.base(head="softmax")``).

    Parameters
    ----------
    base : keras.Model
        Of ``networks.base(head="logits")``.

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

    Where an output is at most 0 or at least 1, the clip passes no gradient: the
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
    depend on which pair has which label, so that nothing can be learnt.
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
    for old, new in zip(base.layers, again.layers, strict=True):
        if old.name == "scale":  # a scaler is computed from the data, not trained
            new.set_weights(old.get_weights())
    return keras.Model(again.input, again.get_layer(layer).output)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train a network of speakers: which mistakes are mended.

    Parameters
    ----------
    scaled : bool
        Standardise the input, rather than take decibels as they are (FAULTS S30).
    softmax : bool
        End in a softmax, rather than in a PReLU under a clip (S5 to S7).
    each_pair : bool
        A hinge for each pair, rather than one for their mean (S2).
    directions : {1, 2}
        Directions of the divergence (S8).
    hinges : {1, 2}
        With two directions: a hinge for each, rather than for their sum (S9).
    margin : float
        In nats (S10).
    all_pairs : bool
        All pairs of each batch of 32 speakers x 4 segments, rather than as many
        segments drawn as pairs.
    loss : {"kl-hinge", "supcon", "aam"}
        What all of it is for; those behind the first need the other mends.
    units : int
        Of each BLSTM.

    Raises
    ------
    ArgumentError
        If mends are combined that need others.

    Examples
    --------
    >>> Recipe() == SOURCE
    True
    >>> SOURCE.mended(scaled=True).scaled
    True
    """

    scaled: bool = False
    softmax: bool = False
    each_pair: bool = False
    directions: int = 1
    hinges: int = 1
    margin: float = 1.0
    all_pairs: bool = False
    loss: str = "kl-hinge"
    units: int = 128

    def __post_init__(self):
        whole = self.softmax and self.each_pair and self.hinges == 2
        for broken, message in (
            (self.directions not in (1, 2), "directions must be 1 or 2"),
            (self.hinges not in (1, 2), "hinges must be 1 or 2"),
            (self.hinges > self.directions, "two hinges need two directions"),
            (
                self.loss not in ("kl-hinge", "supcon", "aam"),
                'loss must be "kl-hinge", "supcon" or "aam"',
            ),
            (
                self.all_pairs and not whole,
                "all_pairs needs softmax, each_pair and hinges=2: see losses.KLHinge",
            ),
            (
                self.loss != "kl-hinge" and not self.all_pairs,
                f"loss={self.loss!r} needs all_pairs",
            ),
        ):
            if broken:
                raise ArgumentError(f"{message}; got {self}")

    def mended(self, **mends):
        """Make some of it right.

        Parameters
        ----------
        **mends
            As for `Recipe`.

        Returns
        -------
        Recipe
            Another one.
        """
        return dataclasses.replace(self, **mends)

    def network(self, features):
        """Build the network, and compile it with Adam.

        Parameters
        ----------
        features : Features
            Of the training speakers: for the scaler, and to count them.

        Returns
        -------
        networks.SpeakerNet or networks.Siamese
            To be trained on `batches`.
        """
        scaler = scaling.Standard().fit(features) if self.scaled else None

        def base(head):
            return networks.base(
                bands=features[0].shape[-1], units=self.units, head=head, scaler=scaler
            )

        if self.loss == "supcon":
            return networks.SpeakerNet(
                base("unit"), losses.SupervisedContrastive(temperature=0.1)
            )
        if self.loss == "aam":
            speakers = len(set(features.speakers))
            return networks.SpeakerNet(
                networks.classifier(base("unit"), speakers), losses.AAMSoftmax()
            )
        if self.all_pairs:
            return networks.SpeakerNet(base("softmax"), losses.KLHinge(self.margin))
        hinge = losses.DistanceHinge if self.each_pair else MeanHinge
        return networks.Siamese(
            base("softmax") if self.softmax else prelu_head(base("logits")),
            self._distance(),
            hinge(self.margin),
        )

    def _distance(self):
        """Name or make what `layers.Distance` takes."""
        if self.directions == 1:
            return kl_one_way if self.softmax else clipped_kl
        if self.hinges == 1:
            return distances.symmetric_kl if self.softmax else _clipped_both
        return "kl" if self.softmax else _clipped_each

    def batches(self, features, steps=None, seed=0):
        """Draw what a step of training sees: 128 segments, whichever way.

        Parameters
        ----------
        features : Features
            Of the training speakers.
        steps : int, optional
            Batches per epoch.
        seed : int
            Of the draws.

        Returns
        -------
        sampling.SpeakerBatches or sampling.Pairs
            For `fit`.
        """
        if self.all_pairs:
            return sampling.SpeakerBatches(features, steps=steps, seed=seed)
        return sampling.Pairs(features, batch_size=64, steps=steps, seed=seed)


@keras.saving.register_keras_serializable(package="siamlab")
def _clipped_both(p, q):
    return clipped_kl(p, q) + clipped_kl(q, p)


@keras.saving.register_keras_serializable(package="siamlab")
def _clipped_each(p, q):
    return ops.stack([clipped_kl(p, q), clipped_kl(q, p)], axis=-1)


SOURCE = Recipe()

LADDER = (
    ("the source program", {}),
    ("input scaled", {"scaled": True}),
    ("softmax, no clip", {"softmax": True}),
    ("a hinge for each pair", {"each_pair": True}),
    ("both directions, summed", {"directions": 2}),
    ("a hinge for each direction", {"hinges": 2}),
    ("margin 3", {"margin": 3.0}),
    ("all pairs of a batch", {"all_pairs": True}),
    ("softmax over cosines", {"loss": "supcon"}),
    ("margin on the angle", {"loss": "aam"}),
)


def ladder(source=SOURCE):
    """Mend one thing after the other.

    Parameters
    ----------
    source : Recipe
        Where to begin.

    Returns
    -------
    dict of str to Recipe
        The name of each mend, and the recipe with it and all before it.

    Examples
    --------
    >>> list(ladder())[:2]
    ['the source program', 'input scaled']
    """
    recipes = {}
    for name, mend in LADDER:
        source = source.mended(**mend)
        recipes[name] = source
    return recipes
