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
    kinds : tuple of str
        The programs to which it applies: "siamese", "ctc".
    function : callable
        Program -> None, or (value, evidence). Its docstring is the entry of the page
        docs/doctor.md: the title, the symptom, the cause, the fix, and what is compared
        with what, at which limit, and why.
    """

    code: str
    severity: str
    notebook: str
    follows: tuple
    kinds: tuple
    function: Callable

    def __call__(self, program):
        """Apply the check: None, or the number and the sentence that show the fault."""
        return self.function(program)

    @property
    def title(self):
        """What is wrong, in one line."""
        return self.paragraphs[0].rstrip(".")

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
        found = re.findall(pattern, self.paragraphs[1], re.MULTILINE | re.DOTALL)
        return " ".join(found[0].split())

    @property
    def paragraphs(self):
        """The docstring of the function: title, fields, and how the fault is found."""
        return (inspect.getdoc(self.function) or "").split("\n\n")


# In the order of causes: a fault stands before those that it explains.
CHECKS: dict[str, Check] = {}


def check(code, severity, notebook="", follows="", kinds=""):
    """Register a function as the check for a code; a decorator.

    Parameters
    ----------
    code, severity, notebook : str
        See `Check`.
    follows, kinds : str
        Codes and kinds of programs, separated by blanks. By default, codes that begin
        with "S" are for siamese programs, others for CTC.

    Returns
    -------
    callable
        The decorator; it returns the function.
    """

    def register(function):
        names = (kinds or ("siamese" if code[0] == "S" else "ctc")).split()
        causes = tuple(follows.split())
        CHECKS[code] = Check(code, severity, notebook, causes, tuple(names), function)
        return function

    return register
