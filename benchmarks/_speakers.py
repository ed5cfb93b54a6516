"""What the benchmarks of speaker networks share: corpora, training, evaluation."""

import time

import keras
import numpy as np
from sklearn.cluster import AgglomerativeClustering

import siamlab as sl

HEAD = ("recipe", "EER [95 %]", "over seeds", "MR", "purity")


def corpora(root):
    """Training and test features, which share no speaker."""
    if root is not None:
        parts = (
            sl.corpora.librispeech(root, "train-clean-100"),
            sl.corpora.librispeech(root, "test-other"),
        )
    else:
        everyone = sl.corpora.voices(n_speakers=74, n_utterances=20)
        parts = everyone.split(by="speaker", fractions=(50 / 74, 24 / 74), seed=0)
    return tuple(sl.extract(part) for part in parts)


def train(net, loss, batches, steps, epochs):
    """Train with Adam, its learning rate falling from 1e-3 to 0; return the seconds."""
    began = time.perf_counter()
    learning_rate = keras.optimizers.schedules.CosineDecay(1e-3, steps * epochs)
    net.compile(keras.optimizers.Adam(learning_rate), loss=loss)
    net.fit(batches, epochs=epochs, verbose=0)
    return time.perf_counter() - began


def evaluate(embeddings, speakers, seed):
    """Return figures of embeddings; clustering is told the number of speakers."""
    found = sl.metrics.verify(embeddings, speakers, seed=seed)
    clustering = AgglomerativeClustering(
        len(np.unique(speakers)), metric="cosine", linkage="average"
    )
    clusters = clustering.fit_predict(embeddings)
    return {
        **found.as_dict(),
        "mr": float(sl.metrics.misclassification_rate(speakers, clusters)),
        "purity": float(sl.clusters.neighbor_purity(embeddings, speakers)),
    }


def line(name, runs):
    """Lay out a row of the table: medians, and the interval of the median run."""
    runs = sorted(runs, key=lambda run: run["eer"]["value"])
    median = runs[len(runs) // 2]["eer"]
    return (
        name,
        f"{median['value']:.1%} [{median['low']:.1%}, {median['high']:.1%}]",
        f"{runs[0]['eer']['value']:.1%} to {runs[-1]['eer']['value']:.1%}",
        f"{np.median([run['mr'] for run in runs]):.2f}",
        f"{np.median([run['purity'] for run in runs]):.2f}",
    )


def caption(train_features, test_features, arguments):
    """Describe what was trained and measured."""
    return (
        f"Trained: {train_features!r}. Measured: {test_features!r}. "
        f"{arguments.epochs} epochs of {arguments.steps} batches of 128 segments, "
        f"{arguments.seeds} seeds: medians; the interval is the median run's, over "
        "speakers. MR: average linkage, the number of speakers known."
    )
