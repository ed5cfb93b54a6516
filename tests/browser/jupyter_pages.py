"""JupyterLab in a process, and notebooks in a browser."""

import contextlib
import sys
from pathlib import Path
from urllib.parse import urlsplit

from lab_process import jupyter_environment, running_lab
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]

# Kernels that train keep both processors busy.
expect.set_options(timeout=60_000)

_SETTINGS = {
    # All cells are in the page, not only the visible ones.
    "notebook-extension/tracker": '{"windowingMode": "none"}',
    # No question about news.
    "apputils-extension/notification": '{"fetchNews": "false"}',
}


_ERRORS = ", ".join(
    f"[data-mime-type='application/vnd.jupyter.{kind}']" for kind in ("error", "stderr")
)
_ALL_HAVE_RUN = f"""() => document.querySelector("{_ERRORS}") ||
    [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
    .every(prompt => /[0-9]/.test(prompt.innerText))"""


@contextlib.contextmanager
def jupyterlab(folder):
    """Run ``siamlab lab`` on a folder; yields the address that it prints."""
    for name, content in _SETTINGS.items():
        path = folder / f"settings/@jupyterlab/{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(content)
    command = (sys.executable, "-m", "siamlab", "lab", str(folder))
    place = {"cwd": ROOT, "env": jupyter_environment(folder)}
    with running_lab(*command, **place) as (_, printed):
        yield printed[-1].strip()


@contextlib.contextmanager
def chromium(path):
    """Run a Chromium without a window; yields Playwright's browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


class Notebook:
    """A page of a browser with a notebook."""

    def __init__(self, browser, address, name):
        self.console_errors = []
        self.page = browser.new_page(viewport={"width": 1366, "height": 768})
        self.page.set_default_timeout(60_000)
        self.page.on("console", self._record)
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        # Each notebook has its own workspace, so that pages do not share tabs.
        path = f"/lab/workspaces/{name[:2]}/tree/notebooks/{name}"
        self.page.goto(urlsplit(address)._replace(path=path).geturl())
        expect(self.page.locator(".jp-CodeCell").first).to_be_visible()

    def _record(self, message):
        if message.type == "error":
            url = message.location.get("url")
            self.console_errors.append(f"{message.text} ({url})")

    def run_all(self, seconds):
        """Run all cells again; wait until they have run, or one has failed."""
        status = self.page.locator(".jp-StatusBar-Widget")
        expect(status).to_contain_text("| Idle")
        for name in ("Edit", "Clear Outputs of All Cells", "Run", "Run All Cells"):
            self.page.get_by_role("menuitem", name=name, exact=True).click()
        self.page.wait_for_function(_ALL_HAVE_RUN, timeout=1000 * seconds, polling=500)
        assert self.errors() == [], self.errors()

    def errors(self):
        """Return the errors in cells and in the console of the browser."""
        return self.page.locator(_ERRORS).all_inner_texts() + self.console_errors

    def cell(self, source):
        """Find the cell whose source contains a text."""
        return self.page.locator(".jp-CodeCell").filter(
            has=self.page.locator(".jp-InputArea", has_text=source)
        )
