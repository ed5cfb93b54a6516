"""The notebooks are committed as executed, with outputs that nbval can compare."""

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


def test_the_cells_were_executed_in_order_without_errors(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for output in (output for cell in code for output in cell.outputs):
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.text


def test_some_outputs_are_compared(code):
    compared = [
        cell
        for cell in code
        if cell.outputs and "nbval-ignore-output" not in cell.metadata.get("tags", [])
    ]
    assert len(compared) >= 3
    # A claim that holds on every machine.
    assert any("assert " in cell.source for cell in compared)


def test_the_file_is_small_and_names_no_path_of_this_machine(path):
    assert path.stat().st_size < 500_000
    text = path.read_text(encoding="utf-8")
    assert str(Path.home()) not in text or str(Path.home()) == "/"
    assert str(ROOT) not in text


def test_the_readme_and_the_first_notebook_link_to_it(path):
    assert path.name in (ROOT / "README.md").read_text(encoding="utf-8")
    assert path == NOTEBOOKS[0] or path.name in NOTEBOOKS[0].read_text(encoding="utf-8")


def test_code_cells_are_short(code):
    lines = [len(cell.source.splitlines()) for cell in code]
    assert max(lines) <= 25
    assert sorted(lines)[len(lines) // 2] <= 8


def test_it_ends_with_a_summary_questions_and_what_comes_next(path):
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "## Summary" in text
    assert 3 <= text.count("<details>") <= 6
    assert "**Next:**" in text or "## Your own recordings" in text
