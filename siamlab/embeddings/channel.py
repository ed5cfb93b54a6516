"""Tests of whether a network recognizes the speaker or the microphone.

- `channel_robustness`: the equal error rate as recorded, and with random microphones.
- `randomize_channel`: simulate a random microphone for each utterance.
- `average_spectra`: a baseline that captures the microphone and little else.

Notebook: 10_embeddings.
"""

import dataclasses
import functools

import numpy as np

from ..features import Features
from ..features.features import check_features
from ..metrics import Estimate, verify


@dataclasses.dataclass(frozen=True)
class ChannelRobustness:
    """The equal error rates that `channel_robustness` measures.

    Parameters
    ----------
    original : Estimate
        EER of the original recordings.
    randomized : Estimate
        EER with a random filter for each utterance. If it is much higher, the network
        relies on the microphones.
    average_spectrum : Estimate
        EER of the long-term average spectra, without a network. If it is low, the
        microphones and rooms of this corpus identify the speakers, and a low error
        rate says little about the network.
    """

    original: Estimate
    randomized: Estimate
    average_spectrum: Estimate

    def __repr__(self):
        """Show one line per error rate, with its interval."""
        return (
            "EER\n"
            f"  original               {self.original}\n"
            f"  random microphones     {self.randomized}\n"
            f"  average spectrum only  {self.average_spectrum}"
        )


def channel_robustness(model, features, *, range_db=6.0, seed=0, **kwargs):
    """Measure whether embeddings depend on the microphone (docs/doctor.md#s38).

    A smooth random curve is added to the spectrogram of each utterance, which simulates
    another microphone. Embeddings that depend on the voice alone barely change.

    Parameters
    ----------
    model : keras.Model, Encoder or callable
        A model for `siamlab.embed`, or a function that turns features into embeddings,
        shape (utterances, dim).
    features : Features
        Spectrograms in dB, of speakers who are not in the training set.
    range_db : float
        Standard deviation of the curves, in dB; see `layers.RandomEQ`.
    seed : int
        Seed of the curves, and of the resampling for the intervals.
    **kwargs
        Passed to `siamlab.embed`.

    Returns
    -------
    ChannelRobustness
        Three equal error rates.

    Raises
    ------
    ArgumentError
        If there are fewer than two speakers, if no speaker has two utterances, or as
        for `siamlab.embed`.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=4, n_utterances=3))
    >>> found = channel_robustness(sl.networks.blstm_encoder(units=4), features)
    >>> found.randomized.low <= found.randomized <= found.randomized.high
    True
    """
    import keras

    from .extraction import embed
    from .segment_encoder import SegmentEncoder

    check_features(features)
    is_model = isinstance(model, keras.Model | SegmentEncoder)
    compute = functools.partial(embed, model, **kwargs) if is_model else model

    def eer(compute, features):
        return verify(compute(features), features.speakers, seed=seed).eer

    return ChannelRobustness(
        original=eer(compute, features),
        randomized=eer(compute, randomize_channel(features, range_db, seed)),
        average_spectrum=eer(average_spectra, features),
    )


def randomize_channel(features, range_db=6.0, seed=0):
    """Simulate another microphone by filtering each utterance with a random curve.

    Parameters
    ----------
    features : Features
        Spectrograms in dB.
    range_db : float
        Standard deviation of the curves, in dB.
    seed : int
        Seed of the curves.

    Returns
    -------
    Features
        In memory, with the same table.
    """
    from ..layers import RandomEQ

    bands = np.shape(features[0])[-1]
    flat = np.zeros((len(features), 1, bands), dtype=np.float32)
    curves = np.asarray(RandomEQ(range_db, seed=seed)(flat, training=True))
    arrays = [array + curve for array, curve in zip(features, curves, strict=True)]
    return Features(arrays, features.table, features.spectrogram, features.rejected)


def average_spectra(features):
    """Describe each utterance by its long-term average spectrum.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        Spectrograms in dB, shape (time, mel) each.

    Returns
    -------
    numpy.ndarray
        Shape (utterances, mel). The mean over the bands is removed, and each band is
        standardized over the utterances.
    """
    means = np.stack([np.mean(array, axis=0) for array in features])
    means = means - means.mean(axis=1, keepdims=True)
    deviation = means.std(axis=0)
    return (means - means.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
