"""The package as others get it: built, installed into a new environment, and used.

Nothing is downloaded: the new environment looks for everything but siamlab here.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

import siamlab
from siamlab.course import _files

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent


def build(kind, source, into):
    """Build a wheel or an sdist; returns its path."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind]
    subprocess.run(
        [*command, "--directory", str(into)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (built,) = into.iterdir()
    return built


def contents(wheel):
    """{name: bytes} of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """An sdist, unpacked."""
    sdist = build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (project,) = folder.iterdir()
    return project


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A new environment with the wheel in it; returns its folder."""
    folder = tmp_path_factory.mktemp("environment") / "a venv"
    venv.create(folder)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)],
        check=True,
        capture_output=True,
        env=surroundings(folder),
    )
    place = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", place))
    here = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (packages / "here.pth").write_text("\n".join(sorted(here)))
    return folder


def surroundings(folder):
    """Environment variables of somebody who has nothing of ours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY")
        and not name.startswith(("JUPYTER", "JPY_", "PYTHON", "PIP_"))
    }
    # JupyterLab's own files are data of a package that is installed here.
    kept["JUPYTERLAB_DIR"] = str(Path(sys.prefix) / "share/jupyter/lab")
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        kept[f"JUPYTER_{name}"] = str(folder / "jupyter" / name)
    return kept


def siamlab_command(installed):
    folder = installed / ("Scripts" if os.name == "nt" else "bin")
    return shutil.which("siamlab", path=str(folder))


def run(installed, *words, cwd):
    """Run the command ``siamlab`` of an environment; returns what it printed."""
    done = subprocess.run(
        [siamlab_command(installed), *words],
        cwd=cwd,
        env=surroundings(installed),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_wheel_carries_the_course_and_stays_small(wheel):
    found = contents(wheel)
    for name in _files.files(ROOT):
        assert found[f"siamlab/course/{name}"] == (ROOT / name).read_bytes()
    assert wheel.stat().st_size < 10e6
    assert not [name for name in found if "checkpoint" in name or "__pycache__" in name]
    tops = {name.split("/")[0] for name in found}
    assert tops == {"siamlab"} | {
        f"siamlab-{siamlab.__version__}.{end}" for end in ("dist-info", "data")
    }


def test_the_sdist_holds_what_builds_the_same_wheel(wheel, unpacked, tmp_path):
    again = contents(build("wheel", unpacked, tmp_path))
    first = contents(wheel)
    assert set(again) == set(first)
    assert [name for name in first if again[name] != first[name]] == []
    assert (unpacked / "tests" / Path(__file__).name).is_file()


def test_data_of_the_package_travels_with_it(unpacked, tmp_path):
    source = shutil.copytree(unpacked, tmp_path / "source")
    (source / "siamlab/data").mkdir(exist_ok=True)
    for name in ("an_encoder.keras", "a_table.npz", "a_table.json"):
        (source / "siamlab/data" / name).write_bytes(b"\0\1\2")
    found = contents(build("wheel", source, tmp_path / "dist"))
    for name in ("an_encoder.keras", "a_table.npz", "a_table.json"):
        assert found[f"siamlab/data/{name}"] == b"\0\1\2"


def test_an_editable_install_gets_no_copy_of_the_notebooks(tmp_path):
    program = (
        "import sys; from hatchling.build import build_editable as build; "
        "build(sys.argv[1])"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = tmp_path.glob("*.whl")
    assert [name for name in contents(built) if name.endswith(".ipynb")] == []


def test_an_installed_siamlab_tells_its_version(installed, tmp_path):
    assert run(installed, "--version", cwd=tmp_path).strip() == siamlab.__version__


def test_an_installed_siamlab_copies_the_course_that_it_carries(installed, tmp_path):
    told = json.loads(run(installed, "lab", "--copy-only", "--json", cwd=tmp_path))
    assert Path(told["folder"]) == (tmp_path / "siamlab-course").resolve()
    assert sorted(told["written"]) == sorted(_files.files(ROOT))
    for name in told["written"]:
        copy = tmp_path / "siamlab-course" / name
        assert copy.read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_an_installed_siamlab_opens_a_lab_with_the_course_in_it(
    installed, tmp_path, first_line
):
    process = subprocess.Popen(
        [siamlab_command(installed), "lab", "--no-browser", "my course"],
        cwd=tmp_path,
        env=surroundings(installed),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = r"(http://\S+)/lab/tree/(\S+)\?token=(\w+)"
    with first_line(process, address) as (found, _):
        host, notebook, token = found.groups()
        with urllib.request.urlopen(found[0], timeout=60) as page:
            assert b"JupyterLab" in page.read()
        address = f"{host}/api/contents/{notebook}?token={token}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            shown = json.load(answer)["content"]
        there = json.loads((ROOT / _files.START).read_text(encoding="utf-8"))
        assert len(shown["cells"]) == len(there["cells"])

        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, rest
        assert rest.strip() == "JupyterLab has ended."
