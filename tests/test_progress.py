import os
import subprocess
import sys

import pytest

from siamlab._progress import progress_bar

PROGRAM = """
import time
from siamlab import _progress
_progress._LOG_INTERVAL_S = 0.3
from siamlab._progress import print_line, progress_bar
for i in progress_bar(range(20), description="work"):
    time.sleep(0.06)
print_line("done")
"""


def run(program, **environment):
    env = {**os.environ, "SIAMLAB_PROGRESS": "1", **environment}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )


def test_items_come_through_as_they_are():
    assert list(progress_bar(iter("abc"), total=3)) == ["a", "b", "c"]


def test_it_can_be_silenced():
    assert run(PROGRAM, SIAMLAB_PROGRESS="0").stderr == "done\n"


def test_a_log_file_gets_whole_lines():
    done = run(PROGRAM)
    assert "\r" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[-1] == "done"
    assert lines[-2].startswith("work: 100%")
    assert 3 <= len(lines) <= 6
    assert done.stdout == ""


def test_a_log_file_gets_nothing_of_what_is_done_at_once():
    assert run(PROGRAM.replace("0.06", "0.001")).stderr == "done\n"


def test_training_shows_our_bar_and_not_keras_own():
    done = run(
        """
from siamlab import _progress
_progress._LOG_INTERVAL_S = 0.0
import numpy as np, siamlab as sl
net = sl.networks.SpeakerNet(
    sl.networks.blstm_encoder(n_frames=4, n_mels=3, units=2, output_dim=2), sl.losses.KLHinge()
)
net.fit(np.zeros((16, 4, 3)), np.arange(16) // 4, batch_size=4, epochs=3)
"""
    )
    assert done.stdout == ""
    assert "\r" not in done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("training: 100%")
    assert "12/12" in line
    assert "loss=" in line


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_terminal_is_left_clean():
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
        seen = b""
        while True:
            try:
                part = os.read(primary, 1000)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
    assert process.returncode == 0
    text = seen.decode()
    assert text.count("work:") > 3  # redrawn
    # What a person sees in the end: each line as its last "\r" left it.
    lines = [
        line.split("\r")[-1].strip() for line in text.replace("\r\n", "\n").split("\n")
    ]
    assert [line for line in lines if line] == ["done"]
