"""Draw notebooks/images/: each lab as JupyterLab shows it in its notebook.

    python docs/labs.py            all of them, some minutes
    python docs/labs.py 05 06      those of some notebooks

Runs the notebooks in a browser, whose path SIAMLAB_BROWSER can name.
"""

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The browser tests list the labs and open them.
sys.path.insert(0, str(ROOT / "tests/browser"))

from jupyter_pages import Notebook, chromium, jupyterlab  # noqa: E402
from labs_in_notebooks import LABS  # noqa: E402
from PIL import Image  # noqa: E402

from siamlab._files import atomic_write  # noqa: E402

IMAGES = ROOT / "notebooks/images"
# Wide enough for controls side by side, high enough for a whole lab.
WIDTH, HEIGHT = 1366, 1200


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
    chosen = {lab: name for lab, name in LABS.items() if name.startswith(begins)}
    for name in dict.fromkeys(chosen.values()):
        with (
            tempfile.TemporaryDirectory() as folder,
            jupyterlab(Path(folder)) as address,  # its kernels end with it
            chromium(browser_path) as browser,
        ):
            notebook = Notebook(browser, address, name)
            notebook.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
            notebook.run_all(seconds=600)
            for lab, its_notebook in chosen.items():
                if its_notebook == name:
                    path = IMAGES / f"{lab}.png"
                    keep(picture(notebook, lab), path)
                    print(path.relative_to(ROOT), path.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or ("",))
