"""Every lab in a page without a kernel, moved by mouse, keyboard and touch."""

import re

import numpy as np
import pytest
import views

N_SETTINGS = 200

pytestmark = pytest.mark.slow


@pytest.fixture(params=views.NAMES)
def example(request):
    """The module that tests the lab in Python: `make`, `settings` and `numbers`."""
    return views.example(request.param)


@pytest.fixture
def lab(example):
    return example.make()


@pytest.fixture
def page(browser, lab, tmp_path):
    page = views.show(browser, lab, tmp_path)
    yield page
    assert page.errors == []
    page.close()


def values(page):
    page.wait_for_timeout(50)
    return page.evaluate("document.querySelector('#lab').siamlab.values")


def drag_with_mouse(page, x, y):
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 30, y + 30, steps=3)
    page.mouse.up()


def drag_with_finger(page, x, y):
    browser = page.context.new_cdp_session(page)
    for event, shift in ("touchStart", 0), ("touchMove", 10), ("touchMove", 25):
        points = [{"x": x + shift, "y": y - shift}]
        browser.send("Input.dispatchTouchEvent", {"type": event, "touchPoints": points})
    end = {"type": "touchEnd", "touchPoints": []}
    browser.send("Input.dispatchTouchEvent", end)
    browser.detach()


def test_it_computes_what_python_computes(page, lab, example):
    rng = np.random.default_rng(0)
    some = [example.settings(rng) for _ in range(getattr(example, "N", N_SETTINGS))]
    views.assert_same_numbers(page, lab, some, example.numbers)


def test_handles_move_by_keyboard_mouse_and_touch(page):
    handles = page.locator("[role=slider]:visible").all()
    # Two of each kind: points of one plot differ by a number only.
    kinds = [re.sub(r"\d+", "", each.get_attribute("aria-label")) for each in handles]
    for i, handle in enumerate(handles):
        if kinds[:i].count(kinds[i]) > 1:
            continue
        for key in ("Home", "ArrowRight", "End", "PageDown"):
            before = values(page)
            handle.press(key)
            if key != "Home":
                assert values(page) != before, (handle.get_attribute("aria-label"), key)
        for drag in (drag_with_mouse, drag_with_finger):
            box = handle.bounding_box()
            before = values(page)
            drag(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            assert values(page) != before, (handle.get_attribute("aria-label"), drag)


def test_a_press_in_a_plot_brings_the_nearest_line_there(page):
    for plot in page.locator(".siamlab-frame:has(> .siamlab-x)").all():
        box, line = plot.bounding_box(), plot.locator(".siamlab-x").first.bounding_box()
        on_the_left = line["x"] < box["x"] + box["width"] / 2
        x = line["x"] + line["width"] / 2 + (25 if on_the_left else -25)
        before = values(page)
        page.mouse.click(x, box["y"] + 20, button="right")
        assert values(page) == before
        page.mouse.click(x, box["y"] + 20)
        assert values(page) != before


def test_each_control_changes_the_state(page):
    for slider in page.locator("input[type=range]").all():
        before = values(page)
        slider.press("ArrowLeft")
        slider.press("ArrowLeft")
        if values(page) == before:
            slider.press("ArrowRight")
        assert values(page) != before, slider.get_attribute("aria-label")
    for radio in page.locator("input[type=radio]").all():
        if not radio.is_checked():
            before = values(page)
            radio.check()
            assert values(page) != before


def test_reset_restores_the_first_state(page):
    first = values(page)
    for handle in page.locator("[role=slider]:visible, input[type=range]").all()[:2]:
        handle.press("ArrowRight")
    page.get_by_role("button", name="reset").click()
    assert values(page) == first
