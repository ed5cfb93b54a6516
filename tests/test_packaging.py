"""What is declared in one file agrees with what is declared in another."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import siamlab

ROOT = Path(__file__).resolve().parent.parent


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = [
    (Requirement(entry.split(" \\\n")[0]), entry.count("--hash=sha256:"))
    for entry in re.split(r"\n(?=\S)", read("requirements.lock").strip())
]


def bounds(lines):
    """{name: specifiers} of a list of requirements."""
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def test_conda_users_get_the_packages_of_pyproject():
    *conda, pip = yaml.safe_load(read("environment.yml"))["dependencies"]
    assert bounds(conda)["python"] == SpecifierSet(PROJECT["requires-python"])
    *packages, ourselves = pip["pip"]
    assert ourselves == "-e ."
    assert bounds(packages) == bounds(PROJECT["dependencies"] + EXTRAS["test"])


def test_the_gpu_extra_differs_from_the_dependency_only_in_cuda():
    (gpu,) = map(Requirement, EXTRAS["gpu"])
    assert gpu.extras == {"and-cuda"}
    assert gpu.specifier == bounds(PROJECT["dependencies"])["tensorflow"]


def test_the_lock_has_hashes_and_names_no_host_or_folder():
    assert len(LOCK) > 100
    assert [requirement.name for requirement, hashes in LOCK if not hashes] == []
    lock = read("requirements.lock")
    assert not re.search(r"https?:|file:|index-url|find-links| @ ", lock)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_the_lock_satisfies_every_bound(system, python):
    place = {
        "sys_platform": system,
        "os_name": "nt" if system == "win32" else "posix",
        "platform_system": {"win32": "Windows"}.get(system, system.capitalize()),
        "python_version": python,
        "python_full_version": f"{python}.9",
    }
    installed = [
        (canonicalize_name(requirement.name), next(iter(requirement.specifier)).version)
        for requirement, _ in LOCK
        if requirement.marker is None or requirement.marker.evaluate(place)
    ]
    versions = dict(installed)
    assert len(versions) == len(installed), "a package is pinned twice"
    extras = [line for name in ("test", "lint", "docs") for line in EXTRAS[name]]
    wrong = {
        name: versions.get(name)
        for name, specifier in bounds(PROJECT["dependencies"] + extras).items()
        if not specifier.contains(versions.get(name, "0"), prereleases=True)
    }
    assert wrong == {}, "run: make lock"


def test_version_and_license_are_the_same_everywhere():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == siamlab.__version__
    assert citation["license"] == PROJECT["license"]
    assert f"## {siamlab.__version__}" in read("CHANGELOG.md")


def test_contributing_names_files_and_commands_that_exist():
    guide = read("CONTRIBUTING.md")
    words = [
        word for span in re.findall(r"`([^`\n]+)`", guide) for word in span.split()
    ]
    ours = r"(?:siamlab|tests|docs|benchmarks|notebooks|tools)/[\w./]+"
    paths = {word for word in words if re.fullmatch(ours, word)}
    example = {"docs/_build/html", "notebooks/NN_what_it_is_about.ipynb"}
    assert [path for path in paths - example if not (ROOT / path).exists()] == []
    targets = set(re.findall(r"make ([a-z]+)`", guide))
    assert [name for name in targets if f"\n{name}:" not in read("Makefile")] == []


def test_pre_commit_runs_what_make_lint_runs():
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    entries = {hook["entry"] for repo in hooks for hook in repo["hooks"]}
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", read("Makefile"), re.M).group(1)
    # pre-commit passes the files, and formats instead of checking the format.
    steps = {
        re.sub(r"( --check)?( \.)?$", "", line.strip()).replace("$(BIN)", ".venv/bin")
        for line in recipe.splitlines()
    }
    assert entries == steps
