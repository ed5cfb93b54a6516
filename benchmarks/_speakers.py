"""What the benchmarks of speaker networks share: corpora, training, evaluation."""

import time
from pathlib import Path

import keras
import numpy as np

import siamlab as sl
from siamlab.cli.evaluate import evaluate as evaluate_embeddings

HEAD = ("recipe", "EER [95 %]", "over seeds", "own EER", "over seeds", "MR", "purity")


def corpora(root):
    """Training and test features, which share no speaker."""
    if root is not None and (Path(root) / "heldout").is_dir():
        parts = [sl.corpora.folder(Path(root) / part) for part in ("train", "heldout")]
    elif root is not None:
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


def evaluate(base_network, test, similarities=None, output="head", seed=0):
    """Return figures of a network; clustering is told the number of speakers.

    "eer" and the clusters compare the outputs of "blstm_2" by their cosines, "own"
    compares the mean outputs of the last layer as the loss does.
    """
    embeddings = sl.embed(base_network, test, layer="blstm_2")
    _, found = evaluate_embeddings(embeddings, test.speakers, seed=seed)
    outputs = sl.embed(base_network, test, layer=output, normalize=False)
    own = sl.metrics.verify(outputs, test.speakers, similarity=similarities, seed=seed)
    return {
        **found,
        "own": own.as_dict()["eer"],
        "purity": float(sl.clusters.neighbor_purity(embeddings, test.speakers)),
    }


def line(name, runs):
    """Lay out a row of the table: medians, and the interval of the median run."""
    return (
        name,
        *_median_and_range([run["eer"] for run in runs]),
        *_median_and_range([run["own"] for run in runs]),
        f"{np.median([run['mr'] for run in runs]):.2f}",
        f"{np.median([run['purity'] for run in runs]):.2f}",
    )


def _median_and_range(estimates):
    estimates = sorted(estimates, key=lambda estimate: estimate["value"])
    median = estimates[len(estimates) // 2]
    return (
        f"{median['value']:.1%} [{median['low']:.1%}, {median['high']:.1%}]",
        f"{estimates[0]['value']:.1%} to {estimates[-1]['value']:.1%}",
    )


def caption(train_features, test_features, arguments):
    """Describe what was trained and measured."""
    return (
        f"Trained: {train_features!r}. Measured: {test_features!r}. "
        f"{arguments.epochs} epochs of {arguments.steps} batches, {arguments.seeds} "
        "seeds: medians; the interval is the median run's, over speakers. EER: cosines "
        "of the second LSTM's outputs. Own EER: the network's outputs, compared as its "
        "loss compares them (divergences in both directions, or cosines). MR and "
        "purity: as the EER; average linkage, the number of speakers known."
    )
