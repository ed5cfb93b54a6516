from . import cudnn
from .devices import DeviceReport, Gpu, RecurrentLayer, device_report
from .launching import launch, launched
from .old_weights import from_cudnn, load_old_weights, read_old_weights
from .speed import Throughput, throughput
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
    "load_old_weights",
    "read_old_weights",
    "Team",
    "join",
    "launch",
    "launched",
    "step_bytes",
]
