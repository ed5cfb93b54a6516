"""The package as users get it: built, installed into a new environment, and used.

Nothing is downloaded: the new environment finds everything but siamlab in this one.
"""

import json
import os
import re
import shutil
import signal
import socket
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
import requests
from lab_process import jupyter_environment, running_lab
from processes import run

import siamlab
from siamlab import course

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent


def build(kind, source, folder):
    """Build a wheel or an sdist; returns its path."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind]
    run(*command, "--directory", folder, cwd=source)
    (built,) = folder.iterdir()
    return built


def contents(wheel):
    """{name: bytes} of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The command ``siamlab`` of a new environment, and its environment variables."""
    folder = tmp_path_factory.mktemp("environment") / "a venv"
    venv.create(folder)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    # The user's settings must not reach the new environment.
    environ = {
        name: value
        for name, value in jupyter_environment(folder / "jupyter").items()
        if not name.startswith(("PYTHON", "PIP_"))
    }
    # JupyterLab's own files are data of a package that is installed here.
    environ["JUPYTERLAB_DIR"] = str(Path(sys.prefix) / "share/jupyter/lab")
    pip = [sys.executable, "-m", "pip", "--python", str(scripts / "python"), "install"]
    run(*pip, "--quiet", "--no-index", "--no-deps", wheel, env=environ)
    prefix = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", prefix))
    ours = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(ours)))

    return shutil.which("siamlab", path=str(scripts)), environ


def test_the_wheel_carries_the_course_and_stays_small(wheel):
    found = contents(wheel)
    assert wheel.stat().st_size < 10e6
    package = [path for path in (ROOT / "siamlab").rglob("*.*") if path.is_file()]
    names = {p.relative_to(ROOT).as_posix() for p in package if p.suffix != ".pyc"}
    assert names <= set(found)
    assert not [name for name in found if "checkpoint" in name or "__pycache__" in name]
    assert {name.split("/")[0] for name in found} == {
        "siamlab",
        *(f"siamlab-{siamlab.__version__}.{end}" for end in ("dist-info", "data")),
    }


def test_the_sdist_builds_the_same_wheel(wheel, tmp_path):
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert (unpacked / "tests" / Path(__file__).name).is_file()
    again = contents(build("wheel", unpacked, tmp_path / "wheel"))
    assert again == contents(wheel)


def test_an_editable_install_gets_no_copy_of_the_notebooks(tmp_path):
    program = "import sys, hatchling.build as b; b.build_editable(sys.argv[1])"
    run(sys.executable, "-c", program, tmp_path, cwd=ROOT)
    (built,) = tmp_path.glob("*.whl")
    assert [name for name in contents(built) if name.endswith(".ipynb")] == []


def test_an_installed_siamlab_copies_the_course_from_the_wheel(installed, tmp_path):
    command, environ = installed
    place = {"cwd": tmp_path, "env": environ}
    assert run(command, "--version", **place).stdout.strip() == siamlab.__version__
    printed = json.loads(run(command, "lab", "--copy-only", "--json", **place).stdout)
    folder = tmp_path / "siamlab-course"
    assert Path(printed["folder"]) == folder.resolve()
    from_the_clone = course.copy(tmp_path / "from the clone")
    assert sorted(printed["written"]) == sorted(from_the_clone.written)
    for name in printed["written"]:
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_the_lab_starts_requires_its_token_and_stops_with_ctrl_c(installed, tmp_path):
    command, environ = installed
    # The port is taken: Jupyter chooses another one.
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    command = (command, "lab", "a course", "--", "--port", port)
    with taken, running_lab(*command, env=environ, cwd=tmp_path) as (process, printed):
        assert len(printed) <= 6, "the address is hard to find:\n" + "".join(printed)
        address = r"(http://127\.0\.0\.1:\d+)/lab/tree/(\S+)\?token=(\S+)"
        host, notebook, token = re.search(address, printed[-1]).groups()
        assert notebook == course.START
        assert not host.endswith(f":{port}")
        with_and_without = (f"{host}/api/status?token={token}", f"{host}/api/status")
        answers = [requests.get(url, timeout=20) for url in with_and_without]
        assert [answer.status_code for answer in answers] == [200, 403]

        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        assert process.returncode == 0, rest
        assert rest.strip() == "JupyterLab has stopped."
