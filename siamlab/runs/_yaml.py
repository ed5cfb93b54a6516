"""Names with their values, as a person writes them in YAML, and nothing beside.

YAML can do more than a configuration needs: a file of fifteen lines whose aliases name
aliases is a list of a billion entries. Such things are refused before they are made.
"""

import reprlib

from ..errors import ArgumentError

_MOST = 100_000  # bytes of a file
_DEEPEST = 20  # lists within lists
_LONGEST = 3500  # characters of a value; Python writes no number of 4,300 digits

shown = reprlib.repr


def load(path):
    """Read a file of names and values.

    Parameters
    ----------
    path : pathlib.Path
        The file, in UTF-8.

    Returns
    -------
    dict
        Empty if the file is.

    Raises
    ------
    ArgumentError
        If it cannot be read, is no YAML, or something else.
    """
    import yaml

    try:
        with open(path, "rb") as file:
            content = file.read(_MOST + 1)
        if len(content) > _MOST:
            raise ArgumentError(
                f"{path} has more than {_MOST:,} bytes; a configuration has few lines"
            )
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(f"{path} cannot be read ({error})") from error
    try:
        _check_plain(path, yaml, text)
        found = yaml.safe_load(text)
    except ArgumentError:
        raise
    # PyYAML lets through what int, float and datetime raise.
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        where = " ".join(str(error).split())
        raise ArgumentError(f"{path} is no YAML ({where})") from error
    found = {} if found is None else found
    if not isinstance(found, dict):
        raise ArgumentError(
            f"{path} must hold names with their values, such as `epochs: 8`; got "
            f"{type(found).__name__}"
        )
    return found


def _check_plain(path, yaml, text):
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        what = None
        if isinstance(event, yaml.AliasEvent):
            what = f"has an alias, *{event.anchor}; write the value itself"
        elif depth > _DEEPEST:
            what = f"is no YAML for a configuration: {_DEEPEST} lists in each other"
        elif len(getattr(event, "value", "")) > _LONGEST:
            what = f"has a value of {len(event.value):,} characters"
        if what:
            line = event.start_mark.line + 1
            raise ArgumentError(f"{path}, line {line}: {what}")
