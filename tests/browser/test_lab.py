"""JupyterLab as a person meets it: `make lab`, and a real browser."""

import os

import pytest
from playwright.sync_api import expect


@pytest.mark.slow
def test_the_lab_opens_on_the_first_notebook_and_runs_a_cell(lab, browser):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(lab)
    expect(page.get_by_role("heading", name="Start here: can a network")).to_be_visible(
        timeout=60_000
    )
    expect(page.locator(".jp-StatusBar-Widget")).to_contain_text(
        "| Idle", timeout=60_000
    )
    # What was committed can be read before anything is run.
    expect(page.get_by_text("voices de: 720 utterances").first).to_be_visible()
    # The set-up cell runs, and TensorFlow starts without a word.
    cell = page.locator(".jp-CodeCell").first
    cell.click()
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-InputPrompt")).to_have_text("[1]:", timeout=60_000)
    expect(cell.locator(".jp-OutputArea-output")).to_have_count(0)
    screenshot = os.environ.get("SIAMLAB_SCREENSHOT")
    if screenshot:
        page.screenshot(path=screenshot)
    page.close()
