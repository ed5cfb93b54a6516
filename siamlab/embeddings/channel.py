"""Voice or microphone: what an equal error rate cannot tell by itself."""

import dataclasses

import numpy as np

from ..features import Features
from ..metrics import Estimate, verify


@dataclasses.dataclass(frozen=True)
class ChannelRobustness:
    """Equal error rates of a `channel_robustness`.

    Parameters
    ----------
    as_is : Estimate
        Of the recordings as they are.
    filtered : Estimate
        After a random filter for each utterance. Much higher: it was the microphone.
    average_spectrum : Estimate
        Of the long-term average spectrum, without any network. Low: in this corpus
        microphone and room give the speaker away, and a low EER proves nothing.
    """

    as_is: Estimate
    filtered: Estimate
    average_spectrum: Estimate

    def __repr__(self):
        """Three lines with names, rates and intervals."""
        rows = (
            ("as it is", self.as_is),
            ("another microphone for each", self.filtered),
            ("average spectrum alone", self.average_spectrum),
        )
        return "EER\n" + "\n".join(f"  {name:<28} {rate}" for name, rate in rows)


def channel_robustness(net, features, *, range_db=6.0, seed=0, **embedding):
    """Ask whether a network hears voices or microphones (FAULTS S38).

    A smooth random curve is added to each utterance's spectrogram, as another
    microphone would. Who listens to voices does not care much.

    Parameters
    ----------
    net : keras.Model or callable
        A network for `siamlab.embed`, or a function from features to embeddings
        (utterances, dim).
    features : Features
        In dB, of speakers whom the network was not trained on.
    range_db : float
        Standard deviation of the curves, in dB; see `layers.RandomEQ`.
    seed : int
        Of the curves, and of the intervals' resamples.
    **embedding
        For `siamlab.embed`.

    Returns
    -------
    ChannelRobustness
        Its three equal error rates.

    Raises
    ------
    ArgumentError
        If there are not at least two speakers with two utterances, or as for
        `siamlab.embed`.

    Examples
    --------
    >>> import siamlab as sl
    >>> features = sl.extract(sl.corpora.voices(n_speakers=4, n_utterances=3))
    >>> check = channel_robustness(sl.networks.blstm_encoder(units=4), features)
    >>> check.filtered.low <= check.filtered <= check.filtered.high
    True
    """
    import keras

    from .extraction import embed

    if isinstance(net, keras.Model):

        def vectors(features):
            return embed(net, features, **embedding)

    else:
        vectors = net

    def rate(embeddings):
        return verify(embeddings, features.speakers, seed=seed).eer

    return ChannelRobustness(
        rate(vectors(features)),
        rate(vectors(randomize_channel(features, range_db, seed))),
        rate(average_spectra(features)),
    )


def randomize_channel(features, range_db=6.0, seed=0):
    """Give each utterance a microphone of its own.

    Parameters
    ----------
    features : Features
        In dB.
    range_db : float
        Standard deviation of the curves, in dB.
    seed : int
        Of the curves.

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
    """Describe each utterance by its long-term average spectrum alone.

    Parameters
    ----------
    features : Features or sequence of numpy.ndarray
        In dB, shape (frames, bands) each.

    Returns
    -------
    numpy.ndarray
        Shape (utterances, bands), standardized over the utterances; without their
        loudness.
    """
    means = np.stack([np.mean(array, axis=0) for array in features])
    means = means - means.mean(axis=1, keepdims=True)
    spread = means.std(axis=0)
    return (means - means.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
