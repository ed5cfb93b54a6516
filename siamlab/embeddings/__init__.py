"""From a trained network to one vector per utterance, and per speaker.

- `embed`: spectrograms -> embeddings; `Embeddings`, which know their recordings.
- `extractor`: the part of a network up to a layer.
- `check_extractor`: whether an extractor of your own has the trained weights.
- `layer_sweep`: embeddings from every layer.
- `enroll`, `trials`: a model of each speaker, and scores against it.
- `encoder`: the one that comes with siamlab; `Encoder`, `encoder_card`;
  `train_encoder` and `augmentation`: how it was trained.
- `channel_robustness`: the voice or the channel? With `randomize_channel` and
  `average_spectra`.

Notebook: 08_embeddings.
"""

import lazy_loader

# Some need Keras, which takes seconds to import: each loads on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
