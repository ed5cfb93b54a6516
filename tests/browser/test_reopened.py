"""A notebook that is opened again shows its labs, though their kernel is gone."""

import nbformat
import pytest
from notebook import Notebook, shut_down
from playwright.sync_api import expect
from workbench import ROOT

pytestmark = pytest.mark.slow

CELLS = [
    """import numpy as np
import siamlab as sl

rng = np.random.default_rng(0)
same = np.arange(300) < 60
scores = rng.normal(np.where(same, 0.7, 0.1), 0.2)""",
    """lab = sl.labs.ThresholdLab(same, scores)
lab""",
]


def expect_a_picture(cell):
    picture = cell.locator(".jp-OutputArea img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 100
    expect(cell.get_by_text("model not result")).to_have_count(0)


def test_as_saved_by_a_reader(workbench, browser):
    address, folder = workbench
    name = "saved.ipynb"
    saved = folder / "notebooks" / name
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), saved)
    first = Notebook(browser, address, name)
    first.run_all()
    first.wait(60)
    expect_a_picture(first.cell("ThresholdLab"))
    first.page.keyboard.press("Control+s")
    for _ in range(100):
        if "ThresholdLab()" in saved.read_text():
            break
        first.page.wait_for_timeout(100)
    first.page.close()
    shut_down(address, name)

    again = Notebook(browser, address, name)
    expect_a_picture(again.cell("ThresholdLab"))
    again.page.close()


def test_as_it_was_committed(workbench, browser):
    """Nobody has run it here."""
    address, folder = workbench
    name = "06_accuracy_on_distances.ipynb"
    committed = folder / "notebooks" / f"committed_{name}"
    committed.write_bytes((ROOT / "notebooks" / name).read_bytes())
    notebook = Notebook(browser, address, committed.name)
    expect_a_picture(notebook.cell("sl.labs.ThresholdLab("))
    notebook.page.close()
