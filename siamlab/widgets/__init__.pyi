from .threshold import Decision, ThresholdLab, decide

__all__ = ["Decision", "ThresholdLab", "decide"]
