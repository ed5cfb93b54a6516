"""The storeys of the house, as pyproject.toml draws them, are kept."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def lint_imports(*, cwd):
    # Its command's own function, so that no script has to be on PATH.
    code = "from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_file_imports_from_lower_storeys_only():
    result = lint_imports(cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_import_from_an_upper_storey_is_noticed(tmp_path):
    """The contract is not kept merely because it says nothing."""
    package = tmp_path / "siamlab"
    package.mkdir()
    for name in ("__init__", "errors", "_version", "progress", "metrics"):
        (package / f"{name}.py").touch()
    (package / "store.py").write_text("from . import errors\n")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    # The corpora have a contract of their own.
    (tmp_path / "pyproject.toml").write_text(
        settings.split('[[tool.importlinter.contracts]]\nid = "corpora"')[0],
        encoding="utf-8",
    )
    kept = lint_imports(cwd=tmp_path)
    assert kept.returncode == 0, kept.stdout + kept.stderr

    (package / "errors.py").write_text("from . import metrics\n")
    broken = lint_imports(cwd=tmp_path)
    assert broken.returncode != 0
    assert "siamlab.errors is not allowed to import siamlab.metrics" in broken.stdout
