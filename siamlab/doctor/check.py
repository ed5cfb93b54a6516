"""How a check is written, and the list of all checks."""

import dataclasses
import inspect
import re
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Check:
    """A check for one fault; called with a `Program`.

    Parameters
    ----------
    code : str
        Such as "S5" or "C9": "S" for siamese programs, "C" for CTC.
    severity : {"fatal", "serious", "minor"}
        See `Finding`.
    notebook : str
        The notebook that explains the fault.
    follows : tuple of str
        Codes of the faults that explain this one if they are found, too.
    function : callable
        Program -> None, or (value, evidence). Its docstring is the entry of the page
        docs/doctor.md: the title, the symptom, the cause, the fix, and what is compared
        with what, at which limit, and why.
    """

    code: str
    severity: str
    notebook: str
    follows: tuple
    function: Callable

    def __call__(self, program):
        """Apply the check: None, or the number and the sentence that show the fault."""
        return self.function(program)

    @property
    def kind(self):
        """The programs to which it applies, "siamese" or "ctc"."""
        return "siamese" if self.code.startswith("S") else "ctc"

    @property
    def title(self):
        """What is wrong, in one line."""
        return self._paragraphs[0].rstrip(".")

    @property
    def detection(self):
        """How the fault is found."""
        return " ".join(" ".join(self._paragraphs[2:]).split())

    @property
    def fix(self):
        """How to fix it."""
        return self.field("Fix")

    def field(self, name):
        """Return a field of the docstring.

        Parameters
        ----------
        name : {"Symptom", "Cause", "Fix"}
            The field.

        Returns
        -------
        str
            Its text.
        """
        pattern = rf"^{name}: (.*?)(?=^\w+: |\Z)"
        found = re.findall(pattern, self._paragraphs[1], re.MULTILINE | re.DOTALL)
        return " ".join(found[0].split())

    @property
    def _paragraphs(self):
        return (inspect.getdoc(self.function) or "").split("\n\n")


# In the order of causes: a fault stands before those that it explains.
CHECKS: dict[str, Check] = {}


def check(code, severity, notebook="", follows=""):
    """Register a function as the check for a code; a decorator.

    Parameters
    ----------
    code, severity, notebook : str
        See `Check`.
    follows : str
        Codes, separated by blanks.

    Returns
    -------
    callable
        The decorator; it returns the function.
    """

    def register(function):
        CHECKS[code] = Check(code, severity, notebook, tuple(follows.split()), function)
        return function

    return register
