from .broadcast import BroadcastLab
from .ctc import CTCLab
from .explorer import SpeakerExplorer
from .margin import MarginLab
from .scaling import ScalingLab
from .simplex import SimplexLab
from .spectrogram import SpectrogramLab
from .switchboard import SwitchboardLab
from .threshold import ThresholdLab
from .trellis import TrellisLab

__all__ = [
    "BroadcastLab",
    "CTCLab",
    "MarginLab",
    "ScalingLab",
    "SimplexLab",
    "SpeakerExplorer",
    "SpectrogramLab",
    "SwitchboardLab",
    "ThresholdLab",
    "TrellisLab",
]
