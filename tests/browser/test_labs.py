"""Labs in JupyterLab: what is moved in the browser arrives in Python, and back."""

import json
import sys

import nbformat
import pytest
import views
from jupyter_pages import Notebook

pytestmark = pytest.mark.slow

FIRST_CELL = f"""
import json, sys
import siamlab as sl
sl.course.start(seed=0)
sys.path += {sys.path!r}  # with the folders of tests
import views
labs = {{name: views.example(name).make() for name in views.NAMES}}
"""
LAST_CELL = """
print(json.dumps({name: lab.values for name, lab in labs.items()}))
for lab in labs.values():
    lab.reset()
"""


@pytest.fixture(scope="module")
def notebook(jupyterlab, browser):
    """All labs in one notebook, whose cells have run."""
    address, folder = jupyterlab
    sources = [FIRST_CELL, *(f"labs[{name!r}]" for name in views.NAMES), LAST_CELL]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3"}
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(made, folder / "notebooks/labs.ipynb")
    notebook = Notebook(browser, address, "labs.ipynb")
    notebook.run_all(seconds=120)
    return notebook


def test_python_follows_the_browser_and_back(notebook):
    page, shown = notebook.page, {}
    for name in views.NAMES:
        lab = notebook.cell(f"labs['{name}']").locator(".siamlab-lab")
        lab.scroll_into_view_if_needed()
        for control in lab.locator("[role=slider]:visible, input[type=range]").all()[
            :3
        ]:
            control.press("ArrowRight")
            control.press("ArrowUp")
        shown[name] = lab.evaluate("lab => lab.parentElement.siamlab.values")
    page.wait_for_timeout(500)  # until the kernel has received all values
    cell = notebook.cell("json.dumps({name")
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(1500)
    printed = json.loads(cell.locator(".jp-OutputArea-output").first.inner_text())
    assert printed == json.loads(json.dumps(shown))
    for name in views.NAMES:
        lab = notebook.cell(f"labs['{name}']").locator(".siamlab-lab")
        now, first = lab.evaluate(
            "({parentElement: {siamlab: lab}}) => [lab.values, lab.initial]"
        )
        assert now == first, name
    assert notebook.errors() == []
