from .channel import (
    ChannelRobustness,
    average_spectra,
    channel_robustness,
    randomize_channel,
)
from .enrollment import enroll, trials
from .extraction import embed
from .layers import check_extractor, embed_layers, extractor
from .pretrained import Encoder, encoder, encoder_card
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
    "embed_layers",
    "encoder",
    "encoder_card",
    "enroll",
    "extractor",
    "randomize_channel",
    "train_encoder",
    "trials",
]
