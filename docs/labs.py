"""Draw notebooks/images/: each lab as JupyterLab shows it in its notebook.

    python docs/labs.py            all of them, some minutes
    python docs/labs.py 05 06      those of some notebooks

Runs the notebooks in a browser, whose path SIAMLAB_BROWSER can name.
"""

import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The browser tests open notebooks as well.
sys.path[:0] = [str(ROOT / "tests/browser"), str(ROOT / "tests/builders")]

import nbformat  # noqa: E402
from jupyter_pages import Notebook, chromium, jupyterlab  # noqa: E402
from PIL import Image  # noqa: E402

from siamlab._files import atomic_write  # noqa: E402

IMAGES = ROOT / "notebooks/images"
# Wide enough for controls side by side, high enough for a whole lab.
WIDTH, HEIGHT = 1366, 1200


def labs_of(path):
    """Find the labs in the code of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return re.findall(r"sl\.labs\.(\w+)\(", code)


def picture(notebook, lab):
    """Take a picture of a lab; returns the bytes of a PNG."""
    cell = notebook.cell(f"sl.labs.{lab}(")
    output = cell.locator(".jp-OutputArea-output").first
    output.evaluate("output => output.scrollIntoView({block: 'center'})")
    notebook.page.mouse.move(0, 0)
    notebook.page.wait_for_timeout(500)  # until the page is still
    return output.screenshot()


def keep(png, path):
    """Write a PNG with few colors, which takes a third of the bytes."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(255, dither=0)
    with atomic_write(path) as temporary:
        image.save(temporary, format="png", optimize=True)


def main(begins):
    """Draw the labs of the notebooks whose names begin with one of these."""
    browser_path = os.environ.get("SIAMLAB_BROWSER") or next(
        filter(None, map(shutil.which, ("chromium", "google-chrome"))), None
    )
    if browser_path is None:
        sys.exit("no browser found: install Chromium, or name one in SIAMLAB_BROWSER")
    IMAGES.mkdir(exist_ok=True)
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in notebooks:
        labs = labs_of(path) if path.name.startswith(begins) else []
        if not labs:
            continue
        with (
            tempfile.TemporaryDirectory() as folder,
            jupyterlab(Path(folder)) as address,  # its kernels end with it
            chromium(browser_path) as browser,
        ):
            notebook = Notebook(browser, address, path.name)
            notebook.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
            notebook.run_all(seconds=600)
            for lab in labs:
                image = IMAGES / f"{lab}.png"
                keep(picture(notebook, lab), image)
                print(image.relative_to(ROOT), image.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or ("",))
