"""Which of the mistakes a training makes, and the ladder of their mends."""

import dataclasses
from typing import Any

from .. import distances, losses, networks, sampling, scaling
from ..errors import ArgumentError
from .faults import (
    MeanHinge,
    clipped_both,
    clipped_each,
    clipped_kl,
    kl_one_way,
    prelu_head,
)

__all__ = ["LADDER", "POSTED", "Recipe", "ladder"]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train a network of speakers: which mistakes are mended.

    Parameters
    ----------
    scaled : bool
        Standardize the input, rather than take decibels as they are (FAULTS S30).
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
    >>> Recipe() == POSTED
    True
    >>> POSTED.with_fixes(scaled=True).scaled
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

    def with_fixes(self, **mends):
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
        scaler = scaling.StandardScaler().fit(features) if self.scaled else None

        def base(head):
            return networks.blstm_encoder(
                n_mels=features[0].shape[-1], units=self.units, head=head, scaler=scaler
            )

        if self.loss == "supcon":
            net = networks.SpeakerNet(base("unit"))
            loss = losses.SupervisedContrastive(temperature=0.1)
        elif self.loss == "aam":
            n_speakers = len(set(features.speakers))
            net = networks.SpeakerNet(networks.classifier(base("unit"), n_speakers))
            loss = losses.AAMSoftmax()
        elif self.all_pairs:
            net = networks.SpeakerNet(base("softmax"))
            loss = losses.KLHinge(self.margin)
        else:
            encoder = base("softmax") if self.softmax else prelu_head(base("logits"))
            net = networks.Siamese(encoder, self._distance())
            hinge = losses.DistanceHinge if self.each_pair else MeanHinge
            loss = hinge(self.margin)
        net.compile("adam", loss=loss)
        return net

    def _distance(self):
        """Name or make what `layers.Distance` takes."""
        if self.directions == 1:
            return kl_one_way if self.softmax else clipped_kl
        if self.hinges == 1:
            return distances.symmetric_kl if self.softmax else clipped_both
        return "kl" if self.softmax else clipped_each

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
            n_speakers = min(32, len(set(features.speakers)))
            return sampling.SpeakerBatches(
                features, n_speakers, steps_per_epoch=steps, seed=seed
            )
        return sampling.PairBatches(
            features, batch_size=64, steps_per_epoch=steps, seed=seed
        )


POSTED = Recipe()

LADDER: tuple[tuple[str, dict[str, Any]], ...] = (
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


def ladder(source=POSTED):
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
        source = source.with_fixes(**mend)
        recipes[name] = source
    return recipes
