"""What is said in recordings of digits."""

DIGITS = "zero one two three four five six seven eight nine".split()
