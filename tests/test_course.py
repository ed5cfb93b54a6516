"""The course in a folder of the reader's own: nothing of the reader's is ever lost."""

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
from siamlab.course import _copy, _files
from siamlab.errors import StorageError

ROOT = Path(__file__).resolve().parent.parent
START = _files.START
OTHER = "notebooks/01_other.ipynb"


def markdown(path):
    """The text of a page or of a notebook that may hold links."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def relative_links(path):
    """Files that a page or a notebook refers to."""
    text = markdown(path)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    names = {unquote(link.split("#")[0]) for link in found if "://" not in link}
    return names - {""}


def test_an_editable_install_has_the_notebooks_of_the_clone():
    assert course.notebooks_folder() == ROOT / "notebooks"


def test_an_installation_without_notebooks_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(_files, "__file__", str(tmp_path / "a/siamlab/course/x.py"))
    with pytest.raises(StorageError, match="install siamlab again"):
        course.notebooks_folder()


def test_every_notebook_and_every_link_in_it_works_in_the_copy(tmp_path):
    copied = course.copy(tmp_path)
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {path.name for path in tmp_path.glob("notebooks/*.ipynb")} == notebooks
    pages = [tmp_path / n for n in copied.written if n.endswith((".ipynb", ".md"))]
    links = [(page, link) for page in pages for link in relative_links(page)]
    assert len(links) > 40
    dead = [
        (str(page.relative_to(tmp_path)), link)
        for page, link in links
        if not (page.parent / link).is_file()
    ]
    assert dead == []


def test_the_programs_that_the_notebooks_name_have_what_they_import(tmp_path):
    course.copy(tmp_path)
    programs = sorted(tmp_path.glob("benchmarks/*.py"))
    here = {path.stem for path in programs}
    for program in programs:
        wanted = re.findall(r"^(?:from|import) (_\w+)", program.read_text(), re.M)
        assert set(wanted) - {"__future__"} <= here


def test_the_second_time_there_is_nothing_to_do(tmp_path):
    first, second = course.copy(tmp_path), course.copy(tmp_path)
    assert second.written == second.changed == ()
    assert second.same == first.written


def test_in_a_clone_nothing_is_copied():
    copied = course.copy(ROOT)
    assert copied.written == copied.changed == ()
    assert not (ROOT / _copy.RECEIPT).exists()


@pytest.fixture
def edition(tmp_path, monkeypatch):
    """Publish an edition of a course of two notebooks."""
    source = tmp_path / "source"
    monkeypatch.setattr(_files, "root", lambda: source)
    return lambda text: publish(source, text)


def publish(source, text):
    for name in (START, OTHER):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(f"{name}: {text}")


def test_a_new_edition_goes_beside_what_the_reader_changed(
    edition, tmp_path, monkeypatch
):
    monkeypatch.setattr(_copy, "__version__", "0.7.0")
    folder = tmp_path / "mine"
    edition("first")
    course.copy(folder)
    (folder / START).write_text("my own")
    edition("second")
    copied = course.copy(folder)
    beside = "notebooks/00_start_here-0.7.0.ipynb"
    assert copied.beside == {START: beside}
    assert copied.changed == (START,)
    assert set(copied.written) == {beside, OTHER}
    assert (folder / START).read_text() == "my own"
    assert (folder / beside).read_text() == f"{START}: second"
    assert (folder / OTHER).read_text() == f"{OTHER}: second"


def test_the_edition_that_the_reader_works_with_is_not_put_beside(edition, tmp_path):
    edition("first")
    course.copy(tmp_path / "mine")
    (tmp_path / "mine" / START).write_text("my own")
    copied = course.copy(tmp_path / "mine")
    assert (copied.written, copied.changed, copied.beside) == ((), (START,), {})


def test_the_command_says_which_notebook_is_whose(edition, tmp_path, capsys):
    folder = tmp_path / "mine"
    edition("first")
    assert cli.main(["lab", str(folder), "--copy-only"]) == 0
    assert "new files: 2" in capsys.readouterr().out
    (folder / START).write_text("my own")
    edition("second")
    assert cli.main(["lab", str(folder), "--copy-only"]) == 0
    told = capsys.readouterr().out
    beside = next(folder.glob("notebooks/00_start_here-*"))
    assert f"{START} is yours and stays" in told
    assert beside.name in told


STEPS = st.lists(
    st.sampled_from(["publish", "copy", "edit 0", "edit 1", "edit 2", "lose receipt"]),
    max_size=14,
)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_whatever_happens_the_readers_words_stay_and_the_newest_edition_is_there(steps):
    with (
        tempfile.TemporaryDirectory() as scratch,
        pytest.MonkeyPatch.context() as patch,
    ):
        source, folder = Path(scratch) / "source", Path(scratch) / "mine"
        patch.setattr(_files, "root", lambda: source)
        publish(source, 0)
        words, newest, delivered = {}, 0, set()
        for k, step in enumerate([*steps, "copy"], start=1):
            if step == "publish":
                newest = k
                publish(source, newest)
            elif step == "lose receipt":
                (folder / _copy.RECEIPT).unlink(missing_ok=True)
            elif step.startswith("edit"):
                present = sorted(folder.glob("notebooks/*.ipynb"))
                for path in present[int(step[-1]) :][:1]:
                    path.write_text(f"reader's words {k}")
                    words[path] = path.read_text()
            else:
                course.copy(folder)
                delivered.update(p.read_text() for p in folder.glob("notebooks/*"))
                for path, text in words.items():
                    assert path.read_text() == text
                assert {f"{name}: {newest}" for name in (START, OTHER)} <= delivered


def test_a_lost_receipt_overwrites_nothing(edition, tmp_path):
    edition("first")
    course.copy(tmp_path / "mine")
    (tmp_path / "mine" / _copy.RECEIPT).write_text("[damaged")
    edition("second")
    copied = course.copy(tmp_path / "mine")
    assert set(copied.beside) == {START, OTHER}
    assert (tmp_path / "mine" / START).read_text() == f"{START}: first"


def test_a_folder_that_bears_a_notebooks_name_is_left_alone(edition, tmp_path):
    edition("first")
    (tmp_path / "mine" / START).mkdir(parents=True)
    copied = course.copy(tmp_path / "mine")
    assert (tmp_path / "mine" / copied.beside[START]).is_file()


@pytest.mark.parametrize("files_before", [0, 1])
def test_ctrl_c_while_copying_leaves_no_broken_file(
    edition, tmp_path, monkeypatch, files_before
):
    edition("first")
    folder, whole, count = tmp_path / "mine", _copy.shutil.copyfile, iter(range(9))

    def half(source, target):
        if next(count) < files_before:
            return whole(source, target)
        Path(target).write_bytes(Path(source).read_bytes()[:5])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_copy.shutil, "copyfile", half)
        assert cli.main(["lab", str(folder), "--copy-only"]) == 130
    left = [path for path in folder.rglob("*.*") if path.is_file()]
    notebooks = [path for path in left if path.name != _copy.RECEIPT]
    assert len(notebooks) == files_before
    assert all(path.read_text().endswith(": first") for path in notebooks)
    # What was copied by then is known: a new edition may take its place.
    edition("second")
    assert set(course.copy(folder).written) == {START, OTHER}


def test_a_copy_may_be_written_to_even_where_the_package_may_not(edition, tmp_path):
    edition("first")
    source = _files.root() / START
    source.chmod(0o444)
    course.copy(tmp_path / "mine")
    assert (tmp_path / "mine" / START).stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_a_file_is_named(tmp_path, capsys):
    (tmp_path / "mine").touch()
    assert cli.main(["lab", str(tmp_path / "mine"), "--copy-only"]) == 1
    error = capsys.readouterr().err
    assert "cannot write to" in error
    assert "choose another folder" in error


def test_the_receipt_is_what_was_copied(tmp_path):
    copied = course.copy(tmp_path)
    receipt = json.loads((tmp_path / _copy.RECEIPT).read_text())
    assert tuple(receipt) == copied.written
