"""How good scores and clusters are; NumPy in, numbers out.

Scores are similarities: higher means more alike. `same` says for each score whether
both recordings are of one speaker.

- `pair_scores`: cosines of all pairs of embeddings.
- `eer`, `auc`, `min_dcf`, `det_curve`: of scores.
- `best_threshold`, `accuracy_at`: a decision.
- `verify`: all of it, with bootstrap intervals; `Verification`, `Estimate`.
- `misclassification_rate`: of clusters.
- `phone_error_rate`, `phone_confusion`: of transcriptions.
- `input_dependence`: of the outputs of a network that writes them.

Notebook: 06_accuracy_on_distances.
"""

from .clustering import misclassification_rate
from .scores import accuracy_at, auc, best_threshold, det_curve, eer, min_dcf
from .transcription import input_dependence, phone_confusion, phone_error_rate
from .verification import Estimate, Verification, pair_scores, verify

__all__ = [
    "Estimate",
    "Verification",
    "accuracy_at",
    "auc",
    "best_threshold",
    "det_curve",
    "eer",
    "input_dependence",
    "min_dcf",
    "misclassification_rate",
    "pair_scores",
    "phone_confusion",
    "phone_error_rate",
    "verify",
]
