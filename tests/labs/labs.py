"""A small lab of each kind, made at once: what the contract suite tests."""

import numpy as np

from siamlab import ctc, labs


def scores():
    """Labels and scores of same- and different-speaker pairs, with some overlap."""
    rng = np.random.default_rng(0)
    same = np.arange(300) < 60
    return same, rng.normal(np.where(same, 0.7, 0.1), 0.2)


def recorded():
    """Return logits by network, epoch and utterance, the symbols, and what was said.

    One network comes to know that a phone lasts two frames of five; the other says
    the same at all times. Frames are 10 ms.
    """
    rng = np.random.default_rng(0)
    symbols = ctc.Vocabulary(("a", "b", "n"))
    truth = [list("banana"), list("abba")]
    sure, flat = [], []
    for said in truth:
        path = np.full(5 * len(said), symbols.blank)
        path[2::5] = path[3::5] = symbols.encode(said)
        sure.append(np.eye(4)[path])
        flat.append(np.tile([0.0, 0.0, 0.0, 2.0], (len(path), 1)))
    learns = [
        [weight * y + rng.normal(scale=0.5, size=y.shape) for y in sure]
        for weight in (0, 2, 8)
    ]
    phones = [
        [(name, 0.05 * i, 0.05 * (i + 1)) for i, name in enumerate(said)]
        for said in truth
    ]
    outputs = {"scaled": learns, "unscaled": [learns[0], flat]}
    return outputs, symbols, truth, phones


def outputs():
    """Which pairs are of one speaker; what a softmax says of them, and what a ReLU."""
    rng = np.random.default_rng(0)
    same = np.arange(60) < 30
    logits = rng.normal(size=(2, 60, 8))
    logits[1, same] = logits[0, same] + 0.3 * rng.normal(size=(30, 8))
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return same, tuple(softmax), tuple(np.maximum(logits, 0))


def decibels():
    """Two spectrograms with digital silence in them, in dB; high bands are quiet."""
    rng = np.random.default_rng(0)
    frames = rng.normal(np.linspace(-20, -60, 40), 12, size=(2, 60, 40))
    frames[:, 20:24] = -190
    return list(frames)


def recording():
    """Half a second of a hum with a click and a pause in it, and its rate."""
    t = np.arange(8000) / 16000
    samples = 0.2 * np.sin(2 * np.pi * 200 * t) * np.sin(2 * np.pi * 1400 * t)
    samples[2000] = 0.9
    samples[5000:6000] = 0
    return samples, 16000


def heard():
    """Embeddings of 40 utterances, their spectrograms, and a map made in no time.

    There are four recordings, each of which is used ten times.
    """
    import siamlab as sl  # the voices are only needed here

    rng = np.random.default_rng(0)
    few = sl.extract(sl.corpora.voices(n_speakers=2, n_utterances=2))
    features = few.select(np.arange(40) % 4)
    features.table["speaker"] = [f"speaker {i % 5}" for i in range(40)]
    embeddings = (
        rng.normal(size=(40, 8)) + 2 * rng.normal(size=(5, 8))[np.arange(40) % 5]
    )

    def layout(x, *, n_neighbors, min_dist, metric, seed):
        noise = np.random.default_rng(seed).normal(size=(len(x), 2))
        return x[:, :2] + (min_dist + 1 / n_neighbors + len(metric) / 20) * noise

    return embeddings, features, layout


# Name -> how to make one.
LABS = {
    "ctc": lambda: labs.CTCLab(*recorded()[:3], hop_seconds=0.01, phones=recorded()[3]),
    "explorer": lambda: labs.SpeakerExplorer(*heard()[:2], layout=heard()[2]),
    "margin": lambda: labs.MarginLab(*outputs()),
    "scaling": lambda: labs.ScalingLab(decibels()),
    "simplex": lambda: labs.SimplexLab(points=4, steps=40),
    "spectrogram": lambda: labs.SpectrogramLab(*recording()),
    "threshold": lambda: labs.ThresholdLab(*scores()),
}
