"""What is declared in one place agrees with what is declared in another."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

SYSTEMS = {
    "linux": {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"},
    "macos": {
        "sys_platform": "darwin",
        "os_name": "posix",
        "platform_system": "Darwin",
    },
    "windows": {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows"},
}
PYTHONS = ("3.11", "3.12", "3.13")
PLACES = [(system, python) for system in SYSTEMS for python in PYTHONS]


def bounds(lines):
    """{name: specifiers} of a list of requirements."""
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def pins():
    """[(name, version, marker or None, number of hashes)] of requirements.lock."""
    found = []
    for entry in re.split(r"\n(?=\S)", LOCK.strip()):
        requirement = Requirement(entry.split(" \\\n")[0])
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)
        name = canonicalize_name(requirement.name)
        found.append((name, specifier.version, requirement.marker, len(hashes)))
    return found


def pins_at(system, python):
    """[(name, version)] of what the lock installs at one place."""
    place = SYSTEMS[system] | {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    return [
        (name, version)
        for name, version, marker, _ in pins()
        if marker is None or marker.evaluate(place)
    ]


def test_conda_users_get_the_packages_of_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert "pip" in conda
    assert bounds(conda)["python"] == SpecifierSet(PROJECT["requires-python"])
    *packages, ourselves = pip["pip"]
    assert ourselves == "-e ."
    assert bounds(packages) == bounds(PROJECT["dependencies"] + EXTRAS["test"])


def test_gpu_extra_differs_from_the_dependency_only_in_cuda():
    (gpu,) = map(Requirement, EXTRAS["gpu"])
    assert gpu.extras == {"and-cuda"}
    assert gpu.specifier == bounds(PROJECT["dependencies"])["tensorflow"]


def test_every_pin_has_its_hashes():
    assert len(pins()) > 100
    assert [name for name, _, _, hashes in pins() if hashes == 0] == []


def test_lock_names_no_host_and_no_folder():
    assert not re.search(r"https?:|file:|index-url|find-links| @ ", LOCK)


@pytest.mark.parametrize(("system", "python"), PLACES)
def test_lock_satisfies_every_bound_everywhere(system, python):
    installed = pins_at(system, python)
    names = [name for name, _ in installed]
    assert len(names) == len(set(names)), "one package is pinned twice"

    versions = dict(installed)
    extras = [line for name in ("test", "lint", "docs") for line in EXTRAS[name]]
    declared = bounds(PROJECT["dependencies"] + extras)
    missing = sorted(set(declared) - set(versions))
    assert missing == [], "run: make lock"
    wrong = [
        f"{name} {versions[name]} is not {bound}"
        for name, bound in declared.items()
        if not bound.contains(versions[name], prereleases=True)
    ]
    assert wrong == [], "run: make lock"


def test_lock_knows_what_only_one_system_needs():
    names = {
        system: {name for name, _ in pins_at(system, "3.12")} for system in SYSTEMS
    }
    # JupyterLab's terminals and IPython's parts that differ from system to system.
    assert "appnope" in names["macos"] - names["linux"] - names["windows"]
    assert {"pywinpty", "colorama"} <= names["windows"] - names["linux"]
    assert {"pexpect", "ptyprocess"} <= (names["linux"] & names["macos"])
    assert "pexpect" not in names["windows"]


def test_markers_of_the_lock_are_ones_that_the_tests_above_set():
    known = {
        "sys_platform",
        "os_name",
        "platform_system",
        "python_version",
        "python_full_version",
        "implementation_name",
        "platform_python_implementation",
    }
    used = {str(marker) for _, _, marker, _ in pins() if isinstance(marker, Marker)}
    names = set(re.findall(r"[a-z_]+(?= *[=<>!]=?)", " ".join(used)))
    assert names <= known


def test_citation_and_package_have_the_same_version_and_licence():
    import siamlab

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == siamlab.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["title"].endswith(PROJECT["description"].split(":")[0][len("A ") :])


def test_changelog_has_an_entry_for_this_version():
    import siamlab

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {siamlab.__version__}" in changelog


def test_the_guide_names_files_and_commands_that_exist():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    words = [
        word for span in re.findall(r"`([^`\n]+)`", guide) for word in span.split()
    ]
    ours = r"(?:siamlab|tests|docs|benchmarks|notebooks|tools)/[\w./]+"
    paths = {word for word in words if re.fullmatch(ours, word)}
    made = {"docs/_build/html", "notebooks/NN_what_it_is_about.ipynb"}
    assert len(paths) > 15
    assert [path for path in paths - made if not (ROOT / path).exists()] == []
    targets = set(re.findall(r"make ([a-z]+)`", guide))
    assert [name for name in targets if f"\n{name}:" not in makefile] == []


def test_pre_commit_runs_what_make_lint_runs():
    hooks = yaml.safe_load(
        (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    )
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    entries = {hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.M).group(1)
    # pre-commit hands the files over itself, and formats instead of complaining.
    steps = {
        re.sub(r"( --check)?( \.)?$", "", line.strip()).replace("$(BIN)", ".venv/bin")
        for line in recipe.splitlines()
    }
    assert entries == steps
