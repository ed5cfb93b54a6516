import os
import subprocess
import sys

import pytest

from siamlab import _progress
from siamlab._progress import progress_bar

PROGRAM = """
import time
from siamlab import _progress
_progress._LOG_INTERVAL_S = 0.3
for i in _progress.progress_bar(range(20), description="work"):
    time.sleep(0.06)
_progress.print_line("done")
"""


def standard_error(program, show="1"):
    """Run a program whose standard error is a file; return what it wrote there."""
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SIAMLAB_PROGRESS": show},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == ""
    return finished.stderr


def test_items_are_yielded_in_order():
    assert list(progress_bar(iter("abc"), total=3)) == ["a", "b", "c"]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_in_a_terminal_is_removed_at_the_end(monkeypatch, terminal):
    monkeypatch.setattr(_progress, "_in_jupyter", lambda: False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert progress_bar().leave != terminal


def test_bars_can_be_turned_off():
    assert standard_error(PROGRAM, show="0") == "done\n"


def test_a_log_file_gets_a_few_whole_lines():
    written = standard_error(PROGRAM)
    assert "\r" not in written
    lines = written.splitlines()
    assert lines[-1] == "done"
    assert lines[-2].startswith("work: 100%")
    assert 3 <= len(lines) <= 6


def test_quick_work_writes_nothing_to_a_log_file():
    assert standard_error(PROGRAM.replace("0.06", "0.001")) == "done\n"
