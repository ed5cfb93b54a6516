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


class _Shorter(ast.NodeTransformer):
    """Let a training take a step or two, on at most some 300 utterances."""

    def visit_Call(self, node):
        self.generic_visit(node)
        given = {x.arg: x.value for x in node.keywords}
        limits = {"epochs": 1, "steps": 1, "steps_per_epoch": 1}
        if "n_speakers" in given:
            limits["n_utterances"] = 4 + 60 // given["n_speakers"].value
        for name in limits.keys() & given.keys():
            if isinstance(given[name], ast.Constant):
                given[name].value = min(given[name].value, limits[name])
        return node


def _names(node, context=ast.expr_context):
    names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, context)}


def _changed_names(statement):
    """Names that a statement assigns, or whose method it calls."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(id=name)))):
            return {name}
    return _names(statement, ast.Store)


def _what_it_needs(cells):
    """The first cell, and the statements on which the last cell depends."""
    between = _Shorter().visit(ast.parse("\n".join(cells[1:-1]))).body
    needed, kept = _names(ast.parse(cells[-1])), []
    for statement in reversed(between):
        if _changed_names(statement) & needed:
            needed |= _names(statement)
            kept.insert(0, statement)
    return "\n".join([cells[0], *map(ast.unparse, kept)])


def write_labs(path):
    """Write a notebook with all labs, each after what its own notebook does for it."""
    labs = nbformat.v4.new_notebook()
    for lab, name in LABS.items():
        notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
        labs.metadata = notebook.metadata  # the kernel
        cells = [c.source for c in notebook.cells if c.cell_type == "code"]
        (end,) = (i for i, cell in enumerate(cells, 1) if f"sl.labs.{lab}(" in cell)
        for source in (_what_it_needs(cells[:end]), cells[end - 1]):
            labs.cells.append(nbformat.v4.new_code_cell(source))
    nbformat.write(labs, path)


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
        self.output = notebook.cell(f"sl.labs.{lab}(").locator(".jp-OutputArea")
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
