from . import cudnn
from .devices import DeviceReport, Gpu, RecurrentLayer, device_report
from .launching import launch, launched
from .old_weights import from_cudnn, load_old_weights, read_old_weights
from .saving import load_model
from .speed import Throughput, throughput
from .startup import quiet_tensorflow
from .workers import Team, join, step_bytes

__all__ = [
    "DeviceReport",
    "Gpu",
    "RecurrentLayer",
    "device_report",
    "Throughput",
    "throughput",
    "cudnn",
    "from_cudnn",
    "load_model",
    "load_old_weights",
    "quiet_tensorflow",
    "read_old_weights",
    "Team",
    "join",
    "launch",
    "launched",
    "step_bytes",
]
