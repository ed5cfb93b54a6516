from .clustering import misclassification_rate
from .error_rates import auc, best_threshold, det_curve, eer, min_dcf
from .keras_metrics import EER
from .transcription import input_dependence, phone_error_rate
from .verification import Estimate, Verification, pair_scores, trial_scores, verify

__all__ = [
    "EER",
    "Estimate",
    "Verification",
    "auc",
    "best_threshold",
    "det_curve",
    "eer",
    "input_dependence",
    "min_dcf",
    "misclassification_rate",
    "pair_scores",
    "phone_error_rate",
    "trial_scores",
    "verify",
]
