"""The checks of the exercises, one module for each part of the course.

Each check receives an answer, raises `WrongAnswerError` if it is wrong, and returns a
comment on a right one.
"""
