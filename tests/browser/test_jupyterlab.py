"""JupyterLab as ``siamlab lab`` starts it, and a notebook as it is committed."""

import pytest
from jupyter_pages import ROOT, Notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


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


def test_a_committed_notebook_shows_its_labs_without_a_kernel(jupyterlab, browser):
    address, folder = jupyterlab
    original = ROOT / "notebooks/08_verification_metrics.ipynb"
    copy = folder / "notebooks/committed.ipynb"
    copy.write_bytes(original.read_bytes())
    notebook = Notebook(browser, address, copy.name)
    page = notebook.page
    page.locator("summary", has_text="Without a kernel: a picture").click()
    picture = page.get_by_role("img", name="ThresholdLab, its controls")
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 100
    link = page.get_by_role("link", name="ThresholdLab in a page of its own")
    expect(link).to_be_visible()
    expect(page.get_by_text("model not found")).to_have_count(0)
    notebook.page.close()
