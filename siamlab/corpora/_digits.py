"""The words of the corpora of spoken digits."""

DIGITS = "zero one two three four five six seven eight nine".split()
