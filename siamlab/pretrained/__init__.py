"""A network that was trained already.

- `encoder`: the one that comes with siamlab; `Encoder`: what it is;
  `card`: its model card.
- `train_encoder`: how it was trained, to be done again or on other recordings;
  `augmentation`: with which rooms, microphones and noise.

Notebook: 11_your_recordings.
"""

import lazy_loader

# Training needs Keras, which takes seconds to import; the encoder does without.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
