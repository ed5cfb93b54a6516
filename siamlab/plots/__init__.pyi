from .audio_plots import spectrogram, waveform
from .corpus_plots import corpus
from .figure_style import COLORS, STYLE, style
from .phone_plots import ctc_lattice
from .speaker_plots import det_curve, score_histogram, speaker_map
from .training_plots import training_curves

__all__ = [
    "COLORS",
    "STYLE",
    "corpus",
    "ctc_lattice",
    "det_curve",
    "score_histogram",
    "speaker_map",
    "spectrogram",
    "style",
    "training_curves",
    "waveform",
]
