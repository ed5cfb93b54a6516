"""Drive a notebook in JupyterLab as a person would, and ask its kernel as well."""

import ast
import json
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect

# Kernels that train keep both processors busy.
expect.set_options(timeout=60_000)


_ERRORS = '[data-mime-type="application/vnd.jupyter.error"]'
_STDERR = '[data-mime-type="application/vnd.jupyter.stderr"]'


class Notebook:
    """A page of a browser with a notebook in it."""

    def __init__(self, browser, address, name):
        self.complaints = []
        self.page = browser.new_page(viewport={"width": 1366, "height": 768})
        self.page.set_default_timeout(60_000)
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        parts = urlsplit(address)
        # A workspace of its own, so that no page opens what another one has open.
        path = f"/lab/workspaces/{name[:2]}/tree/notebooks/{name}"
        self.page.goto(parts._replace(path=path).geturl())
        expect(self.page.locator(".jp-CodeCell").first).to_be_visible()

    def _listen(self, message):
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def run_all(self):
        """Forget the outputs and run all cells; does not wait for the end."""
        status = self.page.locator(".jp-StatusBar-Widget")
        expect(status).to_contain_text("| Idle")
        # So that a prompt with a number means: has run now.
        self._choose("Edit", "Clear Outputs of All Cells")
        expect(self.page.locator(".jp-CodeCell .jp-OutputArea-output")).to_have_count(0)
        self._choose("Run", "Run All Cells")

    def _choose(self, menu, item):
        for name in (menu, item):
            self.page.get_by_role("menuitem", name=name, exact=True).click()

    def wait(self, seconds):
        """Wait until every cell has run; say where it stopped."""
        prompts = self.page.locator(".jp-CodeCell .jp-InputPrompt")
        end = time.monotonic() + seconds
        while waiting := [
            p for p in prompts.all_inner_texts() if p in ("[ ]:", "[*]:")
        ]:
            if time.monotonic() > end or self.went_wrong():
                raise AssertionError(
                    f"{len(waiting)} cells did not run ({', '.join(waiting)}): "
                    f"{self.went_wrong()}"
                )
            self.page.wait_for_timeout(200)

    def went_wrong(self):
        """Return the texts of errors, in cells and in the browser's console."""
        result = self.page.locator(f"{_ERRORS}, {_STDERR}").all_inner_texts()
        return result + self.complaints

    def cell(self, source):
        """Find the cell whose source contains a text."""
        return self.page.locator(".jp-CodeCell").filter(
            has=self.page.locator(".jp-InputArea", has_text=source)
        )


class Kernel:
    """Another client of the kernel behind a page."""

    def __init__(self, address, runtime, name):
        from jupyter_client import BlockingKernelClient

        parts = urlsplit(address)
        sessions = parts._replace(path="/api/sessions").geturl()
        with urllib.request.urlopen(sessions) as answer:
            (kernel,) = (
                session["kernel"]["id"]
                for session in json.load(answer)
                if session["path"].endswith(name)
            )
        self._client = BlockingKernelClient()
        self._client.load_connection_file(str(Path(runtime, f"kernel-{kernel}.json")))
        self._client.start_channels()

    def ask(self, expression):
        """Evaluate an expression there; its value comes as JSON."""
        code = f"__import__('json').dumps({expression})"
        message = self._client.execute(
            "", silent=True, user_expressions={"it": code}, store_history=False
        )
        while True:
            reply = self._client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == message:
                break
        result = reply["content"]["user_expressions"]["it"]
        if result["status"] != "ok":
            raise AssertionError(f"{expression}: {result['ename']}: {result['evalue']}")
        return json.loads(ast.literal_eval(result["data"]["text/plain"]))

    def close(self):
        """Leave the kernel to the page."""
        self._client.stop_channels()


def shut_down(address, name):
    """End the kernel of a notebook, as a restart of the machine would."""
    parts = urlsplit(address)
    there = parts._replace(path="/api/sessions").geturl()
    with urllib.request.urlopen(there) as answer:
        sessions = json.load(answer)
    for session in sessions:
        if session["path"].endswith(name):
            path = f"/api/sessions/{session['id']}"
            request = urllib.request.Request(
                parts._replace(path=path).geturl(), method="DELETE"
            )
            urllib.request.urlopen(request).close()
