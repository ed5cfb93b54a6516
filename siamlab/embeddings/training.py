"""How the encoder was trained."""

import keras

from .. import layers, losses, networks, sampling, scaling
from .pretrained import Encoder

FRAMES = 120


def augmentation():
    """Make another room, microphone, background and level for each segment.

    Returns
    -------
    list of keras.layers.Layer
        For `networks.xvector_encoder`. Without them a network learns microphones where each
        speaker has one of his own (FAULTS S38); how strong they must be was measured
        (benchmarks/voice_equality.py).
    """
    return [
        layers.RandomReverb(rt60=(0.05, 0.6), drr_db=(0.0, 15.0), probability=0.7),
        layers.RandomEQ(range_db=6.0, n_waves=6),
        layers.RandomNoise(snr_db=(5.0, 40.0), probability=0.8),
        layers.RandomGain(10.0),
    ]


def train_encoder(features, *, epochs=8, steps=100, seed=0, corpus=""):
    """Train an encoder as the one that comes with siamlab was trained.

    `networks.xvector_encoder` on segments of 1.2 s with random rooms, filters, noise and
    gains; supervised contrastive loss (Khosla et al., 2020), Adam with a cosine decay.

    Parameters
    ----------
    features : Features
        Of many speakers; in dB.
    epochs, steps : int
        Epochs, and batches in each. 32 speakers with 4 segments each are a batch.
    seed : int
        Of weights, batches and augmentation.
    corpus : str
        What the recordings are called, for `Encoder.about`.

    Returns
    -------
    Encoder
        Trained.
    """
    keras.utils.set_random_seed(seed)
    base = networks.xvector_encoder(
        n_mels=features[0].shape[1],
        scaler=scaling.StandardScaler().fit(features),
        augmentation=augmentation(),
    )
    net = speaker_net(base, losses.SupervisedContrastive(0.1), updates=steps * epochs)
    batches = sampling.SpeakerBatches(
        features, n_frames=FRAMES, steps_per_epoch=steps, seed=seed
    )
    net.fit(batches, epochs=epochs)
    about = described(
        features, FRAMES, corpus=corpus, seed=seed, epochs=epochs, steps=steps
    )
    return Encoder.from_network(net, features.spectrogram, about)


def speaker_net(base, loss, *, updates, rate=2e-3, clipnorm=5.0):
    """Compile a `SpeakerNet` with Adam, whose rate falls to 0 as a cosine."""
    net = networks.SpeakerNet(base)
    falling = keras.optimizers.schedules.CosineDecay(rate, updates)
    net.compile(keras.optimizers.Adam(falling, clipnorm=clipnorm), loss=loss)
    return net


def described(features, frames, **training):
    """Say what an encoder was trained on, and how: `Encoder.about`."""
    return {
        "n_frames": frames,
        "hop_frames": max(frames // 2, 1),
        "speakers": len(set(features.speakers.tolist())),
        "recordings": len(features),
        **training,
    }
