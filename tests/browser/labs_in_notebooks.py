"""The labs of the course: in which notebook they are, and how they react."""

import ast

import nbformat
from jupyter_pages import ROOT

# Notebook of each lab.
LABS = {
    "SpectrogramLab": "01_sound_to_spectrogram.ipynb",
    "ScalingLab": "02_scaling.ipynb",
    "CTCLab": "03_ctc_that_does_not_learn.ipynb",
    "MarginLab": "05_kl_hinge_loss.ipynb",
    "SimplexLab": "05_kl_hinge_loss.ipynb",
    "ThresholdLab": "06_accuracy_on_distances.ipynb",
    "SpeakerExplorer": "09_speaker_clusters.ipynb",
}

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


class View:
    """A lab in the page of its notebook."""

    def __init__(self, notebook, lab):
        self.notebook, self._page = notebook, notebook.page
        self.output = notebook.cell(f"sl.labs.{lab}(").locator(".jp-OutputArea")
        self.picture = self.output.locator("img").first
        self.readout = self.output.locator(".siamlab-readout .widget-html-content")
        self.handles = self.output.locator(".noUi-handle")
        self.picture.scroll_into_view_if_needed()

    def _state(self):
        """Return the picture, whose address changes with it, and the numbers."""
        return self.picture.get_attribute("src"), self.readout.inner_text()

    def settled(self):
        """Wait until picture and numbers stay the same for a while; return both."""
        for _ in range(100):
            before = self._state()
            self._page.wait_for_timeout(600)
            if self._state() == before:
                return before
        raise AssertionError("the lab does not come to rest")

    def expect_a_change(self, action, *arguments):
        """Do what moves a control; picture and numbers must change."""
        picture, numbers = self.settled()
        action(*arguments)
        for _ in range(300):
            new_picture, new_numbers = self._state()
            if new_picture != picture and new_numbers != numbers:
                return self.settled()
            self._page.wait_for_timeout(100)
        raise AssertionError(f"nothing has changed: {numbers}")
