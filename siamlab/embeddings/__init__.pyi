from .channel import (
    ChannelRobustness,
    average_spectra,
    channel_robustness,
    randomize_channel,
)
from .enrollment import enroll, trials
from .extraction import embed, extractor
from .layers import layer_sweep
from .pretrained import Encoder, encoder, encoder_card
from .proof import check_extractor
from .table import Embeddings
from .training import augmentation, train_encoder

__all__ = [
    "ChannelRobustness",
    "Embeddings",
    "Encoder",
    "augmentation",
    "average_spectra",
    "channel_robustness",
    "check_extractor",
    "embed",
    "encoder",
    "encoder_card",
    "enroll",
    "extractor",
    "layer_sweep",
    "randomize_channel",
    "train_encoder",
    "trials",
]
