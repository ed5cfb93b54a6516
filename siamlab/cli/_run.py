"""A training with everything that it leaves behind, in one folder."""

import dataclasses
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
from ._config import Config
from ._report import render_report
from .evaluate import evaluate


def train(config, folder):
    """Train an encoder as a configuration says, or resume an interrupted training.

    Parameters
    ----------
    config : Config
        What to train on what.
    folder : str or os.PathLike
        The run folder: config.yaml, versions.json, history.csv, network.keras,
        encoder.npz, results.json and report.html. A run of the same configuration that
        was interrupted there resumes after its last complete epoch, and ends with the
        weights that it would have had without the interruption (on the same machine).

    Returns
    -------
    dict
        The results on the test set, as in results.json.

    Raises
    ------
    StorageError
        If the folder holds something else, or a damaged file.
    SiamlabError
        If the recordings cannot be used, or have too few speakers.
    """
    folder = Path(folder)
    _prepare(folder, config)
    train_features, test_features = _features(config)
    history = folder / "history.csv"
    net = embeddings.train_encoder(
        train_features,
        _network(config, train_features),
        loss=_loss(config),
        n_frames=config.n_frames,
        n_speakers=config.n_speakers,
        n_segments=config.n_segments,
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        learning_rate=config.learning_rate,
        clipnorm=config.clipnorm,
        seed=config.seed,
        checkpoint=folder / "network.keras",
        callbacks=[
            _TestEER(test_features, config.n_frames),
            keras.callbacks.CSVLogger(history, append=True),
            # Keras' own bar would write to standard output.
            TqdmCallback(disable=os.environ.get("SIAMLAB_PROGRESS") == "0"),
        ],
        verbose=0,
    )
    about = embeddings.describe_training(
        train_features,
        n_frames=config.n_frames,
        corpus=config.subset or Path(config.data or "voices").name,
        seed=config.seed,
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
    )
    encoder = embeddings.Encoder.from_network(net, train_features.spectrogram, about)
    encoder.save(folder / "encoder.npz")
    embedded = embeddings.embed(encoder, test_features)
    _, results = evaluate(embedded, test_features.speakers, seed=config.seed)
    _write(folder / "results.json", json.dumps(results, indent=1))
    report = render_report(config, read_history(history), results, embedded)
    _write(folder / "report.html", report)
    return results


def read_history(path):
    """Read the loss and the error rate of each epoch."""
    try:
        # A process that is killed before it saves the network repeats the epoch.
        history = pd.read_csv(path).drop_duplicates("epoch", keep="last")
        return history[["epoch", "loss", "val_eer"]].astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(
            f"{path} is damaged ({error}); delete the run folder to start again"
        ) from error


class _TestEER(keras.callbacks.Callback):
    """Adds the equal error rate on the test set to the logs of an epoch."""

    def __init__(self, test_features, n_frames):
        super().__init__()
        self._features = test_features
        self._segments = {"n_frames": n_frames, "hop_frames": max(n_frames // 2, 1)}

    def on_epoch_end(self, epoch, logs=None):
        spectrogram = self._features.spectrogram
        encoder = embeddings.Encoder.from_network(
            self.model, spectrogram, self._segments
        )
        embedded = embeddings.embed(encoder, self._features)
        pairs = metrics.pair_scores(embedded, self._features.speakers)
        logs["val_eer"] = float(metrics.eer(*pairs))


def _prepare(folder, config):
    """Create the folder, or check that it holds a run of this configuration."""
    path = folder / "config.yaml"
    if path.exists():
        try:
            found = dataclasses.asdict(Config.read(path))
        except ArgumentError as error:
            raise StorageError(
                f"{error}; choose another folder, or delete it"
            ) from error
        wanted = dataclasses.asdict(config)
        if differing := [name for name in wanted if wanted[name] != found[name]]:
            raise StorageError(
                f"{folder} holds a run with other values of {', '.join(differing)}; "
                "choose another folder, or delete it"
            )
        return
    if folder.exists() and any(folder.iterdir()):
        raise StorageError(f"{folder} is not a run folder; choose an empty one")
    packages = ("siamlab", "keras", keras.config.backend(), "numpy", "librosa")
    versions = {package: importlib.metadata.version(package) for package in packages}
    versions["python"] = platform.python_version()
    _write(folder / "versions.json", json.dumps(versions, indent=1))
    _write(path, config.to_yaml())


def _features(config):
    """Extract the spectrograms of the training set and of the test set."""
    corpus = _corpus(config.layout, config.data, config.subset)
    if config.test_data is None and config.test_subset is None:
        fractions = (1 - config.test_fraction, config.test_fraction)
        train, test = corpus.split(by="speaker", fractions=fractions, seed=config.seed)
    else:
        train, test = (
            corpus,
            _corpus(
                config.test_layout or config.layout,
                config.test_data or config.data,
                config.test_subset,
            ),
        )
    if both := set(train.table.speaker) & set(test.table.speaker):
        raise ArgumentError(
            f"{len(both)} speakers are in the training set and in the test set, for "
            f"example {min(both)!r}; choose another subset for one of them"
        )
    return features.extract(train), features.extract(test)


def _corpus(layout, data, subset):
    if layout == "voices":
        return corpora.voices(n_speakers=74, n_utterances=20)
    return read_corpus(data, layout, subset)


def _network(config, train_features):
    keras.utils.set_random_seed(config.seed)
    return networks.xvector_encoder(
        n_mels=train_features[0].shape[-1],
        units=config.units,
        output_dim=config.output_dim,
        scaler=scaling.StandardScaler().fit(train_features),
        augmentation=embeddings.augmentation() if config.augment else (),
    )


def _loss(config):
    try:
        return getattr(losses, config.loss)(**config.loss_settings)
    except TypeError as error:
        raise ArgumentError(f"loss_settings of {config.loss}: {error}") from error


def _write(path, text):
    with _files.atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
