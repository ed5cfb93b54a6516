from .config import Config
from .reporting import write_report
from .training import Run, train

__all__ = ["Config", "Run", "train", "write_report"]
