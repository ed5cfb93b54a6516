"""Training of a speaker encoder, for the library and the command line.

- `train_encoder`: segments of many speakers, a contrastive loss, Adam.
- `augmentation`: random rooms, microphones, noise and levels.
- `describe_training`: the facts that are saved with an `Encoder`.
"""

import os
from pathlib import Path

import keras
import numpy as np

from .. import layers, networks, sampling
from ..training import load_model


def augmentation():
    """Create layers that give each segment a random room, microphone, noise and level.

    Without them, a network learns to recognize the microphone if each speaker uses a
    different one (docs/doctor.md#s38). The strengths were chosen by measurement
    (benchmarks/channel.py).

    Returns
    -------
    list of keras.layers.Layer
        For the argument ``augmentation`` of `networks.xvector_encoder`.
    """
    return [
        layers.RandomReverb(rt60=(0.05, 0.6), drr_db=(0.0, 15.0), probability=0.7),
        layers.RandomEQ(range_db=6.0, n_waves=6),
        layers.RandomNoise(snr_db=(5.0, 40.0), probability=0.8),
        layers.RandomGain(10.0),
    ]


def train_encoder(
    features,
    encoder,
    loss,
    *,
    n_frames=120,
    n_speakers=32,
    n_segments=4,
    epochs=8,
    steps_per_epoch=100,
    learning_rate=2e-3,
    seed=0,
    checkpoint=None,
    callbacks=(),
    verbose="auto",
):
    """Train a speaker encoder on batches of speakers, with Adam and a cosine decay.

    The defaults are those of the pretrained encoder of siamlab; the segments have
    1.2 s. `tools/train_encoder.py` in the repository has its network and its loss.

    Each epoch depends only on the seed and on its number. On the same machine, training
    that resumes from a checkpoint therefore ends with the same weights as training that
    was not interrupted.

    Parameters
    ----------
    features : Features
        Spectrograms of many speakers, in dB.
    encoder : keras.Model
        (batch, time, mel) -> (batch, dim). It is trained in place, unless training
        resumes from a checkpoint.
    loss : keras.losses.Loss
        One of the losses of `siamlab.losses` for batches of speakers.
    n_frames : int
        Length of a segment in frames.
    n_speakers, n_segments : int
        Speakers per batch, and segments per speaker.
    epochs, steps_per_epoch : int
        Number of epochs, and batches per epoch.
    learning_rate : float
        Initial learning rate; it decays to 0 along a cosine.
    seed : int
        Seed of the batches and the augmentation.
    checkpoint : str or os.PathLike, optional
        A ``.keras`` file. The network is saved there after each epoch, and training
        resumes after its last epoch if the file exists.
    callbacks : sequence of keras.callbacks.Callback
        As for `keras.Model.fit`.
    verbose : "auto", 0, 1 or 2
        As for `keras.Model.fit`.

    Returns
    -------
    networks.SpeakerNet
        The trained network. Its ``history.history`` contains the loss of each epoch.
        `Encoder.from_network` converts it to an `Encoder`.

    Raises
    ------
    ArgumentError
        As for `sampling.SpeakerBatches`.
    StorageError
        If the checkpoint cannot be read.
    """
    batches = sampling.SpeakerBatches(
        features,
        n_speakers=n_speakers,
        n_segments=n_segments,
        n_frames=n_frames,
        steps_per_epoch=steps_per_epoch,
        seed=seed,
    )
    if checkpoint is not None and Path(checkpoint).exists():
        net = load_model(checkpoint)
    else:
        net = networks.SpeakerNet(encoder)
        decay = keras.optimizers.schedules.CosineDecay(
            learning_rate, epochs * steps_per_epoch
        )
        net.compile(keras.optimizers.Adam(decay, clipnorm=5.0), loss)
    # The optimizer counts the steps, so one file holds the whole state.
    initial_epoch = int(net.optimizer.iterations) // steps_per_epoch
    if initial_epoch < epochs:
        net.fit(
            batches,
            epochs=epochs,
            initial_epoch=initial_epoch,
            shuffle=False,  # batches are random already, in an order that can resume
            callbacks=[*callbacks, _ResumableEpochs(batches, seed, checkpoint)],
            verbose=verbose,
        )
    return net


class _ResumableEpochs(keras.callbacks.Callback):
    """Make training resumable: seed each epoch by its number, and save after it.

    Checkpoints of Keras do not contain random states. Besides,
    `keras.callbacks.BackupAndRestore` writes the weights and the number of the epoch to
    two files, one after the other. A process that is killed in between would resume
    with the weights of one epoch and the number of another. Here, one file holds the
    network with its optimizer.
    """

    def __init__(self, batches, seed, checkpoint):
        super().__init__()
        self._batches, self._seed, self._checkpoint = batches, seed, checkpoint

    def on_epoch_begin(self, epoch, logs=None):
        self._batches.epoch = epoch
        rng = np.random.default_rng((self._seed, epoch))
        for state in self.model.variables:
            if state.path.endswith("seed_generator_state"):
                state.assign(np.array([rng.integers(2**31), 0], dtype=state.dtype))

    def on_epoch_end(self, epoch, logs=None):
        if self._checkpoint is not None:
            path = Path(self._checkpoint)
            temporary = path.with_name(f"{path.stem}.partial.keras")
            self.model.save(temporary)
            os.replace(temporary, path)


def describe_training(features, n_frames, **settings):
    """Collect the facts that are stored in `Encoder.about`.

    Parameters
    ----------
    features : Features
        The training set.
    n_frames : int
        Length of a segment in frames.
    **settings
        Further facts, such as ``corpus``, ``seed`` and ``epochs``.

    Returns
    -------
    dict
        ``n_frames``, ``hop_frames`` (half of it), the numbers of speakers and of
        recordings, and the settings.
    """
    return {
        "n_frames": n_frames,
        "hop_frames": max(n_frames // 2, 1),
        "speakers": len(set(features.speakers.tolist())),
        "recordings": len(features),
        **settings,
    }
