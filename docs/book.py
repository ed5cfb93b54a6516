"""Changes that the book makes to its pages while Sphinx reads them; no file changes.

- A lab's output becomes the page that the lab wrote, in which it works.
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
PAGES = "notebooks/labs"
# Notebooks show a folded picture above each lab, for readers without a kernel.
FOLDED = re.compile(
    r"<details><summary>[^<]*</summary>\s*"
    r'<img src="images/\w+\.png"[^>]*>.*?</details>',
    re.DOTALL,
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
        source[0] = json.dumps(with_labs(json.loads(source[0])))
    elif docname.startswith("benchmarks/results/"):
        source[0] = with_title(docname.rpartition("/")[2], source[0])


def numbered():
    """List the notebooks for the table of contents: number, then title."""
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        first = json.loads(path.read_text("utf-8"))["cells"][0]["source"]
        title = "".join(first).partition("\n")[0].lstrip("# ")
        yield f"{path.stem[:2]} {title} <notebooks/{path.stem}>"


def with_labs(notebook):
    """Replace the output of each lab by its page, which works without a kernel."""
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = FOLDED.sub("", "".join(cell["source"]))
        labs = [lab_of(output) for output in cell.get("outputs", ())]
        cells.append(cell)
        if any(labs):
            pairs = zip(cell["outputs"], labs, strict=True)
            cell["outputs"] = [output for output, lab in pairs if not lab]
            cells += [in_a_frame(lab, number=len(cells)) for lab in labs if lab]
    return notebook | {"cells": cells}


def lab_of(output):
    """Name the lab that an output shows, or None."""
    text = "".join(output.get("data", {}).get("text/plain", ""))
    shown = re.fullmatch(r"(\w+)\(\)", text)
    return shown[1] if shown and (ROOT / f"{PAGES}/{shown[1]}.html").is_file() else None


def in_a_frame(lab, number):
    """Make a cell with the page of a lab."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", lab)
    frame = f'<iframe class="lab" src="labs/{lab}.html" title="{name}"></iframe>'
    link = f'<p><a href="labs/{lab}.html">{name} in a page of its own</a></p>'
    return {
        "cell_type": "markdown",
        "id": f"lab-{number}",
        "metadata": {},
        "source": f"{frame}\n{link}",
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


def copy_pages(app, error):
    """Copy the first page to index.html, which web servers look for, and the labs."""
    if error is None and app.builder.name == "html":
        first = Path(app.outdir) / f"{app.config.root_doc}.html"
        shutil.copyfile(first, first.with_name("index.html"))
        shutil.copytree(ROOT / PAGES, Path(app.outdir) / PAGES, dirs_exist_ok=True)


def setup(app):
    """Register these functions; called by Sphinx."""
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", link_notebooks)
    app.connect("missing-reference", find_in_siamlab)
    app.connect("build-finished", copy_pages)
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    return {"version": siamlab.__version__, "parallel_read_safe": True}
