from .channel import (
    ChannelRobustness,
    average_spectra,
    channel_robustness,
    randomize_channel,
)
from .encoder_training import augmentation, describe_training, train_encoder
from .enrollment import enroll, trials
from .extraction import embed
from .layers import embed_layers, extractor
from .onnx_encoder import OnnxEncoder
from .pretrained import Encoder, encoder, encoder_card
from .table import Embeddings

__all__ = [
    "ChannelRobustness",
    "Embeddings",
    "Encoder",
    "OnnxEncoder",
    "augmentation",
    "average_spectra",
    "channel_robustness",
    "describe_training",
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
