"""From a trained network to one vector per utterance, and per speaker.

- `embed`: features or recordings -> embeddings; `Embeddings` also have the table of
  their utterances.
- `extractor`, `embed_layers`: which layer gives the embedding.
- `enroll`, `trials`: a model of each speaker, and scores against it.
- `encoder`: the encoder that comes with siamlab; `encoder_card`, `Encoder`.
- `train_encoder`, `augmentation`, `describe_training`: how to train one.
- `channel_robustness`: does the network recognize the voice or the microphone?
  `randomize_channel`, `average_spectra`.

Notebook: 08_embeddings.
"""

import lazy_loader

# Parts that need Keras, which takes seconds to import, load on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
