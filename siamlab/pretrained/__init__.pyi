from .loading import Encoder, encoder
from .training import train_encoder

__all__ = ["Encoder", "encoder", "train_encoder"]
