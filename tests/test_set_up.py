"""tools/set_up.py, which every target of the Makefile runs first."""

import ast
import hashlib
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import set_up
from packaging.specifiers import SpecifierSet
from processes import run

ROOT = Path(__file__).resolve().parent.parent
BACKEND = """
import shutil

def build_editable(folder, config_settings=None, metadata_directory=None):
    shutil.copy("ours-1.0-py3-none-any.whl", folder)
    return "ours-1.0-py3-none-any.whl"
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def write_wheel(folder, name):
    """Write a package of one empty module; returns its line of requirements.lock."""
    path, info = folder / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any")
        wheel.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"./{path.name} --hash=sha256:{digest}\n"


@pytest.mark.slow
def test_a_fresh_clone_is_set_up_once_with_hashes_checked(tmp_path):
    project = tmp_path / "a clone"
    (project / "tools").mkdir(parents=True)
    script = shutil.copy(ROOT / "tools/set_up.py", project / "tools")
    (project / "backend.py").write_text(BACKEND)
    (project / "pyproject.toml").write_text(PYPROJECT)
    lock, line = project / "requirements.lock", write_wheel(project, "locked")
    write_wheel(project, "ours")

    def run_set_up():
        return run(sys.executable, script, check=False)

    def importable():
        python = project / ".venv/bin/python"
        return run(python, "-c", "import locked", check=False).returncode == 0

    lock.write_text(line.replace("sha256:", "sha256:00")[:-3] + "\n")
    refused = run_set_up()
    assert refused.returncode == 1
    assert "hash" in refused.stderr.lower()
    assert not importable()

    lock.write_text(line)
    first, second = run_set_up(), run_set_up()
    assert first.returncode == 0, first.stderr
    assert importable()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

    lock.write_text(f"# changed\n{line}")
    assert "installing requirements.lock" in run_set_up().stdout
    moved = project.rename(tmp_path / "moved")
    script = moved / "tools/set_up.py"
    assert "creating .venv" in run_set_up().stdout


@pytest.mark.parametrize("version", [(3, 6), (3, 10), (3, 14)])
def test_an_unsuitable_python_is_reported_in_one_line(version):
    with pytest.raises(set_up.SetUpError) as raised:
        set_up.check_python(version, which=lambda name: name == "python3.12")
    message = str(raised.value)
    assert f"3.11 to 3.13, this is 3.{version[1]}" in message
    assert message.endswith("make lab PYTHON=python3.12")
    assert "\n" not in message


def test_a_python_without_ensurepip_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(set_up.SetUpError, match="sudo apt install python3-venv"):
        set_up.check_python((3, 12))


def test_the_range_of_pythons_is_that_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = SpecifierSet(project["requires-python"])
    accepted = [minor for minor in range(30) if f"3.{minor}.0" in declared]
    assert accepted == list(range(set_up.OLDEST[1], set_up.NEWEST[1] + 1))


def test_old_pythons_can_read_the_script():
    source = (ROOT / "tools" / "set_up.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
