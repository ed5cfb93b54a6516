"""The book is built without warnings and without a network; its links work."""

import html
import inspect
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from processes import run

import siamlab

pytest.importorskip("sphinx", reason="Sphinx is in the extra docs")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LABS = {path.stem for path in (ROOT / "notebooks/labs").glob("*.html")}
WITH_LABS = [path for path in NOTEBOOKS if "sl.labs." in path.read_text("utf-8")]
# Sphinx in a process that cannot reach any other machine.
OFFLINE = """
import socket, sys
def refuse(*_):
    raise OSError("the book needs no network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from sphinx.cmd.build import main
sys.exit(main(sys.argv[1:]))
"""


class Page:
    """What a page shows, and what it refers to."""

    def __init__(self, path):
        self.text = text = path.read_text(encoding="utf-8")
        self.anchors = set(re.findall(r'\bid="([^"]+)"', text))
        self.links = attributes(text, "a", "href")
        sources = attributes(text, "(?:img|script|source|iframe)", "src")
        styles = re.findall(r'<link\b[^>]*rel="(?:stylesheet|icon)"[^>]*>', text)
        self.loaded = sources + attributes("".join(styles), "link", "href")
        images = attributes(text, "img", "src")
        self.images = [Path(unquote(source)).stem for source in images]


def attributes(text, tag, name):
    """Values of an attribute of all elements with a tag."""
    found = re.findall(rf'<{tag}\b[^>]*?\b{name}="([^"]*)"', text)
    return [html.unescape(value) for value in found]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """{path below the folder of the book: page}, and that folder."""
    folder = tmp_path_factory.mktemp("book")
    # The build writes into its sources.
    for name in ("docs", "notebooks", "benchmarks", "siamlab/embeddings"):
        unwanted = shutil.ignore_patterns("_build", "api", ".*", "__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for pattern in ("*.md", "LICENSE", "CITATION.cff"):
        for path in ROOT.glob(pattern):
            shutil.copy(path, folder)
    pages = folder / "docs/_build/html"
    # As `make book` does.
    arguments = ["-W", "--keep-going", "-q", "-c", "docs", ".", pages]
    assert run(sys.executable, "-c", OFFLINE, *arguments, cwd=folder).stderr == ""
    found = sorted(pages.rglob("*.html"))
    return {path.relative_to(pages).as_posix(): Page(path) for path in found}, pages


def test_every_link_leads_to_a_page_and_to_an_anchor_on_it(book):
    pages, folder = book
    n_followed, dead = 0, []
    for name, page in pages.items():
        for link in page.links:
            target = urlsplit(link)
            if target.scheme or target.netloc:
                continue
            n_followed += 1
            relative = Path(name).parent / unquote(target.path) if target.path else name
            path = (folder / relative).resolve()
            linked = path.relative_to(folder.resolve()).as_posix()
            anchor = unquote(target.fragment)
            anchors = pages[linked].anchors if linked in pages else set()
            if not path.is_file() or (anchor and anchor not in anchors):
                dead.append((name, link))
    assert n_followed > 1000
    assert dead == []


def test_no_page_loads_anything_from_another_host(book):
    pages, folder = book
    missing = []
    for name, page in pages.items():
        for link in page.loaded:
            target = urlsplit(link)
            path = folder / Path(name).parent / unquote(target.path)
            if target.scheme != "data" and (target.netloc or not path.is_file()):
                missing.append((name, link))
    assert missing == []
    styles = "".join(path.read_text("utf-8") for path in folder.rglob("*.css"))
    assert not re.findall(r"(?:url\(|@import)\s*[\"']?https?:[^)]*", styles)


def test_the_first_page_is_the_readme_with_the_course_in_order(book):
    pages, _ = book
    first = pages["index.html"]
    for heading in re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(), re.M):
        assert re.sub(r"\W+", "-", heading.lower()).strip("-") in first.anchors
    contents = [link for link in first.links if link.startswith("notebooks/")]
    in_order = [f"notebooks/{path.stem}.html" for path in NOTEBOOKS]
    assert contents[: len(in_order)] == in_order


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_page_with_its_images_and_labs(book, path):
    page = book[0][f"notebooks/{path.stem}.html"]
    n_images, labs = 0, []
    for cell in nbformat.read(path, as_version=4).cells:
        n_images += len(re.findall(r"!\[[^\]]*\]\(images/", cell.source))
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            name = data.get("text/plain", "").removesuffix("()")
            if name in LABS:
                labs.append(name)
            else:
                n_images += "image/png" in data
    frames = [Path(source).stem for source in attributes(page.text, "iframe", "src")]
    assert frames == labs
    assert len(page.images) == n_images
    assert "jupyter.widget" not in page.text


@pytest.mark.parametrize("path", WITH_LABS, ids=lambda path: path.stem)
def test_labs_move_in_the_book(book, browser, path):
    page, errors = browser.new_page(viewport={"width": 1280, "height": 720}), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((book[1] / f"notebooks/{path.stem}.html").as_uri())
    for frame in page.locator("iframe.lab").all():
        frame.scroll_into_view_if_needed()
        lab = frame.content_frame.locator("#lab")
        before = lab.evaluate("lab => lab.siamlab.values")
        control = lab.locator("[role=slider], [role=switch]").first
        control.press("Space")  # toggles a switch
        control.press("Home")  # moves a slider or a handle to its lowest value
        assert lab.evaluate("lab => lab.siamlab.values") != before
    page.close()
    assert errors == []


def test_every_public_name_has_an_entry_in_the_reference(book):
    pages, _ = book
    reference = [page for name, page in pages.items() if name.startswith("docs/api")]
    entries = set().union(*(page.anchors for page in reference))
    names = set()
    for name in siamlab.__all__:
        thing = getattr(siamlab, name)
        if inspect.ismodule(thing):
            names |= {f"module-siamlab.{name}"}
            names |= {f"siamlab.{name}.{public}" for public in thing.__all__}
        else:
            names.add(f"siamlab.{name}")
    assert len(names) > 150
    assert sorted(names - entries) == []
