from .launching import launch, launched
from .workers import Team, join, step_bytes

__all__ = ["Team", "join", "launch", "launched", "step_bytes"]
