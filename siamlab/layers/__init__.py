"""Keras layers of our own, registered, so that a saved network finds them.

- `Scale`: a fitted scaler that travels inside the network.
- `SequenceMask`: which frames of a padded batch are there.
- `TemporalSubsampling`: fewer frames.
- `StatisticsPooling`: mean and deviation over all frames.
- `Distance`: how far two outputs are from each other.
- `CosineClassifier`: cosines with a learned vector for each speaker.
- `RandomEQ`, `RandomGain`, `RandomNoise`, `RandomReverb`: another microphone,
  level, background and room in training.

Notebooks: 04_pairs_and_twins, 08_embeddings, 10_better_losses.
"""

from .augmentation import RandomEQ, RandomGain, RandomNoise, RandomReverb
from .frames import SequenceMask, StatisticsPooling, TemporalSubsampling
from .pairs import CosineClassifier, Distance
from .scale import Scale

__all__ = [
    "Distance",
    "TemporalSubsampling",
    "RandomEQ",
    "RandomGain",
    "RandomNoise",
    "RandomReverb",
    "Scale",
    "CosineClassifier",
    "StatisticsPooling",
    "SequenceMask",
]
