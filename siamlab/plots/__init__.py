"""Pictures: arrays in, Axes out. Saving and showing are left to the caller.

- `style`: how all figures of the course look; `STYLE`, its style sheet.
- `waveform`, `spectrogram`, `value_histogram`: of a recording.
- `corpus`: of all recordings together.
- `training_curves`: of several trainings.
- `phone_outputs`, `ctc_lattice`: of a network of phones.
- `speaker_map`, `dendrogram`: of embeddings.
- `score_histogram`, `det_curve`: of pair scores.
"""

from .common import STYLE, style, training_curves
from .phones import ctc_lattice, phone_outputs
from .recordings import corpus
from .sound import spectrogram, value_histogram, waveform
from .speakers import dendrogram, det_curve, score_histogram, speaker_map

__all__ = [
    "STYLE",
    "corpus",
    "ctc_lattice",
    "dendrogram",
    "det_curve",
    "phone_outputs",
    "score_histogram",
    "speaker_map",
    "spectrogram",
    "style",
    "training_curves",
    "value_histogram",
    "waveform",
]
