"""Run the notebooks from top to bottom and keep their outputs.

    python tools/run_notebooks.py [NOTEBOOK ...]      all of them by default

What is kept differs from run to run in nothing but the figures themselves: no
times, no widget state, one text for each stream. A notebook that fails stays as
it was.
"""

import argparse
import base64
import io
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
LIMIT_S = 90


def shrink(png):
    """Give a picture, in base64, a palette of 256 colors: half as large, or less."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    content = io.BytesIO()
    flat = picture.quantize(256, dither=Image.Dither.NONE)
    flat.save(content, "png", optimize=True)
    smaller = base64.b64encode(content.getvalue()).decode("ascii")
    return min(smaller, png, key=len)


def tidy(notebook):
    """Drop what belongs to this run alone, in place."""
    notebook.metadata.pop("widgets", None)
    # Which Python ran it is not what the reader came for.
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        kept = []
        for output in cell.outputs:
            if WIDGET in output.get("data", {}):
                output["data"].pop(WIDGET)
                if set(output["data"]) <= {"text/plain"}:
                    continue  # "VBox(...)" says nothing without its widget
            if "image/png" in output.get("data", {}):
                output["data"]["image/png"] = shrink(output["data"]["image/png"])
            last = kept[-1] if kept else None
            if (
                last is not None
                and output.output_type == last.output_type == "stream"
                and output.name == last.name
            ):
                last["text"] += output.text
                continue
            kept.append(output)
        cell.outputs = kept


def run(path):
    """Run one notebook; returns how many seconds it took."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=2 * LIMIT_S,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    began = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - began
    tidy(notebook)
    nbformat.validate(notebook)
    temporary = path.with_suffix(".part")
    nbformat.write(notebook, temporary)
    os.replace(temporary, path)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    chosen = parser.parse_args().notebooks or sorted(FOLDER.glob("*.ipynb"))
    os.environ["SIAMLAB_PROGRESS"] = "0"  # a bar's time differs on each machine
    os.environ.pop("SIAMLAB_DATA", None)  # the committed outputs are of the voices
    failed = 0
    for path in chosen:
        try:
            seconds = run(path)
        except CellExecutionError as error:
            failed += 1
            print(f"{path.name}: failed, left as it was\n{error}", file=sys.stderr)
            continue
        late = f", longer than the {LIMIT_S} s it may take" if seconds > LIMIT_S else ""
        size = path.stat().st_size / 1000
        print(f"{path.name}: {seconds:.0f} s{late}, {size:.0f} kB", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
