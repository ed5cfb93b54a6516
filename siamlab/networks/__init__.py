"""Networks: ordinary Keras models, which the user compiles and fits.

Speaker encoders, from a segment of a spectrogram to one vector:

- `blstm_encoder`: two bidirectional LSTMs, as in the question of notebook 06.
- `xvector_encoder`: convolutions, for a second of speech or more.
- `classifier`: an encoder followed by a cosine classifier over the speakers.

Models that train an encoder:

- `SpeakerNet`: on batches of speakers, with a loss over all pairs.
- `Siamese`: on pairs, with a loss of their distances.

Phone recognition:

- `ctc_blstm`: bidirectional LSTMs with CTC; a `CTCNet`.

Importing this module registers all layers, losses and models with Keras, so that
`keras.saving.load_model` finds them.

Notebooks: 04_ctc_that_does_not_learn, 05_siamese_networks.
"""

# A saved network names its layers and losses: importing them registers their classes.
from .. import layers, losses  # noqa: F401
from .encoders import HEADS, blstm_encoder, classifier, xvector_encoder
from .phone_recognition import CTCNet, ctc_blstm
from .speaker_models import Siamese, SpeakerNet

__all__ = [
    "HEADS",
    "CTCNet",
    "Siamese",
    "SpeakerNet",
    "blstm_encoder",
    "classifier",
    "ctc_blstm",
    "xvector_encoder",
]
