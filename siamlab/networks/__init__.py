"""Networks.

Of speakers (notebook 04_pairs_and_twins):

- `blstm_encoder`: the source program's BLSTM, from a segment of a spectrogram to outputs.
- `xvector_encoder`: convolutions, for a second of speech or more.
- `Siamese`: a base network called twice, and the distance between its outputs.
- `SpeakerNet`: a base network that is trained on batches of speakers.
- `classifier`: a base network with a vector for each speaker of the training set.

Of phones (notebook 03_ctc_that_does_not_learn):

- `framewise_blstm`: a BLSTM that names the phone of each frame; a `FramewiseNet`.
- `ctc_blstm`: the same with CTC, which needs no times; a `CTCNet`.
"""

# A saved network names its layers and losses: importing them registers their classes.
from .. import layers, losses  # noqa: F401
from .encoders import HEADS, blstm_encoder, classifier, xvector_encoder
from .phone_recognition import CTCNet, FramewiseNet, ctc_blstm, framewise_blstm
from .speaker_models import Siamese, SpeakerNet

__all__ = [
    "HEADS",
    "CTCNet",
    "FramewiseNet",
    "Siamese",
    "SpeakerNet",
    "blstm_encoder",
    "classifier",
    "ctc_blstm",
    "framewise_blstm",
    "xvector_encoder",
]
