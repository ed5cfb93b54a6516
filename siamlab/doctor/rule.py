"""How a rule is written, and the register of all of them."""

import dataclasses
import functools
from collections.abc import Callable

from .report import SEVERITIES


class NotExamined(Exception):
    """Raised where a program does not offer what a rule needs; says what is missing."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule; called with a `Case`.

    Parameters
    ----------
    code : str
        "S1" to "S38", "C1" to "C26".
    kinds : tuple of str
        Which programs it is for: "siamese", "ctc".
    severity : str
        See `Finding`.
    title, symptom, cause, fix : str
        What is wrong, what the reader of the program sees, why, and what mends it.
    notebook : str
        Which explains it.
    function : callable
        Case -> None, or (value, evidence).
    """

    code: str
    kinds: tuple
    severity: str
    title: str
    symptom: str
    cause: str
    fix: str
    notebook: str
    function: Callable

    def __call__(self, case):
        """Apply it: None, or the number and the sentence that show the fault."""
        return self.function(case)

    @property
    def detection(self):
        """How it is found, and why at that threshold: the function's docstring."""
        return self.function.__doc__


RULES: dict[str, Rule] = {}


def rule(code, kinds, severity, *, title, symptom, cause, fix, notebook=""):
    """Register a function as the rule for a code; a decorator.

    The function is given a `Case`. It returns None where the fault is not there, and
    the number and the sentence that show it where it is. What the case does not offer
    raises `NotExamined` by itself; a rule never guesses.

    Parameters
    ----------
    code : str
        "S1" to "S38", "C1" to "C26"; the function's name begins with it.
    kinds : str
        "siamese", "ctc" or both, with a blank between.
    severity : str
        "fatal", "serious" or "minor"; see `Finding`.
    title, symptom, cause, fix : str
        What is wrong, what is seen of it, why, and what mends it.
    notebook : str
        Which explains it; "" for none.

    Returns
    -------
    callable
        Takes the function, and gives it back.

    Raises
    ------
    ValueError
        If the severity is none of these, the code has a rule already, or the function's
        name does not begin with it.
    """
    if severity not in SEVERITIES:
        raise ValueError(f"severity must be one of {SEVERITIES}; got {severity!r}")

    def register(function):
        if code in RULES:
            raise ValueError(f"{code} has a rule already")
        if not function.__name__.startswith(code.lower() + "_"):
            raise ValueError(f"the name of {function.__name__} begins with no {code}")
        RULES[code] = Rule(
            code,
            tuple(kinds.split()),
            severity,
            title,
            symptom,
            cause,
            fix,
            notebook,
            function,
        )
        return function

    return register


def probe(function):
    """Make a property of what is computed once; so is that it cannot be computed."""
    name = "_kept_" + function.__name__

    @functools.wraps(function)
    def kept(self):
        if name not in self.__dict__:
            try:
                self.__dict__[name] = function(self), None
            except NotExamined as error:
                self.__dict__[name] = None, str(error)
        value, reason = self.__dict__[name]
        if reason is not None:
            raise NotExamined(reason)
        return value

    return property(kept)
