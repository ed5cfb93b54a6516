"""The exercises: right answers are accepted, however they are written.

The solutions in the notebooks are answers, too.
"""

import re
from pathlib import Path

import keras
import nbformat
import numpy as np
import pytest
from answers import RIGHT, WRONG

import siamlab as sl
from siamlab.course import checking

for module in sorted(Path(__file__).parent.glob("answers_*.py")):
    __import__(module.stem)

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# `sl.course.check("07.1", kl)` at the end of a cell.
CHECKED = re.compile(r'^sl\.course\.check\("([\d.]+)", (\w+)\)$', re.M)
SOLUTION = re.compile(
    r"<details>\s*<summary>Solution ([\d.]+)</summary>\s*```python\n(.*?)```", re.S
)


def names_of(answers):
    return [f"{name}-{k}" for k, (name, *_) in enumerate(answers)]


def in_notebooks(cell_type, pattern):
    """Find all matches of a pattern in the cells of all notebooks."""
    return [
        match
        for path in NOTEBOOKS
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == cell_type
        for match in pattern.findall(cell.source)
    ]


# Number of each exercise, and the name of the answer; number, and code of its solution.
ASKED = in_notebooks("code", CHECKED)
SOLUTIONS = in_notebooks("markdown", SOLUTION)


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=names_of(RIGHT))
def test_right_answers_are_accepted(name, answer):
    checked = sl.course.check(name, answer)
    assert checked.right, checked
    assert checked.message.endswith(".")


@pytest.mark.parametrize(("name", "words", "answer"), WRONG, ids=names_of(WRONG))
def test_wrong_answers_are_rejected_with_a_reason(name, words, answer):
    checked = sl.course.check(name, answer)
    assert not checked.right
    assert words in checked.message


@pytest.mark.parametrize(("name", "code"), SOLUTIONS, ids=names_of(SOLUTIONS))
def test_the_solutions_in_the_notebooks_are_right(name, code):
    namespace = {"np": np, "keras": keras, "ops": keras.ops, "sl": sl}
    exec(code, namespace)
    checked = sl.course.check(name, namespace[dict(ASKED)[name]])
    assert checked.right, checked


def test_every_exercise_is_asked_solved_and_tested():
    exercises = set(checking._exercises())
    assert sorted(name for name, _ in ASKED) == sorted(exercises)
    assert {name for name, _ in SOLUTIONS} == exercises
    for name in exercises:
        assert sum(other == name for other, _ in RIGHT) >= 1, name
        assert sum(other == name for other, *_ in WRONG) >= 2, name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_two_exercises(path):
    number = path.stem[:2]
    assert sum(n.startswith(number) for n in checking._exercises()) >= 2


@pytest.mark.parametrize("name", sorted(checking._exercises()))
@pytest.mark.parametrize(
    "answer",
    [None, ..., 1, "text", lambda *_: ...],
    ids=["none", "ellipsis", "number", "text", "stub"],
)
def test_an_unfinished_answer_is_not_right_and_raises_nothing(name, answer):
    checked = sl.course.check(name, answer)
    assert not checked.right
    assert repr(checked).startswith(f"{name} not yet: ")


def test_an_error_in_an_answer_is_reported_with_its_line():
    def answer(distances, share):
        return distances + undefined  # noqa: F821

    line = answer.__code__.co_firstlineno + 1
    checked = sl.course.check("06.1", answer)
    assert "NameError" in checked.message
    assert f"line {line} of your cell" in checked.message


def test_the_name_of_an_unknown_exercise_is_refused():
    with pytest.raises(ValueError, match=r"'99\.1'; the exercises are "):
        sl.course.check("99.1", 0)
