"""tools/set_up.py: what it does again, what it leaves alone, what it says."""

import ast
import os
import sys
import tomllib
from pathlib import Path

import pytest
import set_up
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent


class Commands(list):
    """The commands that a set-up would have run, by their telling words."""

    def pip(self, venv, *arguments):
        self.append("siamlab" if "-e" in arguments else "lock")

    def call(self, command):
        assert command[1:4] == ["-I", "-m", "venv"]
        self.append("venv --clear" if "--clear" in command else "venv")
        venv = Path(command[4])
        python = Path(set_up.venv_python(venv))
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        version = ".".join(map(str, sys.version_info[:3]))
        (venv / "pyvenv.cfg").write_text(f"home = here\nversion = {version}\n")
        return 0


@pytest.fixture
def project(tmp_path):
    """A project that asks for one package, in a folder with a space."""
    folder = tmp_path / "with a space"
    folder.mkdir()
    (folder / "requirements.lock").write_text("one==1.0 \\\n    --hash=sha256:00\n")
    (folder / "pyproject.toml").write_text("[project]\n")
    return folder


@pytest.fixture
def commands(monkeypatch):
    """Commands are noted down instead of run."""
    noted = Commands()
    monkeypatch.setattr(set_up, "pip_install", noted.pip)
    monkeypatch.setattr(set_up.subprocess, "call", noted.call)
    return noted


def run(project, commands, **options):
    """What one more set-up does."""
    commands.clear()
    set_up.set_up(str(project), **options)
    return list(commands)


def test_first_set_up_does_everything_and_the_second_nothing(project, commands):
    assert run(project, commands) == ["venv", "lock", "siamlab"]
    assert run(project, commands) == []


def test_changed_lock_is_installed_again(project, commands):
    run(project, commands)
    (project / "requirements.lock").write_text("one==2.0 \\\n    --hash=sha256:11\n")
    assert run(project, commands) == ["lock", "siamlab"]
    assert run(project, commands) == []


def test_changed_pyproject_installs_only_siamlab_again(project, commands):
    run(project, commands)
    (project / "pyproject.toml").write_text("[project]\nname = 'siamlab'\n")
    assert run(project, commands) == ["siamlab"]


def test_moved_folder_gets_a_new_environment(project, commands):
    run(project, commands)
    moved = project.rename(project.with_name("moved"))
    assert run(moved, commands) == ["venv --clear", "lock", "siamlab"]


def test_other_python_gets_a_new_environment(project, commands):
    run(project, commands)
    venv = str(project / ".venv")
    set_up.write_stamp(venv, set_up.done(venv) | {"python": "3.11.0"})
    assert run(project, commands) == ["venv --clear", "lock", "siamlab"]


def test_environment_whose_python_has_gone_is_made_again(project, commands):
    run(project, commands)
    os.remove(set_up.venv_python(str(project / ".venv")))
    assert run(project, commands)[0].startswith("venv")


def test_clear_starts_from_nothing(project, commands):
    run(project, commands)
    (project / ".venv" / "left over").touch()
    assert run(project, commands, clear=True) == ["venv", "lock", "siamlab"]
    assert not (project / ".venv" / "left over").exists()


@pytest.mark.parametrize("again", [False, True])
def test_killed_set_up_leaves_no_stamp_and_the_next_goes_on(
    project, commands, monkeypatch, again
):
    if again:
        run(project, commands)
        (project / "requirements.lock").write_text("one==2.0\n")

    def killed(venv, *arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(set_up, "pip_install", killed)
        with pytest.raises(KeyboardInterrupt):
            set_up.set_up(str(project))
    assert not (project / ".venv" / set_up.STAMP).exists()
    # The environment itself is kept: what was installed need not come again.
    assert run(project, commands) == ["venv", "lock", "siamlab"]


def test_damaged_stamp_counts_as_none(project, commands):
    run(project, commands)
    (project / ".venv" / set_up.STAMP).write_text('{"python": ')
    assert run(project, commands) == ["venv", "lock", "siamlab"]


def test_half_installed_package_is_removed(project):
    packages = project / ".venv" / "lib" / "python3.12" / "site-packages"
    for name in ("whole-1.0.dist-info", "half-1.0.dist-info", "~alf-0.9.dist-info"):
        (packages / name).mkdir(parents=True)
        (packages / name / "METADATA").touch()
    (packages / "whole-1.0.dist-info" / "RECORD").touch()
    set_up.remove_half_installed(str(project / ".venv"))
    assert [p.name for p in packages.iterdir()] == ["whole-1.0.dist-info"]


def test_stopped_pip_is_named(project, monkeypatch, capsys):
    python = project / "python"
    python.write_text("#!/bin/sh\necho no such package\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(set_up, "venv_python", lambda venv: str(python))
    with pytest.raises(set_up.SetUpError, match="the same command goes on"):
        set_up.pip_install(str(project / ".venv"), "one")
    assert "no such package" in capsys.readouterr().err


@pytest.mark.parametrize("version", [(3, 6), (3, 10), (3, 14)])
def test_unsuitable_python_is_named_in_one_line(version):
    with pytest.raises(set_up.SetUpError) as caught:
        set_up.check_python(version, runs=lambda name: False)
    message = str(caught.value)
    assert "\n" not in message
    assert "3.11 to 3.13" in message
    assert f"this is {version[0]}.{version[1]}" in message


def test_unsuitable_python_points_to_one_that_fits():
    with pytest.raises(set_up.SetUpError, match=r"make lab PYTHON=python3\.12$"):
        set_up.check_python((3, 9), runs=lambda name: name == "python3.12")


def test_python_that_fits_passes():
    for minor in (11, 12, 13):
        set_up.check_python((3, minor))


def test_range_of_pythons_is_that_of_pyproject():
    with open(ROOT / "pyproject.toml", "rb") as file:
        declared = SpecifierSet(tomllib.load(file)["project"]["requires-python"])
    (first, oldest), (_, newest) = set_up.OLDEST, set_up.NEWEST
    accepted = [minor for minor in range(30) if f"{first}.{minor}.0" in declared]
    assert accepted == list(range(oldest, newest + 1))


@pytest.mark.parametrize(
    ("python", "package"),
    [
        ("/usr/bin/python3", "python3-venv"),
        ("/usr/bin/python3.12", "python3.12-venv"),
        ("/usr/bin/python", "python3-venv"),
    ],
)
def test_missing_ensurepip_says_what_to_install(monkeypatch, python, package):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(set_up.SetUpError) as caught:
        set_up.check_venv(python)
    assert str(caught.value).endswith(f"sudo apt install {package}")
    assert "\n" not in str(caught.value)


def test_command_ends_with_one_line_and_status_1(monkeypatch, capsys):
    def refuse():
        raise set_up.SetUpError("no")

    monkeypatch.setattr(set_up, "check_python", refuse)
    assert set_up.main([]) == 1
    assert capsys.readouterr().err == "set-up: no\n"


def test_old_pythons_can_read_it():
    source = (ROOT / "tools" / "set_up.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
