"""Write notebooks/images/: the picture of each lab, from the outputs of its notebook.

    python docs/labs.py

Run the notebooks before: `make notebooks`.
"""

import base64
import re
from pathlib import Path

import nbformat

from siamlab._files import atomic_write

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def pictures_of(path):
    """Find the labs that a notebook shows; yields their names and pictures."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            shown = re.fullmatch(r"(\w+)\(\)", data.get("text/plain", ""))
            if shown and "image/png" in data:
                yield shown[1], base64.b64decode(data["image/png"])


if __name__ == "__main__":
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for name, picture in pictures_of(path):
            with atomic_write(NOTEBOOKS / f"images/{name}.png") as temporary:
                temporary.write_bytes(picture)
            print(path.stem[:2], name, len(picture) // 1000, "kB")
