"""Run the notebooks from top to bottom and save their outputs.

    python tools/run_notebooks.py [NOTEBOOK ...]      all of them by default

Outputs that differ from run to run are removed: times and widget state. The text of a
stream becomes one output. A notebook that fails is not changed.
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
LIMIT_S = 45


def shrink(png):
    """Reduce a picture, in base64, to 256 colors, which halves its size."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    content = io.BytesIO()
    flat = picture.quantize(256, dither=Image.Dither.NONE)
    flat.save(content, "png", optimize=True)
    smaller = base64.b64encode(content.getvalue()).decode("ascii")
    return min(smaller, png, key=len)


def tidy(notebook):
    """Remove outputs that differ from run to run, in place."""
    notebook.metadata.pop("widgets", None)
    # The version of Python would differ from machine to machine.
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
                text = output["data"].get("text/plain", "")
                if set(output["data"]) <= {"text/plain"} and not text.endswith("()"):
                    continue  # "interactive(children=..." is useless, a lab's name not
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
    os.environ["SIAMLAB_PROGRESS"] = "0"  # the times in a bar differ
    os.environ.pop("SIAMLAB_DATA", None)  # the notebooks use the voices
    failed = 0
    for path in chosen:
        try:
            seconds = run(path)
        except CellExecutionError as error:
            failed += 1
            print(f"{path.name}: failed, not changed\n{error}", file=sys.stderr)
            continue
        late = f", longer than the limit of {LIMIT_S} s" if seconds > LIMIT_S else ""
        size = path.stat().st_size / 1000
        print(f"{path.name}: {seconds:.0f} s{late}, {size:.0f} kB", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
