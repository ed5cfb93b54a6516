from .audio_plots import spectrogram, value_histogram, waveform
from .corpus_plots import corpus
from .figure_style import COLORS, STYLE, style
from .phone_plots import ctc_lattice, phone_outputs
from .speaker_plots import dendrogram, det_curve, score_histogram, speaker_map
from .training_plots import training_curves

__all__ = [
    "COLORS",
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
