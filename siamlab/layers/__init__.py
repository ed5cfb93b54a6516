"""Keras layers of our own, registered, so that a saved network finds them.

- `Scale`: a fitted scaler that travels inside the network.
- `ValidFrames`: which frames of a padded batch are there.
- `EveryNth`: fewer frames.
- `StatisticsPooling`: mean and deviation over all frames.
- `Distance`: how far two outputs are from each other.
- `SpeakerCosines`: cosines with a learnt vector for each speaker.
- `RandomFilter`, `RandomGain`, `RandomNoise`, `RandomRoom`: another microphone,
  level, background and room in training.

Notebooks: 04_pairs_and_twins, 08_embeddings, 10_better_losses.
"""

from .augmentation import RandomFilter, RandomGain, RandomNoise, RandomRoom
from .frames import EveryNth, StatisticsPooling, ValidFrames
from .pairs import Distance, SpeakerCosines
from .scale import Scale

__all__ = [
    "Distance",
    "EveryNth",
    "RandomFilter",
    "RandomGain",
    "RandomNoise",
    "RandomRoom",
    "Scale",
    "SpeakerCosines",
    "StatisticsPooling",
    "ValidFrames",
]
