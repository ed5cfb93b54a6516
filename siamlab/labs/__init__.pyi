from .ctc import CTCLab
from .explorer import SpeakerExplorer
from .margin import MarginLab
from .scaling import ScalingLab
from .simplex import SimplexLab
from .spectrogram import SpectrogramLab
from .threshold import ThresholdLab

__all__ = [
    "CTCLab",
    "MarginLab",
    "ScalingLab",
    "SimplexLab",
    "SpeakerExplorer",
    "SpectrogramLab",
    "ThresholdLab",
]
