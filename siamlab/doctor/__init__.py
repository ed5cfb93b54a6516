"""The doctor: finds the fault of a program, the number that shows it, and the fix.

- `examine`: examines a model, its loss and a batch; returns a `Report`.
- `Watch`: a Keras callback that examines a network while it is trained.
- `Report`, `Finding`: the result.
- `CHECKS`: all checks. Each is a function of a `Program`, in `checks`; the page
  docs/doctor.md lists them.
"""

from .check import CHECKS, Check
from .examination import examine
from .program import Program
from .report import Finding, Report
from .watch import Watch

__all__ = ["CHECKS", "Check", "Finding", "Program", "Report", "Watch", "examine"]
