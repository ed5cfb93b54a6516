"""The notebooks in the reader's own folder, and the options of JupyterLab.

That JupyterLab starts is tested in test_wheel.py.
"""

import json
import re
import tempfile
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab import cli, course
from siamlab.course import notebooks as module

ROOT = Path(__file__).resolve().parents[2]
OTHER = "notebooks/01_other.ipynb"


def relative_links(path):
    """Files that a page or a notebook refers to."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    return {unquote(link.split("#")[0]) for link in found if "://" not in link} - {""}


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the whole course."""
    return course.copy(tmp_path_factory.mktemp("course"))


def test_every_notebook_and_every_link_in_it_works_in_the_copy(copied):
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {path.name for path in copied.folder.glob("notebooks/*")} >= notebooks
    pages = [copied.folder / n for n in copied.written if n.endswith((".ipynb", ".md"))]
    links = [(page, link) for page in pages for link in relative_links(page)]
    assert len(links) > 20
    assert [link for page, link in links if not (page.parent / link).is_file()] == []


def test_programs_that_the_notebooks_link_to_come_with_what_they_import(copied):
    programs = list(copied.folder.glob("benchmarks/*.py"))
    names = {path.stem for path in programs}
    for program in programs:
        lines = program.read_text()
        assert set(re.findall(r"^(?:from|import) (_[a-z]\w*)", lines, re.M)) <= names


def test_a_second_copy_changes_nothing(copied):
    again = course.copy(copied.folder)
    assert (again.written, again.beside) == ((), {})
    assert again.kept == copied.written


def test_in_a_clone_nothing_is_copied():
    assert course.notebooks_folder() == ROOT / "notebooks"
    assert course.copy(ROOT).written == ()
    assert not (ROOT / module.RECEIPT).exists()


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Publish a version of a course of two notebooks."""
    monkeypatch.setattr(module, "_source", lambda: tmp_path / "source")
    return lambda text: write_course(tmp_path / "source", text)


def write_course(source, text):
    for name in (course.START, OTHER):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(f"{name}: {text}")


def test_a_new_version_is_written_beside_changes(
    publish, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(module, "__version__", "0.7.0")
    folder = tmp_path / "mine"
    publish("first")
    course.copy(folder)
    (folder / course.START).write_text("my own")
    assert course.copy(folder).beside == {}  # it is a change of the newest version
    publish("second")
    assert cli.main(["lab", str(folder), "--copy-only"]) == 0
    beside = "notebooks/00_start_here-0.7.0.ipynb"
    assert f"{course.START} has your changes and was kept" in capsys.readouterr().out
    assert (folder / course.START).read_text() == "my own"
    assert (folder / beside).read_text() == f"{course.START}: second"
    assert (folder / OTHER).read_text() == f"{OTHER}: second"


STEPS = st.sampled_from(["publish", "copy", "edit 0", "edit 1", "edit 2", "lose"])


@given(st.lists(STEPS, max_size=12))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_changes_are_never_lost_and_the_newest_version_is_always_there(steps):
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        source, folder = Path(root) / "source", Path(root) / "mine"
        patch.setattr(module, "_source", lambda: source)
        write_course(source, 0)
        changes, newest, delivered = {}, 0, set()
        for k, step in enumerate([*steps, "copy"], start=1):
            if step == "publish":
                newest = k
                write_course(source, newest)
            elif step == "lose":
                (folder / module.RECEIPT).unlink(missing_ok=True)
            elif step.startswith("edit"):
                present = sorted(folder.glob("notebooks/*.ipynb"))
                for path in present[int(step[-1]) :][:1]:
                    path.write_text(f"the reader's change {k}")
                    changes[path] = path.read_text()
            else:
                course.copy(folder)
                delivered.update(p.read_text() for p in folder.glob("notebooks/*"))
                assert all(path.read_text() == text for path, text in changes.items())
                assert {f"{n}: {newest}" for n in (course.START, OTHER)} <= delivered


def test_ctrl_c_while_copying_leaves_no_partial_file(publish, tmp_path, monkeypatch):
    publish("first")
    folder, copyfile = tmp_path / "mine", module.shutil.copyfile

    def interrupted(source, target):
        if Path(source).name == Path(course.START).name:
            return copyfile(source, target)
        Path(target).write_bytes(b"part")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "copyfile", interrupted)
        assert cli.main(["lab", str(folder), "--copy-only"]) == 130
    (left,) = folder.glob("notebooks/*")
    assert left.read_text() == f"{course.START}: first"
    # What was copied by then is known, so that a new version may replace it.
    publish("second")
    assert set(course.copy(folder).written) == {course.START, OTHER}


def test_a_folder_that_is_a_file_is_named(tmp_path, capsys):
    (tmp_path / "mine").touch()
    assert cli.main(["lab", str(tmp_path / "mine"), "--copy-only"]) == 1
    assert "choose another folder" in capsys.readouterr().err


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Arguments with which JupyterLab would have been opened."""
    seen = []

    def open_lab(folder, options, *, browser, ready):
        seen.append((Path(folder).name, options, browser))
        if ready:
            ready("http://127.0.0.1:1/lab", browser)

    monkeypatch.setattr(course, "open_lab", open_lab)
    monkeypatch.chdir(tmp_path)
    return seen


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["mine", "--no-browser"], ("mine", [], False)),
        (["--", "--port", "1"], ("siamlab-course", ["--port", "1"], None)),
    ],
)
def test_options_after_two_dashes_are_passed_on_to_jupyter(opened, arguments, expected):
    assert cli.main(["lab", *arguments]) == 0
    assert opened == [expected]


def test_scripts_get_one_json_object_with_the_address(opened, capsys):
    assert cli.main(["lab", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["address"] == "http://127.0.0.1:1/lab"
    assert course.START in printed["written"]
    assert cli.main(["lab", "--json", "--copy-only"]) == 0
    assert course.START in json.loads(capsys.readouterr().out)["kept"]
