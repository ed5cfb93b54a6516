"""Changes that the book makes to its pages while Sphinx reads them; no file changes.

- A lab's output becomes a still picture: labs are interactive in JupyterLab only.
- The table of contents is added to the README, which is the first page.
- A page of benchmark results gets its name as a title.
- Formulas become MathML, which needs no external script.
"""

import ast
import inspect
import json
import re
import shutil
from pathlib import Path

from docutils import nodes

import siamlab

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = re.compile(r"\b(\d\d_[a-z_]+)\b")
WIDGET = "application/vnd.jupyter.widget-view+json"
# Notebooks show a folded picture above each lab, for readers without a kernel.
FOLDED = re.compile(
    r"<details><summary>[^<]*</summary>\s*"
    r'<img src="images/(\w+)\.png" alt="([^"]*)"[^>]*>'
    r"\s*</details>"
)
CONTENTS = """

```{{toctree}}
:hidden:
:caption: The course

{notebooks}
```

```{{toctree}}
:hidden:
:caption: Reference

docs/recordings
docs/doctor
siamlab/embeddings/encoder
docs/api
```

```{{toctree}}
:hidden:
:caption: siamlab

docs/results
docs/measured
CONTRIBUTING
CHANGELOG
```
"""


def read(app, docname, source):
    """Change a page's text before Sphinx parses it."""
    if docname == app.config.root_doc:
        source[0] += CONTENTS.format(notebooks="\n".join(numbered()))
    elif docname.startswith("notebooks/"):
        source[0] = json.dumps(with_still_labs(json.loads(source[0])))
    elif docname.startswith("benchmarks/results/"):
        source[0] = with_title(docname.rpartition("/")[2], source[0])


def numbered():
    """List the notebooks for the table of contents: number, then title."""
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        first = json.loads(path.read_text("utf-8"))["cells"][0]["source"]
        title = "".join(first).partition("\n")[0].lstrip("# ")
        yield f"{path.stem[:2]} {title} <notebooks/{path.stem}>"


def with_still_labs(notebook):
    """Replace the output of each lab by a picture."""
    cells, pictures = [], {}
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            pictures |= dict(FOLDED.findall(text))
            cell["source"] = FOLDED.sub("", text)
        labs = {lab_of(output) for output in cell.get("outputs", ())} - {None}
        cells.append(cell)
        if labs:
            cell["outputs"] = [o for o in cell["outputs"] if lab_of(o) is None]
            for lab in sorted(labs):
                cells.append(still(lab, pictures.get(lab), number=len(cells)))
    return notebook | {"cells": cells}


def lab_of(output):
    """Name the lab that an output shows, or None; "" for some other widget."""
    data = output.get("data", {})
    shown = re.fullmatch(r"(\w+)\(\)", "".join(data.get("text/plain", "")))
    if shown and (ROOT / f"notebooks/images/{shown[1]}.png").is_file():
        return shown[1]
    return "" if WIDGET in data else None


def still(lab, description, number):
    """Make a cell with the picture of a lab."""
    text = "*This lab is interactive: open the notebook in JupyterLab.*"
    if description is not None:
        text = f"![{description}](images/{lab}.png)\n\n{text}"
    return {
        "cell_type": "markdown",
        "id": f"still-{number}",
        "metadata": {},
        "source": text,
    }


def with_title(name, text):
    """Start a page of results with its name and the first paragraph of its program."""
    programs = {
        path.stem.replace("_", "-"): path for path in ROOT.glob("benchmarks/[a-z]*.py")
    }
    head = [f"# {name}"]
    for stem in sorted(programs, key=len, reverse=True):
        if name.startswith(stem):
            doc = ast.get_docstring(ast.parse(programs[stem].read_text("utf-8")))
            head.append(doc.partition("\n\n")[0])
            head.append(f"[The program](../{programs[stem].name})")
            break
    return "\n\n".join([*head, text])


def link_notebooks(app, what, name, obj, options, lines):
    """Turn the name of a notebook in a docstring into a link."""
    for k, line in enumerate(lines):
        lines[k] = NOTEBOOK.sub(_linked, line)


def _linked(match):
    known = (ROOT / f"notebooks/{match[1]}.ipynb").is_file()
    return f":doc:`{match[1]} </notebooks/{match[1]}>`" if known else match[0]


def announced_data():
    """List the public names of modules that are neither functions nor classes."""
    found = {}
    for module in filter(inspect.ismodule, (getattr(siamlab, n) for n in dir(siamlab))):
        things = {name: getattr(module, name) for name in module.__all__}
        found[module.__name__] = [
            (name, type(thing).__name__)
            for name, thing in things.items()
            if not inspect.isclass(thing) and not inspect.isroutine(thing)
        ]
    return found


def find_in_siamlab(app, env, node, contnode):
    """Resolve references such as `losses.KLHinge` in docstrings of other modules."""
    if node.get("refdomain") != "py":
        return None
    target = f"siamlab.{node['reftarget']}"
    domain = env.domains["py"]
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", target, node, contnode
    )


def mathml(self, node):
    """Write a formula as MathML."""
    from docutils.utils.math.latex2mathml import tex2mathml

    block = node.tagname == "math_block"
    self.body.append(tex2mathml(node.astext(), as_block=block))
    raise nodes.SkipNode


def also_as_index(app, error):
    """Copy the first page to index.html, which web servers look for."""
    if error is None and app.builder.name == "html":
        first = Path(app.outdir) / f"{app.config.root_doc}.html"
        shutil.copyfile(first, first.with_name("index.html"))


def setup(app):
    """Register these functions; called by Sphinx."""
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", link_notebooks)
    app.connect("missing-reference", find_in_siamlab)
    app.connect("build-finished", also_as_index)
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    return {"version": siamlab.__version__, "parallel_read_safe": True}
