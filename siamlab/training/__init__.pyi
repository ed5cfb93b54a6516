from .cudnn import device_report, why_not_cudnn
from .distribution import join, launch
from .old_weights import from_cudnn, load_old_weights, read_old_weights
from .saving import load_model
from .startup import quiet_tensorflow
from .state import preserve_state
from .timing import Throughput, throughput

__all__ = [
    "Throughput",
    "device_report",
    "from_cudnn",
    "join",
    "launch",
    "load_model",
    "load_old_weights",
    "preserve_state",
    "quiet_tensorflow",
    "read_old_weights",
    "throughput",
    "why_not_cudnn",
]
