"""How good scores and clusters are; NumPy in, numbers out.

Scores are similarities: higher means more alike. `same` says for each score whether
both recordings are of one speaker.

- `pair_scores`: cosines of all pairs of embeddings; `trial_scores`, of a list.
- `eer`, `auc`, `min_dcf`, `det_curve`: of scores.
- `best_threshold`, `accuracy_at`: a decision.
- `EER`, `AUC`, `AccuracyAt`: the same for ``compile(metrics=[...])``.
- `verify`: all of it, with bootstrap intervals; `Verification`, `Estimate`.
- `misclassification_rate`: of clusters.
- `phone_error_rate`, `phone_confusion`: of transcriptions.
- `input_dependence`: of the outputs of a network that writes them.

Notebook: 06_accuracy_on_distances.
"""

import lazy_loader

# Some need Keras, which takes seconds to import: each loads on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
