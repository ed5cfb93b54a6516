"""Plots. Each function returns Axes; saving and showing them is up to the caller.

- `waveform`, `spectrogram`, `value_histogram`: recordings and their spectrograms.
- `corpus`: speakers and durations of a corpus.
- `training_curves`: a metric of several training runs over epochs.
- `phone_outputs`, `ctc_lattice`: outputs of a phone recognizer.
- `speaker_map`, `dendrogram`: embeddings.
- `score_histogram`, `det_curve`: pair scores.
- `style`: activates the style of the course; `STYLE`: its matplotlib style sheet.
"""

from .audio_plots import spectrogram, value_histogram, waveform
from .corpus_plots import corpus
from .figure_style import STYLE, style
from .phone_plots import ctc_lattice, phone_outputs
from .speaker_plots import dendrogram, det_curve, score_histogram, speaker_map
from .training_plots import training_curves

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
