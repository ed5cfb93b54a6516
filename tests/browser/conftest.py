"""A JupyterLab for each file of browser tests."""

import jupyter_pages
import pytest


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory):
    """JupyterLab on a copy of the notebooks; yields its address and its folder."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    with jupyter_pages.jupyterlab(folder) as address:
        yield address, folder
