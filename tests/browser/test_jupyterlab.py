"""JupyterLab as ``siamlab lab`` starts it, and notebooks that are opened again."""

import nbformat
import pytest
from jupyter_pages import ROOT, Notebook
from playwright.sync_api import expect

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


def test_the_first_notebook_opens_and_runs_a_cell(jupyterlab, browser):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(jupyterlab[0])
    expect(page.get_by_role("heading", name="Start here")).to_be_visible()
    expect(page.locator(".jp-StatusBar-Widget")).to_contain_text("| Idle")
    # Committed outputs are visible before any cell runs.
    expect(page.get_by_text("voices de: 720 utterances").first).to_be_visible()
    # TensorFlow starts without printing anything.
    cell = page.locator(".jp-CodeCell").first
    cell.click()
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-InputPrompt")).to_have_text("[1]:")
    expect(cell.locator(".jp-OutputArea-output")).to_have_count(0)
    page.close()


def expect_a_picture(cell):
    picture = cell.locator(".jp-OutputArea img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 100
    expect(cell.get_by_text("model not found")).to_have_count(0)


def test_a_saved_notebook_shows_its_labs_without_a_kernel(jupyterlab, browser):
    address, folder = jupyterlab
    saved = folder / "notebooks/saved.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), saved)
    first = Notebook(browser, address, saved.name)
    first.run_all()
    first.wait(60)
    expect_a_picture(first.cell("ThresholdLab"))
    first.page.keyboard.press("Control+s")
    for _ in range(100):
        if "ThresholdLab()" in saved.read_text():
            break
        first.page.wait_for_timeout(100)
    first.close()

    committed = "06_accuracy_on_distances.ipynb"
    copy = saved.with_name(f"committed_{committed}")
    copy.write_bytes((ROOT / "notebooks" / committed).read_bytes())
    for name in (saved.name, copy.name):
        again = Notebook(browser, address, name)
        expect_a_picture(again.cell("ThresholdLab("))
        again.close()
