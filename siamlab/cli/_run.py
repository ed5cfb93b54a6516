"""A training run, with all its output files in one folder."""

import importlib.metadata
import json
import os
import platform
from pathlib import Path

import keras
import pandas as pd
from tqdm.keras import TqdmCallback

from .. import _files, corpora, embeddings, features, losses, metrics, networks, scaling
from ..errors import ArgumentError, StorageError
from ._arguments import read_corpus
from ._report import render_report
from .evaluate import evaluate


def train(config, folder):
    """Train an encoder from a configuration, or resume an interrupted run.

    Parameters
    ----------
    config : Config
        The configuration.
    folder : pathlib.Path
        The run folder: config.yaml, versions.json, history.csv, network.keras,
        encoder.npz, results.json and report.html. A run of the same configuration that
        was interrupted there resumes after its last complete epoch. On the same
        machine, it ends with the same weights as without the interruption.

    Returns
    -------
    dict
        The results on the test set, as in results.json.

    Raises
    ------
    StorageError
        If the folder contains other files, or a damaged network.
    SiamlabError
        If the recordings cannot be used, or have too few speakers.
    """
    _prepare(folder, config)
    train_set, test_set = _load_features(config)
    names = ("n_frames", "n_speakers", "n_segments", "epochs", "steps_per_epoch")
    settings = {
        name: getattr(config, name) for name in (*names, "learning_rate", "seed")
    }
    net = embeddings.train_encoder(
        train_set,
        _network(config, train_set),
        loss=_loss(config),
        checkpoint=folder / "network.keras",
        callbacks=[
            _TestEER(test_set, config.n_frames),
            keras.callbacks.CSVLogger(folder / "history.csv", append=True),
            # Keras' own bar would write to standard output.
            TqdmCallback(disable=os.environ.get("SIAMLAB_PROGRESS") == "0"),
        ],
        verbose=0,
        **settings,
    )
    name = config.subset or Path(config.data or "voices").name
    about = embeddings.describe_training(train_set, corpus=name, **settings)
    encoder = embeddings.Encoder.from_network(net, train_set.spectrogram, about)
    encoder.save(folder / "encoder.npz")
    embedded = embeddings.embed(encoder, test_set)
    _, results = evaluate(embedded, test_set.speakers, seed=config.seed)
    _files.write_text(folder / "results.json", json.dumps(results, indent=1))
    history = read_history(folder / "history.csv")
    _files.write_text(
        folder / "report.html", render_report(config, history, results, embedded)
    )
    return results


def read_history(path):
    """Read the loss and the error rate on the test set of each epoch."""
    # A process that is killed before it saves the network repeats the epoch.
    history = pd.read_csv(path).drop_duplicates("epoch", keep="last")
    return history[["epoch", "loss", "val_eer"]]


class _TestEER(keras.callbacks.Callback):
    """Add the equal error rate on the test set to the logs of each epoch."""

    def __init__(self, test_set, n_frames):
        super().__init__()
        self._test_set = test_set
        self._segments = {"n_frames": n_frames, "hop_frames": max(n_frames // 2, 1)}

    def on_epoch_end(self, epoch, logs=None):
        embedded = embeddings.embed(self.model, self._test_set, **self._segments)
        pairs = metrics.pair_scores(embedded, self._test_set.speakers)
        logs["val_eer"] = float(metrics.eer(*pairs))


def _prepare(folder, config):
    """Create the folder, or check that it holds a run of this configuration."""
    path = folder / "config.yaml"
    if path.exists() and path.read_text(encoding="utf-8") == config.to_yaml():
        return
    if folder.exists() and any(folder.iterdir()):
        raise StorageError(
            f"{folder} contains a run of another configuration, or other files; choose "
            "another folder, or delete it"
        )
    packages = ("siamlab", "keras", keras.config.backend(), "numpy", "librosa")
    versions = {package: importlib.metadata.version(package) for package in packages}
    versions["python"] = platform.python_version()
    _files.write_text(folder / "versions.json", json.dumps(versions, indent=1))
    _files.write_text(path, config.to_yaml())


def _load_features(config):
    """Extract the spectrograms of the training set and of the test set."""
    train = _load_corpus(config, config.data, config.subset)
    if config.test_data is None and config.test_subset is None:
        fractions = (1 - config.test_fraction, config.test_fraction)
        train, test = train.split(by="speaker", fractions=fractions, seed=config.seed)
    else:
        test = _load_corpus(config, config.test_data or config.data, config.test_subset)
    if both := set(train.table.speaker) & set(test.table.speaker):
        raise ArgumentError(
            f"{len(both)} speakers are in both the training set and the test set, for "
            f"example {min(both)!r}; choose another subset for one of them"
        )
    if test.table.speaker.nunique() < 2:
        raise ArgumentError(
            "the test set must have at least 2 speakers; got "
            f"{test.table.speaker.nunique()}. Increase test_fraction, or name another "
            "test set with test_data or test_subset"
        )
    return features.extract(train), features.extract(test)


def _load_corpus(config, data, subset):
    if config.layout == "voices":
        return corpora.voices(n_speakers=74, n_utterances=20)
    return read_corpus(data, config.layout, subset)


def _network(config, train_set):
    keras.utils.set_random_seed(config.seed)
    return networks.xvector_encoder(
        n_mels=train_set[0].shape[-1],
        units=config.units,
        output_dim=config.output_dim,
        scaler=scaling.StandardScaler().fit(train_set),
        augmentation=embeddings.augmentation() if config.augment else (),
    )


def _loss(config):
    try:
        return getattr(losses, config.loss)(**config.loss_settings)
    except TypeError as error:
        raise ArgumentError(f"loss_settings of {config.loss}: {error}") from error
