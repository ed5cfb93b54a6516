"""From a configuration to a run folder."""

import csv
import dataclasses
import importlib.metadata
import json
import platform
from pathlib import Path

import keras
import numpy as np

from .. import (
    _files,
    corpora,
    embeddings,
    features,
    losses,
    metrics,
    networks,
    sampling,
    scaling,
)
from ..errors import ArgumentError, StorageError
from ..training import load_model
from .config import Config
from .exam import examine
from .layouts import read
from .reporting import write_report

CONFIG, VERSIONS, HISTORY = "config.yaml", "versions.json", "history.csv"
FIGURES, REPORT = "figures.json", "report.html"
ENCODER = "encoder.npz"
_PACKAGES = ("siamlab", "keras", "tensorflow", "jax", "numpy", "librosa")


@dataclasses.dataclass(frozen=True)
class Run:
    """A training that has ended.

    Parameters
    ----------
    folder : pathlib.Path
        Where everything is.
    history : list of dict
        By epoch: epoch, loss, and the equal error rate of the exam.
    figures : dict
        Of the exam, after the last epoch.
    """

    folder: Path
    history: list
    figures: dict


def train(config, folder):
    """Train what a configuration says, and keep all that is to be known of it.

    Parameters
    ----------
    config : Config
        What is to be trained on what.
    folder : str or os.PathLike
        The run folder. If it holds a run of the same configuration that was killed,
        that goes on after its last whole epoch and ends with the weights that it would
        have had (on the same machine); one that has ended is not trained again.

    Returns
    -------
    Run
        Its folder holds config.yaml, versions.json, history.csv, checkpoint-NNNN.keras
        (the network with its optimizer after epoch NNNN, the last one), figures.json,
        report.html and, of an x-vector network, encoder.npz.

    Raises
    ------
    StorageError
        If the folder holds a run of another configuration or backend of Keras, or a
        damaged one.
    SiamlabError
        If the recordings cannot be used, or are of too few speakers.
    """
    folder = Path(folder)
    _claim(folder, config)
    train_features, test_features = _features(config)
    history = _read_history(folder / HISTORY)
    if history:
        net = _load(checkpoint(folder, len(history)))
    else:
        net = _network(config, train_features)
    batches = sampling.SpeakerBatches(
        train_features,
        n_speakers=config.speakers,
        n_segments=config.segments,
        n_frames=config.frames,
        steps_per_epoch=config.steps,
        seed=config.seed,
        epoch=len(history),
    )
    if len(history) < config.epochs:
        keeper = _Keeper(folder, config, test_features, history)
        net.fit(
            batches,
            epochs=config.epochs,
            initial_epoch=len(history),
            # They are drawn at random already; their order would be another one after
            # an interruption.
            shuffle=False,
            callbacks=[keeper],
        )
    rows = embed(net, config, test_features)
    _, figures = examine(rows, test_features.speakers, seed=config.seed)
    _write(folder / FIGURES, json.dumps(figures, indent=1) + "\n")
    if config.network == "xvector":
        _encoder(net, config, train_features).save(folder / ENCODER)
    write_report(folder / REPORT, config, history, figures, rows)
    return Run(folder, history, figures)


def checkpoint(folder, epoch):
    """Name the checkpoint after an epoch, counted from 1."""
    return Path(folder) / f"checkpoint-{epoch:04d}.keras"


def embed(net, config, exam):
    """Embed the exam with a network of this configuration."""
    hop = max(config.frames // 2, 1)
    return embeddings.embed(net, exam, n_frames=config.frames, hop_frames=hop)


def _claim(folder, config):
    """Make the folder of this configuration, or refuse that of another one."""
    path = folder / CONFIG
    backend = keras.config.backend()
    if path.exists():
        try:
            there = Config.read(path)
        except ArgumentError as error:
            raise StorageError(
                f"{path} was damaged ({error}); choose another folder, or remove it"
            ) from error
        if there != config:
            other = [
                field.name
                for field in dataclasses.fields(config)
                if getattr(there, field.name) != getattr(config, field.name)
            ]
            raise StorageError(
                f"{folder} holds a run with other values of {', '.join(other)}; "
                "choose another folder, or remove it"
            )
        _check_backend(folder / VERSIONS, backend)
        return
    if folder.exists() and any(folder.iterdir()):
        raise StorageError(f"{folder} holds something else; choose an empty folder")
    versions = {"python": platform.python_version(), "backend": backend}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    _write(folder / VERSIONS, json.dumps(versions, indent=1) + "\n")
    _write(path, config.as_yaml())


def _check_backend(path, backend):
    """Another backend would end with other weights."""
    try:
        begun = json.loads(path.read_text("utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{path} was damaged ({error}); remove the run folder to begin anew"
        ) from error
    if begun != backend:
        raise StorageError(
            f"{path.parent} holds a run that began with KERAS_BACKEND={begun}; Keras "
            f"computes with {backend} now. Set it back, or choose another folder"
        )


def _corpus(layout, data, subset):
    if layout == "voices":
        return corpora.voices(n_speakers=74, n_utterances=20)
    return read(data, layout, subset)


def _features(config):
    """Spectrograms to train on, and of the exam; no speaker is in both."""
    corpus = _corpus(config.layout, config.data, config.subset)
    if config.test_data is None and config.test_subset is None:
        share = config.test_share
        parts = corpus.split(
            by="speaker", fractions=(1 - share, share), seed=config.seed
        )
    else:
        test = _corpus(
            config.test_layout or config.layout,
            config.test_data or config.data,
            config.test_subset,
        )
        parts = corpus, test
        both = set(corpus.table.speaker) & set(test.table.speaker)
        if both:
            raise ArgumentError(
                f"{len(both)} speakers are in the training and in the exam, "
                f"{min(both)!r} for one; choose another subset for one of them"
            )
    return tuple(features.extract(part) for part in parts)


def _load(path):
    """Load the network of a run that was interrupted."""
    try:
        return load_model(path)
    except StorageError as error:
        raise StorageError(
            f"{error}; or remove the run folder to begin anew"
        ) from error


def _network(config, train_features):
    """Build and compile the network."""
    keras.utils.set_random_seed(config.seed)
    scaler = scaling.StandardScaler().fit(train_features)
    sizes = {
        "bands": train_features[0].shape[1],
        "units": config.units,
        "outputs": config.outputs,
        "scaler": scaler,
        "augmentation": embeddings.augmentation() if config.augmentation else (),
    }
    if config.network == "base":
        # A divergence wants distributions, the others vectors of length 1.
        sizes["head"] = "logits" if config.loss == "KLHinge" else "unit"
        sizes["frames"] = config.frames
    base = getattr(networks, config.network)(**sizes)
    try:
        loss = getattr(losses, config.loss)(**config.loss_settings)
    except TypeError as error:
        raise ArgumentError(f"loss_settings of {config.loss}: {error}") from error
    net = networks.SpeakerNet(base)
    decay = keras.optimizers.schedules.CosineDecay(
        config.rate, config.steps * config.epochs
    )
    net.compile(keras.optimizers.Adam(decay, clipnorm=config.clipnorm), loss=loss)
    return net


def _encoder(net, config, train_features):
    about = embeddings.describe_training(
        train_features,
        config.frames,
        corpus=config.subset or Path(config.data or "voices").name,
        seed=config.seed,
        epochs=config.epochs,
        steps=config.steps,
    )
    return embeddings.Encoder.from_network(net, train_features.spectrogram, about)


class _Keeper(keras.callbacks.Callback):
    """Writes checkpoint and history after each epoch.

    A run is as far as its history says, and its checkpoint bears that number: so it can
    be killed between the two. The checkpoint before goes last.
    """

    def __init__(self, folder, config, exam, history):
        super().__init__()
        self._folder, self._config, self._exam = folder, config, exam
        self._history = history

    def on_epoch_begin(self, epoch, logs=None):
        # Keras saves no random states: so that dropout and augmentation go on as they
        # would have, each epoch begins with states of its own.
        states = [
            v for v in self.model.variables if v.path.endswith("seed_generator_state")
        ]
        draws = np.random.default_rng((self._config.seed, epoch))
        for state in states:
            state.assign(np.array([draws.integers(2**31), 0], dtype=state.dtype))

    def on_epoch_end(self, epoch, logs=None):
        self._keep(epoch + 1, float((logs or {})["loss"]))

    def _keep(self, epoch, loss):
        rows = embed(self.model, self._config, self._exam)
        rate = float(metrics.verify(rows, self._exam.speakers, n_resamples=1).eer)
        self._history.append({"epoch": epoch, "loss": loss, "eer": rate})
        there = checkpoint(self._folder, epoch)
        _save(self.model, there)
        _write_history(self._folder / HISTORY, self._history)
        for path in self._folder.glob("checkpoint-*.keras"):
            if path != there:
                path.unlink()


def _save(net, path):
    with _files.atomic_write(path) as temporary:
        # Keras wants its own ending.
        named = temporary.with_name(f"{temporary.name}.keras")
        try:
            net.save(named)
            named.replace(temporary)
        finally:
            named.unlink(missing_ok=True)


def _write(path, text):
    with _files.atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write_history(path, history):
    with (
        _files.atomic_write(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, ("epoch", "loss", "eer"))
        writer.writeheader()
        writer.writerows(history)


def _read_history(path):
    if not path.exists():
        return []
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return [
                {
                    "epoch": int(row["epoch"]),
                    "loss": float(row["loss"]),
                    "eer": float(row["eer"]),
                }
                for row in csv.DictReader(file)
            ]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{path} was damaged ({error}); remove the run folder to begin anew"
        ) from error
