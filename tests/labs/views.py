"""Labs in a page without a kernel: what the tests of all views use."""

import importlib
import json

import numpy as np

# Of the modules that test one lab each, with `make`, `settings` and `numbers`.
NAMES = (
    "broadcast ctc explorer margin scaling simplex spectrogram switchboard threshold "
    "trellis"
).split()

_COMPUTE = """([settings]) => {
    const lab = document.querySelector("#lab").siamlab;
    return settings.map(values => lab.view.compute(lab.data, values));
}"""


def example(name):
    """Import the module that tests a lab."""
    return importlib.import_module(f"test_{name}_lab")


def show(browser, lab, folder, width=1000):
    """Open the page of a lab; returns it, with a list `errors` of the console."""
    path = folder / "lab.html"
    lab.to_html(path)
    page = browser.new_page(viewport={"width": width, "height": 700}, has_touch=True)
    page.errors = []
    page.on("console", lambda m: m.type == "error" and page.errors.append(m.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelector('#lab').siamlab.times.length > 0")
    return page


def assert_same_numbers(page, lab, settings, numbers):
    """Compare the view's numbers with those of Python, for a list of settings.

    `numbers` maps a result to what `_compute` in JavaScript returns: a dictionary of
    numbers and lists; other entries of the view's dictionary are not compared.
    """
    found = page.evaluate(_COMPUTE, [json.loads(json.dumps(settings))])
    for values, view in zip(settings, found, strict=True):
        for name, expected in numbers(lab._compute(**values)).items():
            message = f"{name} with {values}"
            got = np.asarray(view[name], float)
            np.testing.assert_allclose(
                got, expected, rtol=1e-6, atol=1e-6, err_msg=message
            )
