from ._atlas import Atlas, View, kept_neighbors, nearest
from ._descent import Moment, Walk, starting_points, trajectory, walk
from ._push import Push, push
from ._reading import Reading, collapse, read_off
from .ctc import CTCLab
from .explorer import SpeakerExplorer
from .margin import MarginLab
from .scaling import FirstStep, ScalingLab, first_step, ladder
from .simplex import SimplexLab
from .spectrogram import Analysis, SpectrogramLab, analyze, band_weights, wav
from .threshold import Decision, ThresholdLab, decide

__all__ = [
    "Analysis",
    "Atlas",
    "CTCLab",
    "Decision",
    "FirstStep",
    "MarginLab",
    "Moment",
    "Push",
    "Reading",
    "ScalingLab",
    "SimplexLab",
    "SpeakerExplorer",
    "SpectrogramLab",
    "ThresholdLab",
    "View",
    "Walk",
    "analyze",
    "band_weights",
    "collapse",
    "decide",
    "first_step",
    "kept_neighbors",
    "ladder",
    "nearest",
    "push",
    "read_off",
    "starting_points",
    "trajectory",
    "walk",
    "wav",
]
