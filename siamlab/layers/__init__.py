"""Keras layers, registered so that saved networks can be loaded.

Input:

- `Scale`: a fitted scaler as a layer.
- `RandomEQ`, `RandomGain`, `RandomNoise`, `RandomReverb`: augmentation with a random
  microphone, level, background noise and room during training.

Time:

- `SequenceMask`: a mask from the lengths of a padded batch.
- `TemporalSubsampling`: keeps every n-th frame.
- `StatisticsPooling`: mean and standard deviation over all frames.

Outputs:

- `Distance`: distance between two embeddings.
- `CosineClassifier`: cosine similarities to one learned vector per speaker.

Notebooks: 05_siamese_networks, 10_embeddings, 09_better_losses.
"""

from .augmentation import RandomEQ, RandomGain, RandomNoise, RandomReverb
from .classifier import CosineClassifier
from .distance import Distance
from .scale import Scale
from .temporal import SequenceMask, StatisticsPooling, TemporalSubsampling

__all__ = [
    "CosineClassifier",
    "Distance",
    "RandomEQ",
    "RandomGain",
    "RandomNoise",
    "RandomReverb",
    "Scale",
    "SequenceMask",
    "StatisticsPooling",
    "TemporalSubsampling",
]
