from . import cudnn
from .launching import launch, launched
from .old_weights import from_cudnn, load_old_weights, read_old_weights
from .workers import Team, join, step_bytes

__all__ = [
    "cudnn",
    "from_cudnn",
    "load_old_weights",
    "read_old_weights",
    "Team",
    "join",
    "launch",
    "launched",
    "step_bytes",
]
