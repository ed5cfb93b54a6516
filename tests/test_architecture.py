"""The import contracts in pyproject.toml hold."""

import sys
from pathlib import Path

from processes import run

ROOT = Path(__file__).resolve().parent.parent


def test_every_part_imports_only_from_the_parts_below_it():
    # The function behind the command, so that no script has to be on PATH.
    code = "from importlinter.cli import lint_imports_command as run; run()"
    run(sys.executable, "-c", code, "--no-cache", "--no-logo", cwd=ROOT)
