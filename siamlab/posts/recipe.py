"""Which faults of the posted program are fixed, and the order of the fixes."""

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

__all__ = ["FIXES", "POSTED", "Recipe", "ladder"]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Settings of a training run: the posted program with some of its faults fixed.

    Parameters
    ----------
    scaled : bool
        Standardize the input, instead of using unscaled decibels (docs/doctor.md#s30).
    softmax : bool
        Use a softmax output, instead of a PReLU and a clip (docs/doctor.md#s5).
    each_pair : bool
        Use one hinge per pair, instead of one for their mean (docs/doctor.md#s2).
    directions : {1, 2}
        Directions of the divergence (docs/doctor.md#s8).
    hinges : {1, 2}
        With two directions: 2 for one hinge per direction, 1 for a hinge of their sum.
    margin : float
        Margin in nats (docs/doctor.md#s10).
    all_pairs : bool
        Use all pairs of batches of 32 speakers with 4 segments each, instead of the
        same number of segments drawn as pairs.
    loss : {"kl-hinge", "supcon", "aam"}
        The loss; "supcon" and "aam" need all other fixes of the loss.
    units : int
        Units of each LSTM, in each direction.

    Raises
    ------
    ArgumentError
        If a setting is unknown, or a fix needs another one.

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
        known = "kl-hinge", "supcon", "aam"
        rules = {
            "directions must be 1 or 2": self.directions in (1, 2),
            "hinges must be 1 or the number of directions": self.hinges
            in (1, self.directions),
            f"loss must be one of {', '.join(known)}": self.loss in known,
            "all_pairs needs softmax, each_pair and hinges=2": whole
            or not self.all_pairs,
            f"loss={self.loss!r} needs all_pairs": self.all_pairs
            or self.loss == "kl-hinge",
        }
        for rule, holds in rules.items():
            if not holds:
                raise ArgumentError(f"{rule}; got {self}")

    def with_fixes(self, **fixes):
        """Fix some of the faults.

        Parameters
        ----------
        **fixes
            Settings of `Recipe`.

        Returns
        -------
        Recipe
            A new recipe.
        """
        return dataclasses.replace(self, **fixes)

    def network(self, features):
        """Build the network, and compile it with Adam.

        Parameters
        ----------
        features : Features
            Features of the training speakers, to fit the scaler and count the speakers.

        Returns
        -------
        networks.SpeakerNet or networks.Siamese
            The compiled network; train it on `batches`.
        """
        scaler = scaling.StandardScaler().fit(features) if self.scaled else None

        def encoder(head):
            return networks.blstm_encoder(
                n_mels=features[0].shape[-1], units=self.units, head=head, scaler=scaler
            )

        if self.loss == "supcon":
            net = networks.SpeakerNet(encoder("unit"))
            loss = losses.SupervisedContrastive(temperature=0.1)
        elif self.loss == "aam":
            n_speakers = len(set(features.speakers))
            net = networks.SpeakerNet(networks.classifier(encoder("unit"), n_speakers))
            loss = losses.AAMSoftmax()
        elif self.all_pairs:
            net = networks.SpeakerNet(encoder("softmax"))
            loss = losses.KLHinge(self.margin)
        else:
            net = networks.Siamese(
                encoder("softmax") if self.softmax else prelu_head(encoder("logits")),
                self._distance(),
            )
            hinge = losses.DistanceHinge if self.each_pair else MeanHinge
            loss = hinge(self.margin)
        net.compile("adam", loss=loss)
        return net

    def _distance(self):
        """Return the argument of `layers.Distance`."""
        if self.directions == 1:
            return kl_one_way if self.softmax else clipped_kl
        if self.hinges == 1:
            return distances.symmetric_kl if self.softmax else clipped_both
        return "kl" if self.softmax else clipped_each

    def batches(self, features, steps=None, seed=0):
        """Return batches for training, of 128 segments each.

        Parameters
        ----------
        features : Features
            Features of the training speakers.
        steps : int, optional
            Batches per epoch.
        seed : int
            Seed of the random numbers.

        Returns
        -------
        sampling.SpeakerBatches or sampling.PairBatches
            Batches for ``fit``.
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

FIXES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("as posted", {}),
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
    """Fix one fault after another.

    Parameters
    ----------
    source : Recipe
        Recipe to start from.

    Returns
    -------
    dict of str to Recipe
        For each fix, the recipe with this fix and all fixes before it.

    Examples
    --------
    >>> list(ladder())[:2]
    ['as posted', 'input scaled']
    """
    recipes = {}
    for name, fixes in FIXES:
        source = source.with_fixes(**fixes)
        recipes[name] = source
    return recipes
