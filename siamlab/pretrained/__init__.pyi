from .loading import Encoder, card, encoder
from .training import train_encoder

__all__ = ["Encoder", "card", "encoder", "train_encoder"]
