"""Every lab in its notebook, moved by keyboard and by mouse, in a real browser.

Notebooks are tested elsewhere as they are. Here the trainings before the labs are
shortened, and the assertions about their results are removed.
"""

import pytest
from jupyter_pages import Kernel, Notebook
from lab_views import DIGEST, LABS, View, write_shorter
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cell(request):
    return request.param


def only(*labs):
    """Run a test with some labs; all tests of one lab run in a row."""
    chosen = [cell for cell in LABS if cell.lab in labs]
    return pytest.mark.parametrize(
        "cell", chosen, ids=[x.lab for x in chosen], indirect=True, scope="module"
    )


every_lab = only(*(cell.lab for cell in LABS))


@pytest.fixture(scope="module")
def open_notebook(jupyterlab, browser):
    """Open a notebook by name, while the next one is already running."""
    address, folder = jupyterlab
    names = list(dict.fromkeys(cell.notebook for cell in LABS))
    opened = {}

    def start(name):
        if name not in opened:
            write_shorter(name, folder / "notebooks")
            opened[name] = Notebook(browser, address, name)
            opened[name].run_all()
        return opened[name]

    def open_(name):
        notebook = start(name)
        notebook.wait(seconds=240)
        here = names.index(name)
        for other in set(opened) - set(names[here : here + 2]):
            opened.pop(other).close()
        for following in names[here + 1 : here + 2]:
            start(following)
        notebook.page.bring_to_front()
        return notebook

    yield open_
    for notebook in opened.values():
        notebook.close()


@pytest.fixture
def kernel(cell, jupyterlab, open_notebook):
    open_notebook(cell.notebook)
    kernel = Kernel(*jupyterlab, cell.notebook)
    yield kernel
    kernel.close()


@pytest.fixture
def view(cell, open_notebook, kernel):
    return View(open_notebook(cell.notebook), cell, kernel)


def expect_each_control_to_matter(moves):
    """Each control must have changed the picture in at least one of its moves."""
    moved, drew = set(), set()
    for before, after in moves:
        names = {
            name for name in after.values if before.values[name] != after.values[name]
        }
        moved |= names
        if before.picture != after.picture:
            drew |= names
    assert moved == drew


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
        mouse.move(box["x"] + share * box["width"], height, steps=12)
        mouse.up()

    moves = []
    sliders = view.output.locator(".noUi-target").all()
    names = view.settled().handles
    for handle, slider, name in zip(view.handles.all(), sliders, names, strict=True):
        keys = ("End", "ArrowLeft", "Home")
        for key in ("Home", "End", "ArrowLeft") if at_its_end(handle) else keys:
            before, after = view.after(handle.press, key)
            assert (after.values[name] > before.values[name]) == (key == "End")
            moves.append((before, after))
        moves.append(view.after(drag, handle, slider))
    expect_each_control_to_matter(moves)


@every_lab
def test_buttons_follow_the_keyboard_and_the_mouse(view):
    moves = []
    for group in view.output.locator(".widget-toggle-buttons").all():
        for how in ("click", "press"):
            for button in group.locator("button:not(.mod-active)").all():
                arguments = ("Enter",) if how == "press" else ()
                moves.append(view.after(getattr(button, how), *arguments))
    expect_each_control_to_matter(moves)


@every_lab
def test_tab_reaches_all_controls_and_enter_resets_them(view, kernel):
    slider = view.handles.first
    view.after(slider.press, "Home" if at_its_end(slider) else "End")
    view.after(view.reset.press, "Enter")
    # The browser returns the value of a slider as it rounds it.
    lab = view.cell.variable
    now = f"{{name: control.value for name, control in {lab}._controls.items()}}"
    values, first = kernel.evaluate(f"[{now}, {lab}._initial_values]")
    assert values == {
        name: pytest.approx(value) if isinstance(value, float) else value
        for name, value in first.items()
    }
    wanted = view.output.locator(
        ".noUi-handle, .widget-toggle-buttons button, button:has-text('reset')"
    )
    wanted.first.focus()
    has_focus = "control => control === document.activeElement"
    reached = 0
    for _ in range(4 * wanted.count()):
        reached += any(each.evaluate(has_focus) for each in wanted.all()[reached:])
        if reached == wanted.count():
            break
        view.notebook.page.keyboard.press("Tab")
    assert reached == wanted.count()


@only("SimplexLab")
def test_the_descent_plays_and_pauses(view):
    icon = view.output.locator(".jupyter-widgets.widget-play button").first
    view.after(icon.click)
    icon.click()
    view.notebook.page.wait_for_timeout(1000)  # messages on their way arrive
    still = view.settled()
    view.notebook.page.wait_for_timeout(1000)
    assert view.settled() == still


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


@only("SpeakerExplorer")
def test_a_click_on_the_map_plays_that_recording(view, kernel):
    mouse = view.notebook.page.mouse
    name = move_to_a_point(view)
    view.after(lambda: (mouse.down(), mouse.up()))
    row, label = kernel.evaluate("[lab.utterance.value, lab.utterance.label]")
    utterance = f"test_features.table.iloc[{row}]"
    speaker, text = kernel.evaluate(f"[{utterance}.speaker, {utterance}.text]")
    assert name == label
    assert name.startswith(f"{speaker} ")
    assert name.endswith(f": {text}")
    recording = f"sl.labs.explorer.wav_bytes(*sl.audio.read({utterance}.path))"
    assert view.output.locator("audio").evaluate(DIGEST) == kernel.evaluate(
        f"__import__('hashlib').sha256({recording}).hexdigest()"
    )


@only("SpeakerExplorer")
def test_a_lasso_lists_the_speakers_in_it(view, kernel):
    box = view.output.locator("canvas").bounding_box()
    before = view.settled()
    mouse = view.notebook.page.mouse
    mouse.move(box["x"] + 5, box["y"] + 5)
    mouse.down()
    for x, y in ((795, 5), (795, 535), (5, 535), (5, 5)):
        mouse.move(box["x"] + x, box["y"] + y, steps=8)
    mouse.up()
    expect(view.readout).not_to_have_text(before.readout)
    assert view.settled().picture != before.picture
    counts = dict(kernel.evaluate("lab.result.counts"))
    everyone = kernel.evaluate("list(test_features.speakers)")
    assert counts == {name: everyone.count(name) for name in set(everyone)}
