"""The labs of the course: in which notebook they are, and how to look at one."""

import ast
import dataclasses
import re
import time
from html import unescape

import nbformat
from jupyter_pages import ROOT


@dataclasses.dataclass(frozen=True)
class LabCell:
    """A lab, its notebook, and its variable there."""

    lab: str
    notebook: str
    variable: str = "lab"


LABS = [
    LabCell("SpectrogramLab", "01_sound_to_spectrogram.ipynb"),
    LabCell("ScalingLab", "02_scaling.ipynb"),
    LabCell("CTCLab", "03_ctc_that_does_not_learn.ipynb"),
    LabCell("MarginLab", "05_kl_hinge_loss.ipynb", "margins"),
    LabCell("SimplexLab", "05_kl_hinge_loss.ipynb", "playground"),
    LabCell("ThresholdLab", "06_accuracy_on_distances.ipynb"),
    LabCell("SpeakerExplorer", "09_speaker_clusters.ipynb"),
]

# What makes the trainings of each notebook shorter.
SHORTER = {
    "01_sound_to_spectrogram.ipynb": {},
    "02_scaling.ipynb": {"epochs=3": "epochs=1", "n_utterances=40": "n_utterances=14"},
    "03_ctc_that_does_not_learn.ipynb": {
        "epochs=3": "epochs=1",
        "epochs=6": "epochs=2",
        "n_utterances=50": "n_utterances=14",
    },
    "05_kl_hinge_loss.ipynb": {"steps=80": "steps=2"},
    "06_accuracy_on_distances.ipynb": {
        "steps_per_epoch=25": "steps_per_epoch=1",
        "steps_per_epoch=120": "steps_per_epoch=2",
    },
    "09_speaker_clusters.ipynb": {
        "SpeakerBatches(train_features, ": "SpeakerBatches(train_features, "
        "steps_per_epoch=2, "
    },
}


class _RemoveAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)


def write_shorter(name, folder):
    """Write a notebook into a folder, with short trainings and without assertions."""
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for old, new in SHORTER[name].items():
        assert any(old in cell.source for cell in code), f"{name} has no {old}"
        for cell in code:
            cell.source = cell.source.replace(old, new)
    for cell in code:
        cell.source = ast.unparse(_RemoveAsserts().visit(ast.parse(cell.source)))
    nbformat.write(notebook, folder / name)


# Digest of the file that an element shows; null while it is being replaced.
DIGEST = """async element => {
    try {
        const content = await (await fetch(element.src)).arrayBuffer();
        const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
        return [...sum].map(byte => byte.toString(16).padStart(2, "0")).join("");
    } catch { return null; }
}"""
# Positions of the handles of sliders, from 0 to 1; they are moved from the right end.
_HANDLES = """origins => origins.map(origin =>
    1 + new DOMMatrix(getComputedStyle(origin).transform).m41
        / origin.parentElement.getBoundingClientRect().width)"""
# The same in the kernel. The slider of a selection counts its options.
_STATE = """{{
    'handles': [
        [name, control.index / (len(control.options) - 1) if hasattr(control, 'index')
         else (control.value - control.min) / (control.max - control.min)]
        for name, control in {0}._controls.items()
        if 'Slider' in type(control).__name__],
    'values': [[name, getattr(control, 'index', control.value)]
               for name, control in {0}._controls.items()],
    'up_to_date': {0}.shown_values == {{
        name: control.value for name, control in {0}._controls.items()}},
    'picture': __import__('hashlib').sha256({0}.image.value).hexdigest(),
    'readout': {0}.readout.value,
}}"""


@dataclasses.dataclass(frozen=True)
class State:
    """The state of a lab: values of controls and handles, picture, and readout."""

    values: dict
    handles: dict
    up_to_date: bool
    picture: str
    readout: str


class View:
    """A lab in the page and in its kernel."""

    def __init__(self, notebook, cell, kernel):
        self._page, self._kernel = notebook.page, kernel
        self.cell, self.notebook = cell, notebook
        self.output = notebook.cell(f"sl.labs.{cell.lab}(").locator(".jp-OutputArea")
        self.picture = self.output.locator("img").first
        self.readout = self.output.locator(".siamlab-readout .widget-html-content")
        self.handles = self.output.locator(".noUi-handle")
        self.reset = self.output.get_by_role("button", name="reset")
        self.picture.scroll_into_view_if_needed()

    def _in_kernel(self):
        state = self._kernel.evaluate(_STATE.format(self.cell.variable))
        for name in ("handles", "values"):
            state[name] = dict(state[name])
        state["readout"] = text_of(state["readout"])
        return State(**state)

    def settled(self):
        """Wait until the page shows the state of the kernel; return it."""
        page = state = None

        def agree():
            nonlocal page, state
            page = (
                self.picture.evaluate(DIGEST),
                text_of(self.readout.text_content()),
                self.output.locator(".noUi-origin").evaluate_all(_HANDLES),
            )
            state = self._in_kernel()
            pairs = zip(page[2], state.handles.values(), strict=True)
            return (
                state.up_to_date
                and page[:2] == (state.picture, state.readout)
                # Less than one step of a slider.
                and all(abs(a - b) < 2e-3 for a, b in pairs)
            )

        self._wait(agree, lambda: f"the page shows {page}, the kernel has {state}")
        return state

    def after(self, action, *arguments):
        """Do what moves a control; return the states before and after it."""
        before = self.settled()
        action(*arguments)
        self._wait(
            lambda: self._in_kernel().values != before.values,
            lambda: f"no control has moved: {before.values}",
        )
        return before, self.settled()

    def _wait(self, condition, message, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, message()
            self._page.wait_for_timeout(30)


def text_of(html):
    """Return the text of HTML as a browser shows it."""
    text = unescape(re.sub(r"<[^>]*>", "", html))
    return re.sub(r"\s+", " ", text).strip()
