"""Embeddings of utterances and models of speakers.

- `embed`: compute embeddings of features or recordings; `Embeddings`: the result, an
  array with the table of the utterances.
- `extractor`, `embed_layers`: choose the layer that gives the embedding.
- `enroll`, `trials`: compute a model of each speaker, and score utterances against it.
- `encoder`: the pretrained encoder; `encoder_card`, `Encoder`.
- `train_encoder`, `augmentation`, `describe_training`: train an encoder.
- `channel_robustness`, `randomize_channel`, `average_spectra`: test whether the network
  recognizes the voice or the microphone.

Notebook: 10_embeddings.
"""

import lazy_loader

# Modules that need Keras, which takes seconds to import, are loaded on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
