"""What every lab promises, whatever it shows."""

import base64
import io
import json
import threading
import time

import ipywidgets
import matplotlib.pyplot as plt
import pytest
from labs import LABS

from siamlab import errors, labs

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(params=LABS, ids=str)
def make(request):
    return LABS[request.param]


@pytest.fixture
def lab(make):
    return make()


def controls(lab):
    return dict(lab._controls)


def another_value(control):
    """Return a value that the control does not have now."""
    if isinstance(control, ipywidgets.FloatSlider | ipywidgets.FloatLogSlider):
        ends = control.min, control.max
        if isinstance(control, ipywidgets.FloatLogSlider):
            ends = tuple(control.base**end for end in ends)
        return min(ends) if control.value > sum(ends) / 2 else max(ends)
    if isinstance(control, ipywidgets.IntSlider | ipywidgets.Play):
        middle = (control.min + control.max) / 2
        return control.min if control.value > middle else control.max
    if isinstance(control, ipywidgets.Checkbox | ipywidgets.ToggleButton):
        return not control.value
    values = [value for _, value in control._options_full]
    return next(value for value in values if value != control.value)


def test_there_is_a_lab_for_each_class():
    made = {type(make()).__name__ for make in LABS.values()}
    assert made == {name for name in labs.__all__ if name.endswith(("Lab", "Explorer"))}


def test_each_control_changes_picture_and_numbers(lab):
    for name, control in controls(lab).items():
        picture, numbers, found = lab.image.value, lab.readout.value, lab.found
        control.value = another_value(control)
        assert lab.found != found, name
        assert lab.image.value != picture, name
        assert lab.readout.value != numbers, name


def test_a_picture_is_always_as_large(lab):
    sizes = set()
    for control in controls(lab).values():
        sizes.add(plt.imread(io.BytesIO(lab.image.value)).shape[:2])
        control.value = another_value(control)
    assert len(sizes) == 1
    ((height, width),) = sizes
    assert str(width) == lab.image.width
    assert width <= 960  # beside the controls, on a laptop's screen
    assert height <= 560


def test_reset_brings_everything_back(lab):
    first = lab.image.value, lab.readout.value
    for control in controls(lab).values():
        control.value = another_value(control)
    lab.reset_button.click()
    assert (lab.image.value, lab.readout.value) == first


def test_the_way_to_a_value_does_not_matter(make):
    """Nothing is left over of what was drawn before."""
    straight, around = make(), make()
    name, control = next(iter(controls(around).items()))
    goal = another_value(control)
    for other in list(controls(around).values())[1:]:
        before = other.value
        other.value = another_value(other)
        other.value = before
    control.value = goal
    controls(straight)[name].value = goal
    assert around.image.value == straight.image.value
    assert around.readout.value == straight.readout.value


def test_two_labs_do_not_know_each_other(make):
    one, two = make(), make()
    still = two.image.value, two.readout.value
    for control in controls(one).values():
        control.value = another_value(control)
    assert (two.image.value, two.readout.value) == still


def test_no_figure_is_left_to_pyplot(lab):
    assert plt.get_fignums() == []


def test_it_is_shown_as_a_widget_and_kept_as_a_picture(lab):
    bundle = lab._repr_mimebundle_()
    assert VIEW in bundle
    assert base64.b64decode(bundle["image/png"]) == lab.image.value
    assert bundle["text/plain"] == f"{type(lab).__name__}()"
    json.dumps(bundle)


def test_a_slider_and_a_cell_may_move_it_at_once(lab, monkeypatch):
    """JupyterLab answers sliders in a thread of their own."""
    inside, most = 0, 0
    draw = lab._picture.draw

    def slow(found):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        draw(found)
        time.sleep(0.02)
        inside -= 1

    monkeypatch.setattr(lab._picture, "draw", slow)
    first, second, *_ = controls(lab).values()
    threads = [
        threading.Thread(
            target=setattr, args=(control, "value", another_value(control))
        )
        for control in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert lab.answered == {name: c.value for name, c in controls(lab).items()}


def test_what_cannot_be_computed_is_said_in_the_readout(lab, monkeypatch):
    def refuse(**_):
        raise errors.ArgumentError("the margin must be positive")

    monkeypatch.setattr(lab, "_compute", refuse)
    control = next(iter(controls(lab).values()))
    control.value = another_value(control)
    assert "the margin must be positive" in lab.readout.value


def test_every_control_says_what_it_is(lab):
    for name, control in controls(lab).items():
        assert control.description, name
        assert getattr(lab, name) is control
