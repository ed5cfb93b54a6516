"""Write notebooks/labs/ and notebooks/images/: each lab with the data of its notebook.

    python docs/labs.py            all of them, some minutes
    python docs/labs.py 05 06      those of some notebooks

Each lab becomes a page that works without a kernel, which the book shows, and a picture
of that page. The browser is the one that SIAMLAB_BROWSER names, or Chromium.
"""

import io
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image
from playwright.sync_api import sync_playwright

from siamlab._files import atomic_write

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
WIDTH = 1000  # pixels, of a picture
WRITE = """
from siamlab.labs._view import Lab
for lab in [each for each in globals().copy().values() if isinstance(each, Lab)]:
    lab.reset()
    lab.to_html(f"labs/{type(lab).__name__}.html")
"""


def labs_of(path):
    """Find the labs in the code of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return re.findall(r"sl\.labs\.(\w+)\(", code)


def write_pages(path):
    """Run a notebook, and let its labs write their pages."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(WRITE))
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, resources=place).execute()


def keep(png, path):
    """Write a PNG with few colors, which takes a third of the bytes."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(255, dither=0)
    with atomic_write(path) as temporary:
        image.save(temporary, format="png", optimize=True)


def main(begins):
    """Write the labs of the notebooks whose names begin with one of these."""
    browser_path = os.environ.get("SIAMLAB_BROWSER") or next(
        filter(None, map(shutil.which, ("chromium", "google-chrome"))), None
    )
    if browser_path is None:
        sys.exit("no browser found: install Chromium, or name one in SIAMLAB_BROWSER")
    (NOTEBOOKS / "labs").mkdir(exist_ok=True)
    names = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        labs = labs_of(path) if path.name.startswith(begins) else []
        if labs:
            write_pages(path)
            names += labs
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        for name in names:
            path = NOTEBOOKS / f"labs/{name}.html"
            page = browser.new_page(viewport={"width": WIDTH, "height": 300})
            page.goto(path.as_uri())
            page.wait_for_timeout(500)
            image = NOTEBOOKS / f"images/{name}.png"
            keep(page.locator(".siamlab-lab").screenshot(), image)
            sizes = (each.stat().st_size // 1000 for each in (path, image))
            print(name, *(f"{size} kB" for size in sizes))
        browser.close()


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or ("",))
