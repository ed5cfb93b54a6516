import re
import sys

import pytest

from siamlab import _progress

PROGRAM = """
import time
from siamlab import _progress
_progress._LOG_INTERVAL_S = 0.3
for i in _progress.progress_bar(range(20), description="work"):
    time.sleep(SECONDS)
_progress.print_line("done")
"""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_in_a_terminal_is_removed_at_the_end(monkeypatch, terminal):
    monkeypatch.setattr(_progress, "_in_jupyter", lambda: False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert _progress.progress_bar().leave != terminal


@pytest.mark.parametrize(
    ("seconds", "show", "shown"),
    [(0.06, "1", True), (0.06, "0", False), (0.001, "1", False)],
)
def test_a_log_file_gets_few_lines(in_a_process, tmp_path, seconds, show, shown):
    log = tmp_path / "log.txt"
    program = f"import sys; sys.stderr = open({str(log)!r}, 'w')\n{PROGRAM}"
    in_a_process(program.replace("SECONDS", str(seconds)), SIAMLAB_PROGRESS=show)
    *bars, last = log.read_bytes().decode().split("\n")[:-1]
    assert last == "done"
    assert (2 <= len(bars) <= 5) if shown else bars == []
    assert all(re.fullmatch(r"work: +\d+%[^\r]*", line) for line in bars)
