"""JupyterLab as a person meets it: `tools/lab.py`, and a real browser."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def lab(tmp_path):
    """A lab of its own, with folders and a port of its own; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if "DISPLAY" not in k}
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        env[f"JUPYTER_{name}"] = str(tmp_path / name.lower())
    env["JUPYTERLAB_SETTINGS_DIR"] = str(tmp_path / "settings")
    env["JUPYTERLAB_WORKSPACES_DIR"] = str(tmp_path / "workspaces")
    process = subprocess.Popen(
        [sys.executable, "tools/lab.py", "--port", str(port)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            for line in process.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\S+token=\w+\S*", line):
                    break
            else:
                pytest.fail("the lab ended without an address")
            yield found[0]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.mark.slow
def test_the_lab_opens_on_the_first_notebook_and_runs_a_cell(lab, browser_path):
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(lab)
        expect(
            page.get_by_role("heading", name="Start here: can a network")
        ).to_be_visible(timeout=60_000)
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
        browser.close()
