"""A JupyterLab for each file of browser tests, and a browser.

- `jupyterlab`: JupyterLab on a copy of the notebooks; its address and its folder.
- `browser`: a Chromium without a window.
"""

import jupyter_pages
import pytest


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory):
    """JupyterLab on a copy of the notebooks; yields its address and its folder."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    with jupyter_pages.jupyterlab(folder) as address:
        yield address, folder


@pytest.fixture(scope="session")
def browser(browser_path):
    """A Chromium without a window."""
    with jupyter_pages.chromium(browser_path) as browser:
        yield browser
