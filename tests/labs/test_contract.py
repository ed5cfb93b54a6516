"""What all labs have in common."""

import base64
import io
import json
import threading
import time

import ipywidgets
import matplotlib.pyplot as plt
import pytest
from examples import LABS

from siamlab import errors, labs


@pytest.fixture(params=LABS, ids=lambda lab: lab.__name__)
def make(request):
    return LABS[request.param]


@pytest.fixture
def lab(make):
    return make()


def controls(lab):
    return dict(lab._controls)


def another_value(control):
    """Return a value that the control does not have now."""
    if isinstance(control, ipywidgets.FloatSlider | ipywidgets.IntSlider):
        middle = (control.min + control.max) / 2
        return control.min if control.value > middle else control.max
    values = [value for _, value in control._options_full]
    return next(value for value in values if value != control.value)


def test_all_public_classes_are_tested():
    assert {lab.__name__ for lab in LABS} == set(labs.__all__)


def test_each_control_changes_picture_and_numbers(lab):
    sizes = set()
    for name, control in controls(lab).items():
        assert control.description, name
        assert getattr(lab, name) is control
        picture, numbers, result = lab.image.value, lab.readout.value, lab.result
        sizes.add(plt.imread(io.BytesIO(picture)).shape[:2])
        control.value = another_value(control)
        assert lab.result != result, name
        assert lab.image.value != picture, name
        assert lab.readout.value != numbers, name
    ((height, width),) = sizes
    assert (str(width), plt.get_fignums()) == (lab.image.width, [])
    assert width <= 960  # next to the controls, on the screen of a laptop
    assert height <= 560


def test_two_labs_are_independent_and_can_be_reset(make):
    one, two = make(), make()
    first = one.image.value, one.readout.value
    for control in controls(one).values():
        control.value = another_value(control)
    assert (two.image.value, two.readout.value) == first
    one.reset_button.click()
    assert (one.image.value, one.readout.value) == first


def test_it_is_shown_as_a_widget_and_saved_as_a_picture(lab):
    bundle = lab._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert base64.b64decode(bundle["image/png"]) == lab.image.value
    assert bundle["text/plain"] == f"{type(lab).__name__}()"
    json.dumps(bundle)


def test_threads_may_move_controls_at_once(lab, monkeypatch):
    """JupyterLab handles slider events in a thread of their own."""
    running, most = 0, 0
    draw = lab._picture.draw

    def slow(result):
        nonlocal running, most
        running += 1
        most = max(most, running)
        draw(result)
        time.sleep(0.02)
        running -= 1

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
    assert lab.shown_values == {name: c.value for name, c in controls(lab).items()}


def test_errors_are_shown_in_the_readout(lab, monkeypatch):
    def refuse(**_):
        raise errors.ArgumentError("the margin must be positive")

    monkeypatch.setattr(lab, "_compute", refuse)
    control = next(iter(controls(lab).values()))
    control.value = another_value(control)
    assert "the margin must be positive" in lab.readout.value
