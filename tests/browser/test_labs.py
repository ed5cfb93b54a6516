"""Every lab in its notebook, moved by keyboard and by mouse, in a real browser.

The notebooks are run as they are by nbval. Here the trainings in front of the labs are
cut short, and the claims about them left out: a slider does not care.
"""

import pytest
from notebook import Kernel, Notebook, shut_down
from playwright.sync_api import expect
from shown import DIGEST, LABS, MapView, cut_short

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown(request):
    return request.param


def only(*labs):
    """Run a test with some of the labs; all tests of a lab come one after the other."""
    chosen = [shown for shown in LABS if shown.lab in labs]
    return pytest.mark.parametrize(
        "shown", chosen, ids=[x.lab for x in chosen], indirect=True, scope="module"
    )


every_lab = only(*(shown.lab for shown in LABS))


@pytest.fixture(scope="module")
def pages(workbench, browser):
    """Open notebooks, by name: one that is looked at, and the next, running."""
    address, folder = workbench
    names = list(dict.fromkeys(shown.notebook for shown in LABS))
    pages = {}

    def start(name):
        if name not in pages:
            cut_short(name, folder / "notebooks")
            pages[name] = Notebook(browser, address, name)
            pages[name].run_all()
        return pages[name]

    def leave(name):
        pages.pop(name).page.close()
        shut_down(address, name)  # a kernel with TensorFlow takes a gigabyte

    def page(name):
        notebook = start(name)
        notebook.wait(seconds=240)
        here = names.index(name)
        for other in set(pages) - set(names[here : here + 2]):
            leave(other)
        for following in names[here + 1 : here + 2]:
            start(following)
        notebook.page.bring_to_front()
        return notebook

    yield page
    for name in list(pages):
        leave(name)


@pytest.fixture
def notebook(shown, pages):
    return pages(shown.notebook)


@pytest.fixture
def kernel(shown, workbench, notebook):
    address, folder = workbench
    kernel = Kernel(address, folder / "runtime_dir", shown.notebook)
    yield kernel
    kernel.close()


@pytest.fixture
def view(shown, notebook, kernel):
    return MapView(notebook, shown, kernel)


def expect_each_to_matter(moves):
    """Every control must have changed the picture, in one of its moves at least."""
    moved, drew = set(), set()
    for before, after in moves:
        names = {
            name for name in after.values if before.values[name] != after.values[name]
        }
        moved |= names
        if before.picture != after.picture:
            drew |= names
    assert moved == drew


@every_lab
def test_nothing_goes_wrong_in_cells_and_console(notebook, view):
    expect(view.picture).to_be_visible()
    view.expect_the_plain_numbers()
    assert notebook.went_wrong() == []


def at_its_end(handle):
    """Whether a slider can go no higher."""
    now, most = (handle.get_attribute(f"aria-value{which}") for which in ("now", "max"))
    return float(now) == float(most)


@every_lab
def test_every_slider_follows_the_keyboard(view):
    moves = []
    for handle, name in zip(view.handles.all(), view.settled().places, strict=True):
        keys = ("End", "ArrowLeft", "Home")
        for key in ("Home", "End", "ArrowLeft") if at_its_end(handle) else keys:
            before, after = view.after(handle.press, key)
            assert (after.values[name] > before.values[name]) == (key == "End")
            moves.append((before, after))
        view.expect_the_plain_numbers()
    expect_each_to_matter(moves)


@every_lab
def test_every_slider_follows_the_mouse(notebook, view):
    mouse = notebook.page.mouse

    def drag(handle, slider):
        """To the other half of the slider."""
        slider.scroll_into_view_if_needed()
        box, grip = slider.bounding_box(), handle.bounding_box()
        start = grip["x"] + grip["width"] / 2
        middle = grip["y"] + grip["height"] / 2
        share = 0.2 if start > box["x"] + box["width"] / 2 else 0.8
        mouse.move(start, middle)
        mouse.down()
        mouse.move(box["x"] + share * box["width"], middle, steps=12)
        mouse.up()

    sliders = view.output.locator(".noUi-target").all()
    moves = [
        view.after(drag, handle, slider)
        for handle, slider in zip(view.handles.all(), sliders, strict=True)
    ]
    view.expect_the_plain_numbers()
    expect_each_to_matter(moves)


def choices(view):
    """Buttons that are not pressed, group by group."""
    for group in view.output.locator(".widget-toggle-buttons").all():
        yield from group.locator("button:not(.mod-active)").all()


@every_lab
def test_every_choice_can_be_made_by_the_keyboard(view):
    moves = [view.after(button.press, "Enter") for button in choices(view)]
    view.expect_the_plain_numbers()
    expect_each_to_matter(moves)


@every_lab
def test_every_choice_can_be_made_by_the_mouse(view):
    moves = [view.after(button.click) for button in choices(view)]
    view.expect_the_plain_numbers()
    expect_each_to_matter(moves)


@every_lab
def test_reset_is_reached_by_the_keyboard(shown, view, kernel):
    slider = view.handles.first
    view.after(slider.press, "Home" if at_its_end(slider) else "End")
    view.after(view.reset.press, "Enter")
    view.expect_the_plain_numbers()
    # The browser sends a slider's value back as it rounds it.
    lab = shown.variable
    now = f"{{name: control.value for name, control in {lab}._controls.items()}}"
    values, first = kernel.ask(f"[{now}, {lab}._initial_values]")
    assert values == {
        name: pytest.approx(value) if isinstance(value, float) else value
        for name, value in first.items()
    }


@every_lab
def test_every_control_is_reached_with_the_tab_key(notebook, view):
    wanted = view.output.locator(
        ".noUi-handle, .widget-toggle-buttons button, button:has-text('reset')"
    )
    wanted.first.focus()
    reached = 0
    for _ in range(4 * wanted.count()):
        held = "control => control === document.activeElement"
        reached += any(control.evaluate(held) for control in wanted.all()[reached:])
        if reached == wanted.count():
            break
        notebook.page.keyboard.press("Tab")
    assert reached == wanted.count()


@only("SimplexLab")
def test_the_playground_plays_and_pauses(notebook, view):
    icon = view.output.locator(".jupyter-widgets.widget-play button").first
    view.after(icon.click)
    icon.click()
    notebook.page.wait_for_timeout(1000)  # what was on its way has arrived
    still = view.settled()
    notebook.page.wait_for_timeout(1000)
    assert view.settled() == still


def a_point(notebook, view):
    """Move the mouse about on the map until it is on a point; returns its name."""
    label = view.output.locator(".siamlab-point-label")
    box = view.output.locator("canvas").bounding_box()
    for y in range(40, 500, 12):
        for x in range(40, 500, 12):
            notebook.page.mouse.move(box["x"] + x, box["y"] + y)
            if label.is_visible():
                return label.inner_text()
    raise AssertionError("no point of the map has a name")


def click(notebook):
    """Press and release the mouse where it is."""
    notebook.page.mouse.down()
    notebook.page.mouse.up()


@only("SpeakerExplorer")
def test_a_click_on_the_map_plays_the_right_recording(notebook, view, kernel):
    name = a_point(notebook, view)
    view.after(click, notebook)
    row, label = kernel.ask("[lab.utterance.value, lab.utterance.label]")
    utterance = f"test_features.table.iloc[{row}]"
    speaker, text = kernel.ask(f"[{utterance}.speaker, {utterance}.text]")
    assert name == label
    assert name.startswith(f"{speaker} ")
    assert name.endswith(f": {text}")
    view.expect_the_plain_numbers()
    recording = f"sl.labs.wav_bytes(*sl.audio.read({utterance}.path))"
    assert view.output.locator("audio").evaluate(DIGEST) == kernel.ask(
        f"__import__('hashlib').sha256({recording}).hexdigest()"
    )


@only("SpeakerExplorer")
def test_a_lasso_lists_the_speakers_within(notebook, view, kernel):
    box = view.output.locator("canvas").bounding_box()
    before = view.settled()
    mouse = notebook.page.mouse
    mouse.move(box["x"] + 5, box["y"] + 5)
    mouse.down()
    for x, y in ((795, 5), (795, 535), (5, 535), (5, 5)):
        mouse.move(box["x"] + x, box["y"] + y, steps=8)
    mouse.up()
    expect(view.readout).not_to_have_text(before.readout)
    assert view.settled().picture != before.picture
    counts = dict(kernel.ask("lab.result.counts"))
    everybody = kernel.ask("list(test_features.speakers)")
    assert counts == {name: everybody.count(name) for name in set(everybody)}
