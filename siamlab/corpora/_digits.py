"""What the corpora of spoken digits have in common: the digit is in the file name."""

from ._scan import misplaced

_WORDS = "zero one two three four five six seven eight nine".split()


def digit_row(path, pattern, expected):
    """Make the row of a file from its name, matched by a pattern.

    Each speaker has one session.
    """
    match = pattern.fullmatch(path.stem)
    if match is None:
        raise misplaced(path, expected)
    return {
        "speaker": match["speaker"],
        "session": match["speaker"],
        "path": str(path),
        "text": _WORDS[int(match["digit"])],
    }
