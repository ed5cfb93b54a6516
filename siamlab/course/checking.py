"""Check the answers to the exercises of the course."""

import dataclasses
import functools
import importlib
import pkgutil
import traceback
from collections.abc import Callable

import numpy as np

# By number: what the answer has to be, and the function that checks it.
EXERCISES: dict[str, tuple] = {}


@dataclasses.dataclass(frozen=True, repr=False)
class Checked:
    """Result of `check`; its text is what a notebook shows.

    Parameters
    ----------
    name : str
        Number of the exercise, such as ``"07.1"``.
    right : bool
        Whether the answer is right.
    message : str
        What is wrong, or what a right answer shows.
    """

    name: str
    right: bool
    message: str

    def __repr__(self):
        return f"{self.name} {'right' if self.right else 'not yet'}: {self.message}"


class WrongAnswerError(Exception):
    """An answer is wrong; the message says why."""


def check(name, answer):
    """Check the answer to an exercise, and explain what is wrong with it.

    The answer is tried on inputs of its own; how it is written does not matter.

    Parameters
    ----------
    name : str
        Number of the exercise, such as ``"07.1"``: notebook 07, exercise 1.
    answer : object
        What the exercise asks for; in most of them a function.

    Returns
    -------
    Checked
        Whether the answer is right, and why not.

    Raises
    ------
    ValueError
        If there is no exercise of this name.

    Examples
    --------
    >>> check("06.1", lambda distances, share: 0.0).right
    False
    """
    known = _exercises()
    if name not in known:
        raise ValueError(
            f"expected the number of an exercise, got {name!r}; the exercises are "
            f"{', '.join(sorted(known))}"
        )
    kind, checks = known[name]
    if not isinstance(answer, kind):
        what = "a function" if kind is Callable else kind.__name__
        return Checked(
            name, False, f"expected {what}, got {type(answer).__name__}; see the text"
        )
    try:
        return Checked(name, True, checks(answer))
    except WrongAnswerError as reason:
        return Checked(name, False, str(reason))
    except Exception as error:  # whatever the reader's code raises is an answer, too
        line = _line_of(error)
        return Checked(
            name, False, f"your code raised {type(error).__name__}: {error}{line}"
        )


def exercise(name, kind=Callable):
    """Register a function that checks an answer and comments on a right one.

    Parameters
    ----------
    name : str
        Number of the exercise.
    kind : type
        What the answer has to be.
    """

    def register(function):
        EXERCISES[name] = kind, function
        return function

    return register


def expect(got, expected, mistakes=(), *, tolerance=1e-4, when=""):
    """Raise `WrongAnswerError` unless `got` has the expected shape and values.

    Parameters
    ----------
    got : object
        What the reader's code returned: a number, an array or a tensor.
    expected : array-like
        The right values.
    mistakes : dict of str to array-like, optional
        What a frequent mistake would give, by its explanation.
    tolerance : float
        Largest difference that is accepted, relative to the largest expected value.
    when : str
        For which input, such as "for equal inputs".
    """
    expected = np.asarray(expected)
    require_returned(got)
    try:
        got = np.asarray(got)
        got = got.astype(bool if expected.dtype == bool else float)
    except (TypeError, ValueError):
        raise WrongAnswerError(
            f"expected numbers of shape {expected.shape}, got {type(got).__name__}"
        ) from None
    scale = tolerance * max(1.0, np.abs(expected).max(initial=0))

    def equal(other):
        other = np.asarray(other)
        return got.shape == other.shape and np.allclose(got, other, 1e-9, scale)

    if equal(expected):
        return
    for explanation, values in dict(mistakes).items():
        if equal(values):
            raise WrongAnswerError(explanation)
    if got.shape != expected.shape:
        shapes = f"expected an array of shape {expected.shape}, got {got.shape}"
        raise WrongAnswerError(f"{shapes} {when}".rstrip())
    wrong = ~np.isclose(got, expected, 1e-9, scale)
    first = tuple(int(k) for k in np.argwhere(wrong)[0])
    place = f" at {first}" if first else ""
    if expected.dtype == bool:
        values = f"expected {expected[first]}{place}, got {got[first]}"
    else:
        values = f"expected {expected[first]:.4g}{place}, got {got[first]:.4g}"
    raise WrongAnswerError(f"{values} {when}".rstrip())


def require(condition, explanation):
    """Raise `WrongAnswerError` with the explanation unless the condition holds."""
    if not condition:
        raise WrongAnswerError(explanation)


def require_returned(got):
    """Raise `WrongAnswerError` if the reader's code returned nothing."""
    unfinished = got is None or got is Ellipsis
    require(not unfinished, "nothing was returned; replace `...` by your code")


@functools.cache
def _exercises():
    """Import all modules with exercises; return the checks by number."""
    from . import exercises

    for module in pkgutil.iter_modules(exercises.__path__, f"{exercises.__name__}."):
        importlib.import_module(module.name)
    return EXERCISES


def _line_of(error):
    """Name the first line outside of siamlab in a traceback."""
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if "siamlab" not in frame.f_globals.get("__name__", "")
    ]
    return f" (line {lines[0]} of your cell)" if lines else ""
