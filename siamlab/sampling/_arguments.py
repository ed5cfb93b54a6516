"""Checks of arguments."""

from ..errors import ArgumentError


def check_minimum(**arguments):
    """Raise unless each argument, given as (value, minimum), is at least its minimum.

    Raises
    ------
    ArgumentError
        For the first that is too small.
    """
    for name, (value, minimum) in arguments.items():
        if value < minimum:
            raise ArgumentError(f"{name} must be at least {minimum}; got {value}")
