from .loading import Encoder, card, encoder
from .training import augmentation, train_encoder

__all__ = ["Encoder", "augmentation", "card", "encoder", "train_encoder"]
