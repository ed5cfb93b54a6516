"""The page of all rules says what the rules say."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_it_is_up_to_date():
    spec = importlib.util.spec_from_file_location("page", ROOT / "docs" / "doctor.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.page(), "run python docs/doctor.py"
