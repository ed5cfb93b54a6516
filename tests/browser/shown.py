"""The labs of the course, where they are, and how to look at one."""

import ast
import dataclasses
import re
import time
from html import unescape

import nbformat
from workbench import ROOT


@dataclasses.dataclass(frozen=True)
class Shown:
    """A lab, where it is, and its numbers by the plain function."""

    notebook: str
    variable: str
    lab: str
    numbers: str


LABS = [
    Shown(
        "01_sound_to_spectrogram.ipynb",
        "lab",
        "SpectrogramLab",
        "sl.labs.analyze(voice, rate, lab.found.spectrogram)",
    ),
    Shown(
        "02_scaling.ipynb",
        "lab",
        "ScalingLab",
        "sl.labs.first_step(sl.labs.scaling_steps(ENERGY + lab.floor.value, ENERGY)"
        "[lab.scaling.value].fit(deep).transform(deep[0])[:125])",
    ),
    Shown(
        "03_ctc_that_does_not_learn.ipynb",
        "lab",
        "CTCLab",
        "sl.labs.decode_utterance(of_these({'raw': raw, 'standardized': scaled}"
        "[lab.network.value]), symbols, [said_test[row] for row in rows], "
        "lab.utterance.value, lab.epoch.value, lab.stage.value)",
    ),
    Shown(
        "05_kl_hinge_loss.ipynb",
        "margins",
        "MarginLab",
        "sl.labs.hinge_statistics(*((p_net, q_net) if margins.softmax.value else (p, q)), same, "
        "margins.margin.value, margins.directions.value, "
        "clip=not margins.softmax.value)",
    ),
    Shown(
        "05_kl_hinge_loss.ipynb",
        "playground",
        "SimplexLab",
        "sl.labs.descend(*sl.labs.starting_points(playground.speakers.value), "
        "playground.margin.value, playground.directions.value, "
        "playground.softmax.value).at(playground.step.value)",
    ),
    Shown(
        "06_accuracy_on_distances.ipynb",
        "lab",
        "ThresholdLab",
        "sl.labs.decide(truth, scores, lab.threshold.value, lab.flipped.value)",
    ),
    Shown(
        "09_speaker_clusters.ipynb",
        "lab",
        "SpeakerExplorer",
        "sl.labs.SpeakerMaps(embeddings, test_features.speakers).view("
        "chosen=lab.utterance.value, around=lab.around.value, "
        "shuffled=lab.shuffled.value, metric=lab.metric.value, "
        "neighbors=lab.neighbors.value, min_dist=lab.min_dist.value, "
        "seed=lab.seed.value)",
    ),
]


# What becomes of the trainings of each notebook.
SHORT = {
    "01_sound_to_spectrogram.ipynb": {},
    "02_scaling.ipynb": {"epochs=3": "epochs=1", "utterances=40": "utterances=14"},
    "03_ctc_that_does_not_learn.ipynb": {
        "epochs=3": "epochs=1",
        "epochs=6": "epochs=2",
        "utterances=50": "utterances=14",
    },
    "05_kl_hinge_loss.ipynb": {"steps=80": "steps=2"},
    "06_accuracy_on_distances.ipynb": {"steps=25": "steps=1", "steps=120": "steps=2"},
    "09_speaker_clusters.ipynb": {
        "SpeakerBatches(train_features, ": "SpeakerBatches(train_features, steps_per_epoch=2, "
    },
}


class _NoClaims(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)


def cut_short(name, folder):
    """Write a notebook into a folder, with short trainings and without claims."""
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for old, new in SHORT[name].items():
        assert any(old in cell.source for cell in code), f"{name} has no {old}"
        for cell in code:
            cell.source = cell.source.replace(old, new)
    for cell in code:
        cell.source = ast.unparse(_NoClaims().visit(ast.parse(cell.source)))
    nbformat.write(notebook, folder / name)


# What the page has, byte by byte; null while it is about to have another.
DIGEST = """async element => {
    try {
        const content = await (await fetch(element.src)).arrayBuffer();
        const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
        return [...sum].map(byte => byte.toString(16).padStart(2, "0")).join("");
    } catch { return null; }
}"""
# Where the handles of sliders are, from 0 to 1; they are moved from the right end.
PLACES = """origins => origins.map(origin =>
    1 + new DOMMatrix(getComputedStyle(origin).transform).m41
        / origin.parentElement.getBoundingClientRect().width)"""
# A slider counts the steps of a selection.
_STATE = """{{
    'places': [
        [name, control.index / (len(control.options) - 1) if hasattr(control, 'index')
         else (control.value - control.min) / (control.max - control.min)]
        for name, control in {0}._controls.items()
        if 'Slider' in type(control).__name__],
    'values': [[name, getattr(control, 'index', control.value)]
               for name, control in {0}._controls.items()],
    'shown_values': {0}.shown_values == {{
        name: control.value for name, control in {0}._controls.items()}},
    'picture': __import__('hashlib').sha256({0}.image.value).hexdigest(),
    'readout': {0}.readout.value,
}}"""


@dataclasses.dataclass(frozen=True)
class State:
    """What a lab says: values of its controls, picture (a digest), and readout.

    Answered: picture and readout are those of the values, and not on their way.
    Places: of the sliders' handles, from 0 to 1, in the order of the page.
    """

    values: dict
    places: dict
    shown_values: bool
    picture: str
    readout: str


class MapView:
    """A lab as it is seen, and as its kernel has it."""

    def __init__(self, notebook, shown, kernel):
        self._page, self._shown, self._kernel = notebook.page, shown, kernel
        cell = notebook.cell(f"sl.labs.{shown.lab}(")
        self.output = cell.locator(".jp-OutputArea")
        self.picture = self.output.locator("img").first
        self.readout = self.output.locator(".siamlab-readout .widget-html-content")
        self.handles = self.output.locator(".noUi-handle")
        self.reset = self.output.get_by_role("button", name="reset")
        self.picture.scroll_into_view_if_needed()

    def _in_kernel(self):
        result = self._kernel.ask(_STATE.format(self._shown.variable))
        for name in ("places", "values"):
            result[name] = dict(result[name])
        result["readout"] = plain(result["readout"])
        return State(**result)

    def settled(self):
        """Wait until the page shows what the kernel has; return it."""

        def result():
            nonlocal seen, state
            seen = self._on_the_page()
            state = self._in_kernel()
            agree = state.shown_values and seen[:2] == (state.picture, state.readout)
            return state if agree and near(seen[2], state.places.values()) else None

        def near(places, others):
            # Less than a step: a drag that is on its way counts.
            return all(abs(a - b) < 2e-3 for a, b in zip(places, others, strict=True))

        seen = state = None
        return self._until(result, lambda: f"the page has {seen}, the kernel {state}")

    def _on_the_page(self):
        return (
            self.picture.evaluate(DIGEST),
            plain(self.readout.text_content()),
            self.output.locator(".noUi-origin").evaluate_all(PLACES),
        )

    def after(self, action, *arguments):
        """Do what moves a control; return the state before and after it."""
        before = self.settled()
        action(*arguments)
        self._until(
            lambda: self._in_kernel().values != before.values,
            lambda: f"no control has moved: {before.values}",
        )
        after = self.settled()
        assert self.picture.evaluate("img => img.complete && img.naturalWidth > 100")
        return before, after

    def _until(self, result, complaint, seconds=30):
        end = time.monotonic() + seconds
        while not (value := result()):
            assert time.monotonic() < end, complaint()
            self._page.wait_for_timeout(30)
        return value

    def expect_the_plain_numbers(self):
        """Compare the readout with the plain function's answer to the same values."""
        readout = self.settled().readout
        assert readout == plain(self._kernel.ask(f"str({self._shown.numbers})"))


def plain(html):
    """Text of HTML, as a browser shows it."""
    text = unescape(re.sub(r"<[^>]*>", "", html))
    return re.sub(r"\s+", " ", text).strip()
