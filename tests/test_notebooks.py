"""Every committed notebook was run from top to bottom, and its outputs are there.

nbval compares them; but a notebook whose outputs were cleared passes nbval, which
then compares nothing.
"""

from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def code(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_it_was_run_from_top_to_bottom(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def test_nothing_went_wrong_and_nothing_was_muttered(code):
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


def test_what_is_compared_says_something(code):
    compared = [
        cell
        for cell in code
        if cell.outputs and "nbval-ignore-output" not in cell.metadata.get("tags", [])
    ]
    assert len(compared) >= 3
    # A claim whose text has to come out the same, whatever the machine.
    assert any("assert " in cell.source for cell in compared)


def test_it_is_small_enough_to_be_read_online(path):
    assert path.stat().st_size < 500_000


def test_it_holds_no_path_of_the_machine_it_ran_on(path):
    text = path.read_text()
    assert str(Path.home()) not in text or str(Path.home()) == "/"
    assert str(ROOT) not in text


def test_its_code_can_be_taken_in_at_a_glance(code):
    lines = [len(cell.source.splitlines()) for cell in code]
    assert max(lines) <= 25
    assert sorted(lines)[len(lines) // 2] <= 8


def test_the_readme_and_the_first_notebook_name_it(path):
    assert path.name in (ROOT / "README.md").read_text()
    first = NOTEBOOKS[0].read_text()
    assert path.name in first or path == NOTEBOOKS[0]


def test_it_ends_with_questions_and_what_comes_next_or_ones_own_recordings(path):
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "## Summary" in text
    assert 3 <= text.count("<details>") <= 6
    assert "**Next:**" in text or "## Your own recordings" in text
