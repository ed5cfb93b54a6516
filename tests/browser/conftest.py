"""JupyterLab in a process of its own, and a real browser on it.

- `lab`: as `make lab` starts it, for one test.
- `workbench`: JupyterLab on a copy of the notebooks, for all tests of labs.
- `browser`: a Chromium without a window.
"""

import pytest
import workbench as _workbench


@pytest.fixture
def lab(tmp_path):
    """A lab of its own, with folders and a port of its own; yields its address."""
    with _workbench.jupyter(["lab", "."], tmp_path) as address:
        yield address


@pytest.fixture(scope="session")
def workbench(tmp_path_factory):
    """JupyterLab on a copy of the notebooks; yields its address and its folders."""
    folder = tmp_path_factory.mktemp("workbench")
    with _workbench.notebooks_in(folder) as address:
        yield address, folder


@pytest.fixture(scope="session")
def browser(browser_path):
    """A Chromium without a window."""
    with _workbench.chromium(browser_path) as browser:
        yield browser
