"""Plots. Each function returns Axes; saving and showing them is up to the caller.

- `waveform`, `spectrogram`: recordings and their spectrograms.
- `corpus`: speakers and durations of a corpus.
- `training_curves`: a metric of several training runs over epochs.
- `ctc_lattice`: outputs of a phone recognizer over the states of CTC.
- `speaker_map`: embeddings.
- `score_histogram`, `det_curve`: pair scores.
- `style`: activates the style of the course; `STYLE`: its matplotlib style sheet;
  `COLORS`: the color of each thing that several figures show.
"""

import lazy_loader

# UMAP and scikit-learn, which `clusters` needs, are imported on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
