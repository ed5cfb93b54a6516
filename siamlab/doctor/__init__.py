"""The doctor: which fault, the number that shows it, what mends it.

- `examine`: look into a program, give a `Report`.
- `Watch`: a Keras callback that does so while a training runs.
- `Report`, `Finding`: what came of it.
- `FACTS`: what a program may be known by beside its model.
- `RULES`: all rules; `rule` registers one, `Rule` is one, `NotExamined` says why not.

A rule is one function of a `Case`, in `rules`. The page docs/doctor.md lists them all.
"""

from .examination import examine, load
from .facts import FACTS
from .report import Finding, Report
from .rule import RULES, NotExamined, Rule, rule
from .watch import Watch

load()

__all__ = [
    "FACTS",
    "RULES",
    "Finding",
    "NotExamined",
    "Report",
    "Rule",
    "Watch",
    "examine",
    "rule",
]
