"""Settings of the book: make book.

The source folder is the repository itself, so that links work on disk, where the code
is hosted, and in the book. Code is in `book.py`.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


import siamlab  # noqa: E402

siamlab.training.quiet_tensorflow()
import book  # noqa: E402

project = "siamlab"
author = "The siamlab developers"
version = release = siamlab.__version__
copyright = author

root_doc = "README"
include_patterns = [
    "README.md",
    "notebooks/*.ipynb",
    "docs/*.md",
    "docs/api/*.rst",
    "benchmarks/results/*.md",
    "siamlab/embeddings/*.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
exclude_patterns = [".*", "**/.*", "docs/_build"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "book",
]
# The notebooks are committed as executed; a test runs them, the book does not.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# A module's page shows the names in its __all__.
autosummary_generate = True
autosummary_context = {"data": book.announced_data()}
autodoc_member_order = "bysource"  # which is that of __all__
# By default autosummary looks in the source folder.
templates_path = [str(HERE / "_templates")]
default_role = "py:obj"  # `name` in a docstring is a name
autodoc_typehints = "none"  # numpydoc's sections hold types, with shapes
numpydoc_show_class_members = False  # autodoc does
add_module_names = False
html_math_renderer = "mathml"

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_title = f"siamlab {version}"
html_copy_source = False
html_show_sphinx = False
