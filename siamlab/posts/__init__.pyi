from .faults import (
    MeanHinge,
    broadcast_loss,
    clipped_both,
    clipped_each,
    clipped_kl,
    fresh_extractor,
    kl_one_way,
    prelu_head,
)
from .recipe import FIXES, POSTED, Recipe, ladder

__all__ = [
    "FIXES",
    "POSTED",
    "MeanHinge",
    "Recipe",
    "broadcast_loss",
    "clipped_both",
    "clipped_each",
    "clipped_kl",
    "fresh_extractor",
    "kl_one_way",
    "ladder",
    "prelu_head",
]
