"""Small data for the labs."""

import numpy as np
from scipy.special import softmax

from siamlab import ctc


def scores():
    """Labels and scores of same- and different-speaker pairs, with some overlap."""
    rng = np.random.default_rng(0)
    same = np.arange(300) < 60
    return same, rng.normal(np.where(same, 0.7, 0.1), 0.2)


def phone_outputs():
    """Logits by network, epoch and utterance; vocabulary, true phones and their times.

    The first network learns that a phone lasts two frames of five; the second one has
    constant outputs. Frames are 10 ms apart.
    """
    rng = np.random.default_rng(0)
    vocabulary = ctc.Vocabulary(("a", "b", "n"))
    truth = [list("banana"), list("abba")]
    certain, constant = [], []
    for phones in truth:
        path = np.full(5 * len(phones), vocabulary.blank)
        path[2::5] = path[3::5] = vocabulary.encode(phones)
        certain.append(np.eye(4)[path])
        constant.append(np.tile([0.0, 0.0, 0.0, 2.0], (len(path), 1)))
    learns = [
        [weight * y + rng.normal(scale=0.5, size=y.shape) for y in certain]
        for weight in (0, 2, 8)
    ]
    times = [
        [(name, 0.05 * i, 0.05 * (i + 1)) for i, name in enumerate(phones)]
        for phones in truth
    ]
    outputs = {"scaled": learns, "unscaled": [learns[0], constant]}
    return outputs, vocabulary, truth, times


def pair_outputs():
    """Labels of pairs; outputs of a softmax for both segments, and of a ReLU."""
    rng = np.random.default_rng(0)
    same = np.arange(60) < 30
    logits = rng.normal(size=(2, 60, 8))
    logits[1, same] = logits[0, same] + 0.3 * rng.normal(size=(30, 8))
    return same, tuple(softmax(logits, axis=-1)), tuple(np.maximum(logits, 0))


def spectrograms():
    """Two spectrograms in dB with digital silence; high bands are quiet."""
    rng = np.random.default_rng(0)
    frames = rng.normal(np.linspace(-20, -60, 40), 12, size=(2, 60, 40))
    frames[:, 20:24] = -190
    return list(frames)


def recording():
    """Half a second of a hum with a click and a pause, and its sampling rate."""
    t = np.arange(8000) / 16000
    samples = 0.2 * np.sin(2 * np.pi * 200 * t) * np.sin(2 * np.pi * 1400 * t)
    samples[2000] = 0.9
    samples[5000:6000] = 0
    return samples, 16000


def speakers():
    """Embeddings and features of 40 utterances, and a function that maps at once."""
    import siamlab as sl  # only here, because the voices take a while

    rng = np.random.default_rng(0)
    features = sl.extract(sl.corpora.voices(n_speakers=2, n_utterances=2))
    features = features.select(np.arange(40) % 4)
    features.table["speaker"] = [f"speaker {i % 5}" for i in range(40)]
    embeddings = rng.normal(size=(40, 8))
    embeddings += 2 * rng.normal(size=(5, 8))[np.arange(40) % 5]

    def layout(x, n_neighbors=15, min_dist=0.1, metric="cosine", seed=0):
        noise = np.random.default_rng(seed).normal(size=(len(x), 2))
        return x[:, :2] + (min_dist + 1 / n_neighbors + len(metric) / 20) * noise

    return embeddings, features, layout
