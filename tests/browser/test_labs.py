"""Every lab, moved by keyboard and by mouse, in a real browser.

Notebooks are tested elsewhere as they are. Here one kernel shows the small examples
that the other tests of the labs use.
"""

from pathlib import Path

import examples
import nbformat
import pytest
from jupyter_pages import Notebook
from playwright.sync_api import expect

from siamlab import labs

pytestmark = pytest.mark.slow

FIRST_CELL = f"""
import sys
import siamlab as sl
sl.course.start(seed=0)
sys.path.append({str(Path(examples.__file__).parent)!r})
from examples import LABS
"""


def write_labs(path):
    """Write a notebook with an example of each lab."""
    sources = [FIRST_CELL, *(f"LABS[sl.labs.{name}]()" for name in labs.__all__)]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, path)


_CHANGED = """([[picture, numbers], [old_picture, old_numbers]]) =>
    picture.src !== old_picture && numbers.innerText !== old_numbers"""
# The kernel has nothing to do, and nothing has changed for a while.
_AT_REST = """([picture, numbers]) => {
    const status = document.querySelector(".jp-StatusBar-Widget").innerText;
    const state = picture.src + numbers.innerText + status;
    if (state !== window.lastState || !status.includes("| Idle")) {
        window.lastState = state;
        window.lastChange = performance.now();
    }
    return performance.now() - window.lastChange > 250;
}"""


class View:
    """A lab in the page of its notebook."""

    def __init__(self, notebook, lab):
        self.notebook, self._page = notebook, notebook.page
        self.output = notebook.cell(f"sl.labs.{lab}]").locator(".jp-OutputArea")
        self.picture = self.output.locator("img").first
        self.readout = self.output.locator(".siamlab-readout .widget-html-content")
        self.handles = self.output.locator(".noUi-handle")
        self.picture.scroll_into_view_if_needed()
        self._elements = [x.element_handle() for x in (self.picture, self.readout)]
        self.settled()

    def settled(self):
        """Wait until the lab is at rest; return picture (its address) and numbers."""
        self._page.wait_for_function(_AT_REST, arg=self._elements, polling=50)
        return self.picture.get_attribute("src"), self.readout.inner_text()

    def expect_a_change(self, action, *arguments):
        """Do what moves a control; picture and numbers must change."""
        before = self.picture.get_attribute("src"), self.readout.inner_text()
        action(*arguments)
        self._page.wait_for_function(_CHANGED, arg=[self._elements, before])
        return self.settled()


@pytest.fixture(scope="module")
def notebook(jupyterlab, browser):
    """All labs in one notebook, whose cells have run."""
    address, folder = jupyterlab
    write_labs(folder / "notebooks/labs.ipynb")
    notebook = Notebook(browser, address, "labs.ipynb")
    notebook.run_all(seconds=120)
    return notebook


@pytest.fixture
def view(lab, notebook):
    return View(notebook, lab)


every_lab = pytest.mark.parametrize("lab", labs.__all__)


def at_its_end(handle):
    """Whether a slider cannot go higher."""
    now, most = (handle.get_attribute(f"aria-value{which}") for which in ("now", "max"))
    return float(now) == float(most)


@every_lab
def test_sliders_follow_the_keyboard_and_the_mouse(view):
    expect(view.picture).to_be_visible()
    assert view.notebook.errors() == []
    mouse = view.notebook.page.mouse

    def drag(handle, slider):
        """Move a handle to the other half of its slider."""
        slider.scroll_into_view_if_needed()
        box, grip = slider.bounding_box(), handle.bounding_box()
        start, height = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
        share = 0.2 if start > box["x"] + box["width"] / 2 else 0.8
        mouse.move(start, height)
        mouse.down()
        mouse.move(box["x"] + share * box["width"], height, steps=4)
        mouse.up()

    sliders = view.output.locator(".noUi-target").all()
    for handle, slider in zip(view.handles.all(), sliders, strict=True):
        view.expect_a_change(handle.press, "Home" if at_its_end(handle) else "End")
        view.expect_a_change(drag, handle, slider)


@every_lab
def test_buttons_follow_the_keyboard_and_the_mouse(view):
    for group in view.output.locator(".widget-toggle-buttons").all():
        others = group.locator("button:not(.mod-active)")
        view.expect_a_change(others.first.click)
        view.expect_a_change(others.last.press, "Enter")


@every_lab
def test_the_enter_key_resets_all_controls(view):
    reset = view.output.get_by_role("button", name="reset")
    after_reset = set()
    for slider in (view.handles.first, view.handles.last):
        view.expect_a_change(slider.press, "Home" if at_its_end(slider) else "End")
        _, numbers = view.expect_a_change(reset.press, "Enter")
        after_reset.add(numbers)
    assert len(after_reset) == 1


@pytest.mark.parametrize("lab", ["SimplexLab"])
def test_the_descent_plays_and_pauses(view):
    icon = view.output.locator(".jupyter-widgets.widget-play button").first

    def play():
        """Play for a second, of 24, and pause."""
        for _ in range(2):
            icon.click()
            view.notebook.page.wait_for_timeout(1000)

    view.expect_a_change(play)
    view.expect_a_change(play)  # it was not at its end


def move_to_a_point(view):
    """Move the mouse over the map until it is on a point; return its name."""
    label = view.output.locator(".siamlab-point-label")
    box = view.output.locator("canvas").bounding_box()
    for y in range(40, 500, 12):
        for x in range(40, 500, 12):
            view.notebook.page.mouse.move(box["x"] + x, box["y"] + y)
            if label.is_visible():
                return label.inner_text()
    raise AssertionError("no point of the map has a name")


@pytest.mark.parametrize("lab", ["SpeakerExplorer"])
def test_the_mouse_chooses_and_selects_on_the_map(view):
    mouse = view.notebook.page.mouse
    audio = view.output.locator("audio")
    played = audio.get_attribute("src")
    name = move_to_a_point(view)
    _, numbers = view.expect_a_change(lambda: (mouse.down(), mouse.up()))
    assert f"nearest to {name.split(':')[0]}" in numbers
    assert audio.get_attribute("src") != played
    box = view.output.locator("canvas").bounding_box()

    def lasso():
        """Draw a line around the whole map."""
        mouse.move(box["x"] + 5, box["y"] + 5)
        mouse.down()
        for x, y in ((795, 5), (795, 535), (5, 535), (5, 5)):
            mouse.move(box["x"] + x, box["y"] + y, steps=8)
        mouse.up()

    _, numbers = view.expect_a_change(lasso)
    assert "selected 40" in numbers
