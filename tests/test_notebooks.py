"""The notebooks are committed as executed, with outputs that nbval can compare."""

import re
from pathlib import Path

import nbformat
import pytest
from docutils.utils.math.latex2mathml import tex2mathml

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def cells(path):
    return nbformat.read(path, as_version=4).cells


@pytest.fixture
def text(cells):
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.fixture
def code(cells):
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


def test_claims_stand_in_folded_cells_of_their_own(code):
    for cell in code:
        is_claim = "claim" in cell.metadata.get("tags", [])
        assert is_claim == ("assert " in cell.source)
        assert is_claim == cell.metadata.get("jupyter", {}).get("source_hidden", False)


def prose(text):
    """Text without formulas and folded solutions."""
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    return re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)


def test_it_has_the_parts_of_a_lesson(text):
    assert re.match(r"# \S.*\n\n", text)
    assert "**You will be able to**" in text
    assert 1200 <= len(prose(text).split()) <= 1800
    for heading in ("## Summary", "## Exercises", "### References"):
        assert text.count(f"\n{heading}\n") + text.startswith(heading) == 1, heading
    assert "**Next:**" in text


def test_it_has_formulas_and_references(path, text):
    # Start here and diagnose it are about programs.
    if path.stem[:2] not in ("00", "13"):
        assert text.count("$$") >= 6
    references = text.partition("### References")[2]
    links = re.findall(r"\]\((https://[^)]+)\)", references)
    assert len(links) >= 4 if "03" <= path.stem[:2] <= "12" else len(links) >= 1


def test_its_formulas_can_be_shown_in_the_book(text):
    text = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    for block, inline in re.findall(r"\$\$(.+?)\$\$|\$(.+?)\$", text, re.DOTALL):
        assert "<math" in tex2mathml(block or inline, as_block=bool(block))
