"""JupyterLab in a process of its own."""

import contextlib
import os
import signal
import subprocess
import threading


def jupyter_environment(folder):
    """Environment variables with which Jupyter keeps its files in a folder.

    Those of the user's own Jupyter are left out, and so is the display, on which a
    browser would open.
    """
    environ = {
        name: value
        for name, value in os.environ.items()
        if "DISPLAY" not in name and not name.startswith(("JUPYTER", "JPY_"))
    }
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        environ[f"JUPYTER_{kind}_DIR"] = str(folder / kind.lower())
    for kind in ("SETTINGS", "WORKSPACES"):
        environ[f"JUPYTERLAB_{kind}_DIR"] = str(folder / kind.lower())
    return environ


@contextlib.contextmanager
def running_lab(*command, **settings):
    """Run a command that starts JupyterLab; yields the process and what it printed.

    The last line that it has printed contains the address. The process is killed if it
    prints none within 90 s; at the end it is stopped with Ctrl-C.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **settings,
    )
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    with process:
        printed = []
        for line in process.stdout:
            printed.append(line)
            if "?token=" in line:
                break
        watchdog.cancel()
        assert "?token=" in "".join(printed), "".join(printed)
        try:
            yield process, printed
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
