"""Answers to the exercises, right and wrong ones, by the number of the exercise."""

RIGHT, WRONG = [], []


def right(name, answer):
    """Register an answer that `siamlab.course.check` must accept."""
    RIGHT.append((name, answer))


def wrong(name, explanation, answer):
    """Register an answer that must be rejected, with words of the explanation."""
    WRONG.append((name, explanation, answer))
