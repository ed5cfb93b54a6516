"""The siamese program with some of its faults fixed."""

import dataclasses

import keras
import numpy as np
from keras import ops

from .. import distances, layers, losses, metrics, networks, sampling, scaling
from ..errors import ArgumentError
from . import siamese

__all__ = ["FIXES", "Fix", "Program", "with_fixes"]


@dataclasses.dataclass(frozen=True)
class Fix:
    """One fault of the siamese program.

    Parameters
    ----------
    name : str
        Name of the fix, for `with_fixes`.
    symptom : str
        How to notice the fault.
    posted, fixed : str
        The line that is wrong, in `siamese` or after the fixes before it, and the line
        to replace it; "scaling" adds its line.
    needs : tuple of str
        Names of the fixes without which this one does nothing or cannot be applied.
        All need "shape".
    """

    name: str
    symptom: str
    posted: str
    fixed: str
    needs: tuple[str, ...] = ()


FIXES = (
    Fix(
        "shape",
        "the loss of balanced labels falls to 0.5 and stays there (docs/doctor.md#s1)",
        "return ops.sum(p * ops.log(p / q), axis=-1)",
        "return ops.sum(p * ops.log(p / q), axis=-1, keepdims=True)  # hinge, too",
    ),
    Fix(
        "metric",
        "accuracy falls while the network learns (docs/doctor.md#s3)",
        "metrics=[accuracy]",
        "metrics=[siamlab.metrics.EER()]",
    ),
    Fix(
        "scaling",
        "most gates of the first LSTM are saturated (docs/doctor.md#s30)",
        "model.add(keras.Input((n_frames, n_mels)))",
        "model.add(siamlab.layers.Scale.from_scaler(StandardScaler().fit(features)))",
    ),
    Fix(
        "softmax",
        "outputs do not sum to 1, divergences are negative, clipped outputs have no "
        "gradient (docs/doctor.md#s5, docs/doctor.md#s6)",
        'model.add(layers.PReLU(name="output"))',
        'model.add(layers.Softmax(name="output"))  # and no clip',
    ),
    Fix(
        "both directions",
        "swapping the two segments changes the distance (docs/doctor.md#s8)",
        "kl(p, q)",
        "kl(p, q) + kl(q, p)",
    ),
    Fix(
        "a hinge for each",
        "a large divergence in one direction hides a small one in the other "
        "(docs/doctor.md#s9)",
        "kl(p, q) + kl(q, p)",
        "ops.stack([kl(p, q), kl(q, p)], axis=-1)",
        ("both directions",),
    ),
    Fix(
        "margin",
        "different speakers that are 1 nat apart cost nothing (docs/doctor.md#s10)",
        "MARGIN = 1.0",
        "MARGIN = 3.0",
    ),
    Fix(
        "all pairs",
        "a batch of 256 segments is used as 128 pairs, although it contains 32,640",
        "model = keras.Model([input_a, input_b], distance)",
        "model = siamlab.networks.SpeakerNet(base_network)  # with losses.KLHinge",
        ("softmax", "a hinge for each"),
    ),
    Fix(
        "cosines",
        "a margin in nats has to be chosen, and most pairs are beyond it",
        "loss=siamlab.losses.KLHinge(margin=3.0)",
        "loss=siamlab.losses.SupervisedContrastive(temperature=0.1)  # unit length",
        ("all pairs",),
    ),
)


def with_fixes(*names, units=128):
    """Return the siamese program with some of its faults fixed.

    Parameters
    ----------
    *names : str
        Names of `FIXES`. Fixes that others need are added.
    units : int
        Units of each LSTM, in each direction.

    Returns
    -------
    Program
        ``with_fixes()`` is the program as posted.

    Raises
    ------
    ArgumentError
        If there is no such fix.

    Examples
    --------
    >>> with_fixes("softmax").fixes
    ('shape', 'softmax')
    """
    known = [fix.name for fix in FIXES]
    if unknown := set(names) - set(known):
        raise ArgumentError(
            f"a fix must be one of {', '.join(known)}; got {min(unknown)!r}"
        )
    found = {"shape", *names} if names else set()
    for fix in reversed(FIXES):  # those that a fix needs come before it
        if fix.name in found:
            found.update(fix.needs)
    return Program(tuple(name for name in known if name in found), units)


@dataclasses.dataclass(frozen=True)
class Program:
    """The siamese program with some of its faults fixed; see `with_fixes`.

    Parameters
    ----------
    fixes : tuple of str
        Names of the fixes, in the order of `FIXES`.
    units : int
        Units of each LSTM, in each direction.
    """

    fixes: tuple[str, ...]
    units: int

    def network(self, features):
        """Build and compile the network.

        Parameters
        ----------
        features : Features
            Features of the training speakers, to fit the scaler.

        Returns
        -------
        keras.Model
            Train it on `batches`. Its layer "base_network" maps segments to outputs.
        """
        base = self._base_network(features)
        if not self.fixes:
            return siamese.build_siamese(base)
        margin = 3.0 if "margin" in self.fixes else siamese.MARGIN
        if "all pairs" in self.fixes:
            net, metric = networks.SpeakerNet(base), None
            loss: keras.Loss = losses.KLHinge(margin)
            if "cosines" in self.fixes:
                loss = losses.SupervisedContrastive(temperature=0.1)
        else:
            net, loss = self._pair_network(base), losses.DistanceHinge(margin)
            metric = [metrics.EER() if "metric" in self.fixes else siamese.accuracy]
        net.compile(keras.optimizers.Adam(0.001), loss=loss, metrics=metric)
        return net

    def _base_network(self, features):
        scale = output = None
        if "scaling" in self.fixes:
            scaler = scaling.StandardScaler().fit(features)
            scale = layers.Scale.from_scaler(scaler, name="scale")
        if "cosines" in self.fixes:
            output = keras.layers.UnitNormalization(name="output")
        elif "softmax" in self.fixes:
            output = keras.layers.Softmax(name="output")
        n_mels = features[0].shape[-1]
        return siamese.build_model(
            n_mels=n_mels, units=self.units, scale=scale, output=output
        )

    def _pair_network(self, base):
        distance = "symmetric_kl" if "both directions" in self.fixes else distances.kl
        if "a hinge for each" in self.fixes:
            distance = "kl"
        inputs = [keras.Input(base.input_shape[1:]) for _ in range(2)]
        outputs = [base(x) for x in inputs]
        if "softmax" not in self.fixes:
            outputs = [ops.clip(y, keras.backend.epsilon(), 1.0) for y in outputs]
        return keras.Model(inputs, layers.Distance(distance)(outputs))

    def batches(self, features, steps=None, seed=0):
        """Return batches for training, of 256 segments each.

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
        sampling.PairBatches or sampling.SpeakerBatches
            128 pairs, or 8 segments of each of 32 speakers (all, if there are fewer).
        """
        settings = {"steps_per_epoch": steps, "seed": seed}
        if "all pairs" not in self.fixes:
            return sampling.PairBatches(features, batch_size=128, **settings)
        n = min(32, len(set(features.speakers)))
        return sampling.SpeakerBatches(features, n, n_segments=256 // n, **settings)

    def similarities(self, outputs):
        """Compare all pairs of outputs as the loss compares them.

        Parameters
        ----------
        outputs : numpy.ndarray
            Outputs of "base_network", shape (utterances, units).

        Returns
        -------
        numpy.ndarray
            Shape (utterances, utterances): the divergences in both directions, added
            and negated; cosines, if the program is trained with cosines.
        """
        if "cosines" in self.fixes:
            return 1.0 - distances.pairwise_cosine(outputs)
        if "softmax" not in self.fixes:
            outputs = np.clip(outputs, keras.backend.epsilon(), 1.0)
        divergences = distances.pairwise_kl(outputs)
        return -(divergences + divergences.T)
