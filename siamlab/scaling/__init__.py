"""Scaling of spectrograms, and what happens to a network without it.

- `StandardScaler`: mean 0 and standard deviation 1.
- `MinMaxScaler`: from -1 to 1.
- `AffineScaler`: by numbers of your own.
- `MeanNormalizer`: without the mean of each utterance, and so without its microphone.
- `gate_saturation`: share of an LSTM's gates that are shut before training.

Scalers are fitted as in scikit-learn: fit, transform, inverse. They take one array
(frames, bands), a list of them, or `Features`, and give back the same kind.
`layers.Scale` carries a fitted one inside a network.

Notebook: 02_scaling.
"""

from .saturation import gate_saturation
from .scalers import AffineScaler, MeanNormalizer, MinMaxScaler, StandardScaler

__all__ = [
    "AffineScaler",
    "MinMaxScaler",
    "StandardScaler",
    "MeanNormalizer",
    "gate_saturation",
]
