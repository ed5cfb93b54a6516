"""Scaling of spectrograms, and what happens to a network without it.

- `Standard`: mean 0 and standard deviation 1.
- `MinMax`: from -1 to 1.
- `Fixed`: by numbers of your own.
- `UtteranceMean`: without the mean of each utterance, and so without its microphone.
- `gate_saturation`: share of an LSTM's gates that are shut before training.

Scalers are fitted as in scikit-learn: fit, transform, inverse. They take one array
(frames, bands), a list of them, or `Features`, and give back the same kind.
`layers.Scale` carries a fitted one inside a network.

Notebook: 02_scaling.
"""

from .saturation import gate_saturation
from .scalers import Fixed, MinMax, Standard, UtteranceMean

__all__ = ["Fixed", "MinMax", "Standard", "UtteranceMean", "gate_saturation"]
