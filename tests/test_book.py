"""The book: built without a network, as it is committed, every link in it followed."""

import inspect
import itertools
import re
import runpy
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

import siamlab

pytest.importorskip("sphinx", reason="Sphinx is in the extra docs")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LABS = [
    name
    for name in dir(siamlab.labs)
    if name[0].isupper() and (ROOT / f"notebooks/images/{name}.png").is_file()
]
# Sphinx in a process that cannot reach any other machine.
OFFLINE = """
import socket, sys
def refuse(*_):
    raise OSError("the book needs no network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from sphinx.cmd.build import main
sys.exit(main(sys.argv[1:]))
"""


def sources(folder):
    """Copy what the book is made from; a build writes among it."""
    for name in ("docs", "notebooks", "benchmarks", "siamlab/embeddings"):
        unwanted = shutil.ignore_patterns("_build", "api", ".*", "__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for pattern in ("*.md", "LICENSE", "CITATION.cff"):
        for path in ROOT.glob(pattern):
            shutil.copy(path, folder)


def build(folder):
    """Build as `make book` does; returns the folder of the pages and the process."""
    pages = folder / "docs/_build/html"
    words = ["-W", "--keep-going", "-q", "-c", "docs", ".", str(pages)]
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return pages, done


class Page(HTMLParser):
    """What a page shows, and what it refers to."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded, self.tags = set(), [], [], []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if "id" in found:
            self.anchors.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and {"stylesheet", "icon", "preload"} & set(
            found["rel"].split()
        ):
            self.loaded.append(found["href"])
        if tag in ("img", "script", "source", "iframe") and found.get("src"):
            self.loaded.append(found["src"])

    def pictures(self):
        """Names of the pictures, in their order."""
        return [unquote(found["src"]) for tag, found in self.tags if tag == "img"]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """{path below the book's folder: page}, and the folder."""
    folder = tmp_path_factory.mktemp("book")
    sources(folder)
    pages, done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    found = sorted(pages.rglob("*.html"))
    return {str(path.relative_to(pages)): Page(path) for path in found}, pages


def shown_by(path):
    """Outputs of a notebook: pictures that are no lab's, sounds, labs."""
    pictures = sounds = 0
    labs = []
    for cell in nbformat.read(path, as_version=4).cells:
        pictures += len(re.findall(r"!\[[^\]]*\]\(images/", cell.source))
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            name = data.get("text/plain", "").partition("(")[0]
            if name in LABS:
                labs.append(name)
            else:
                pictures += "image/png" in data
            sounds += data.get("text/html", "").count("<audio")
    return pictures, sounds, labs


def test_every_link_leads_to_a_page_and_to_a_place_on_it(book):
    pages, folder = book
    followed, dead = 0, []
    for name, page in pages.items():
        for link in page.links:
            target = urlsplit(link)
            if target.scheme or target.netloc:
                continue
            followed += 1
            here = Path(name).parent / unquote(target.path) if target.path else name
            path = (folder / here).resolve()
            wanted = path.relative_to(folder.resolve()).as_posix()
            anchor = unquote(target.fragment)
            known = pages[wanted].anchors if wanted in pages else set()
            if not path.is_file() or (anchor and anchor not in known):
                dead.append((name, link))
    assert followed > 2000
    assert dead == []


def test_no_page_needs_anything_from_elsewhere(book):
    pages, folder = book
    missing = []
    for name, page in pages.items():
        for link in page.loaded:
            target = urlsplit(link)
            path = folder / Path(name).parent / unquote(target.path)
            if target.scheme != "data" and (target.netloc or not path.is_file()):
                missing.append((name, link))
    assert missing == []
    assert len({link for page in pages.values() for link in page.loaded}) > 30
    styles = "".join(path.read_text("utf-8") for path in folder.rglob("*.css"))
    assert not re.findall(r"(?:url\(|@import)\s*[\"']?https?:[^)]*", styles)


def test_the_first_page_is_the_readme_with_the_course_in_order(book):
    pages, _ = book
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = pages["index.html"]
    for heading in re.findall(r"^## (.+)$", readme, re.M):
        assert re.sub(r"\W+", "-", heading.lower()).strip("-") in first.anchors
    side = [link for link in first.links if link.startswith("notebooks/")]
    in_order = [f"notebooks/{path.stem}.html" for path in NOTEBOOKS]
    assert side[: len(in_order)] == in_order
    assert first.text == pages["README.html"].text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_page_with_its_pictures_its_sounds_and_its_labs(book, path):
    page = book[0][f"notebooks/{path.stem}.html"]
    pictures, sounds, labs = shown_by(path)
    shown = page.pictures()
    stills = [Path(name).stem for name in shown if Path(name).stem in LABS]
    assert stills == labs
    assert len(shown) == pictures + len(labs)
    assert sum(tag == "audio" for tag, _ in page.tags) == sounds
    assert page.text.count("open the notebook in JupyterLab") == len(labs)


def test_there_are_labs_and_sounds_to_look_for():
    pictures, sounds, labs = zip(*map(shown_by, NOTEBOOKS), strict=True)
    assert sum(pictures) > 20
    assert sum(sounds) >= 5
    assert sorted(itertools.chain(*labs)) == sorted(LABS)
    assert len(LABS) >= 7


def test_no_widget_is_left_without_its_kernel(book):
    assert [
        name for name, page in book[0].items() if "jupyter.widget" in page.text
    ] == []


def test_every_public_name_has_its_entry(book):
    pages, _ = book
    reference = [page for name, page in pages.items() if name.startswith("docs/api")]
    entries = set().union(*(page.anchors for page in reference))
    wanted = set()
    for name in siamlab.__all__:
        thing = getattr(siamlab, name)
        if inspect.ismodule(thing):
            wanted |= {f"module-siamlab.{name}"}
            wanted |= {f"siamlab.{name}.{public}" for public in thing.__all__}
        else:
            wanted.add(f"siamlab.{name}")
    assert len(wanted) > 150
    assert sorted(wanted - entries) == []


def test_every_outcome_of_a_benchmark_is_a_page_with_a_title(book):
    for path in (ROOT / "benchmarks/results").glob("*.md"):
        page = book[0][f"benchmarks/results/{path.stem}.html"]
        assert path.stem in page.anchors


def test_a_dead_link_stops_the_build(tmp_path):
    sources(tmp_path)
    # The pages of the library take longest, and have no part in this.
    (tmp_path / "docs/api.md").write_text("# The library\n")
    with open(tmp_path / "CONTRIBUTING.md", "a", encoding="utf-8") as page:
        page.write("\n[gone](docs/gone.md)\n")
    _, done = build(tmp_path)
    assert done.returncode != 0
    assert "docs/gone.md" in done.stderr


def test_a_widget_without_a_picture_gets_a_line_instead():
    book = runpy.run_path(str(ROOT / "docs/book.py"))
    shown = {book["WIDGET"]: {"model_id": "1"}, "text/plain": "VBox()"}
    code = {
        "cell_type": "code",
        "source": "box",
        "outputs": [{"output_type": "display_data", "data": shown}],
    }
    cells = book["with_still_labs"]({"cells": [code]})["cells"]
    assert cells[0]["outputs"] == []
    assert "open the notebook in JupyterLab" in cells[1]["source"]
    assert "images/" not in cells[1]["source"]
