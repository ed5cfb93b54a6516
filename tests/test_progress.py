import os
import subprocess
import sys

import pytest

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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_bar_is_redrawn_in_a_terminal_and_removed_at_the_end():
    import fcntl
    import pty
    import struct
    import termios

    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = {**os.environ, "SIAMLAB_PROGRESS": "1", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stderr=secondary, env=env
    ) as process:
        os.close(secondary)
        output = b""
        try:
            while part := os.read(primary, 1000):
                output += part
        except OSError:  # Linux reports the closed end as an error
            pass
    os.close(primary)
    assert process.returncode == 0
    text = output.decode().replace("\r\n", "\n")
    assert text.count("work:") > 3
    # A reader sees what the last carriage return left of each line.
    visible = [line.split("\r")[-1].strip() for line in text.split("\n")]
    assert [line for line in visible if line] == ["done"]
