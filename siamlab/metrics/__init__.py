"""Metrics of scores, clusters and transcriptions, for NumPy arrays.

Pair scores are similarities (higher means more alike), and follow scikit-learn's
order ``f(y_true, y_score)``, where `y_true` is 1 for the same speaker:

- `pair_scores`, `trial_scores`: cosine similarities of all pairs, or of a trial list.
- `eer`, `auc`, `min_dcf`, `det_curve`: error rates over all thresholds.
- `best_threshold`: the threshold with the fewest errors.
- `verify`: all of these with confidence intervals; `Verification`, `Estimate`.
- `EER`: the equal error rate for ``compile(metrics=[...])``.

Others:

- `misclassification_rate`: compares clusters with speakers.
- `phone_error_rate`: compares transcriptions with references.
- `input_dependence`: whether outputs depend on the input at all.

Notebooks: 08_verification_metrics, 11_speaker_clusters.
"""

import lazy_loader

# Keras takes seconds to import, so each name is loaded on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
