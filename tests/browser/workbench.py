"""JupyterLab in a process of its own, with folders and a port of its own."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def jupyter(command, folder):
    """Run a command of siamlab's that starts JupyterLab; yields the address."""
    env = {k: v for k, v in os.environ.items() if "DISPLAY" not in k}
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        env[f"JUPYTER_{name}"] = str(folder / name.lower())
    env["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    env["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / "workspaces")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "siamlab", *command, "--", "--port", str(port)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            for line in process.stdout:
                if result := re.search(r"http://127\.0\.0\.1:\S+token=\w+\S*", line):
                    break
            else:
                raise RuntimeError("the lab ended without an address")
            yield result[0]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


_SETTINGS = {
    # Cells out of sight are cells as well: have them all in the page.
    "notebook-extension/tracker": '{"windowingMode": "none"}',
    # No question about news over the notebook.
    "apputils-extension/notification": '{"fetchNews": "false"}',
}


@contextlib.contextmanager
def notebooks_in(folder):
    """Run JupyterLab on a copy of the notebooks; yields the address."""
    for name, content in _SETTINGS.items():
        path = folder / f"settings/@jupyterlab/{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(content)
    with jupyter(["lab", str(folder)], folder) as address:
        yield address


@contextlib.contextmanager
def chromium(path):
    """Run a Chromium without a window; yields Playwright's browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()
