"""Open JupyterLab on the first notebook; ``make lab`` calls this.

It listens on this machine only, asks for a token, and prints the address. On a
machine with a screen a browser opens as well. What stands behind it on the command
line goes to JupyterLab: ``python tools/lab.py --port 8899``.
"""

import os
import secrets
import signal
import sys
from pathlib import Path
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parent.parent
START = "notebooks/00_start_here.ipynb"


def has_screen(platform, environ):
    """Say whether a browser window could be seen here.

    Elsewhere than on macOS and Windows a screen is named in the environment.
    """
    if platform in ("darwin", "win32", "cygwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def options(root, token, *, screen, superuser=False):
    """List JupyterLab's options: the ones that are ours to choose."""
    chosen = [
        f"--ServerApp.root_dir={root}",
        "--ServerApp.ip=127.0.0.1",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.open_browser={screen}",
        f"--LabApp.default_url=/lab/tree/{START}",
        # A hundred lines of start-up news would hide the address.
        "--Application.log_level=ERROR",
        # No window that asks whether news may be fetched from outside.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if superuser:
        # Usual inside a container, where Jupyter would otherwise refuse to start.
        chosen.append("--ServerApp.allow_root=True")
    return chosen


def address(server):
    """Write out the address of a running server, with its token."""
    query = urlencode({"token": server.identity_provider.token})
    return urlsplit(server.local_url)._replace(query=query).geturl()


def announce(server):
    """Print the address so that it can be found."""
    lines = ["", "JupyterLab runs. Ctrl-C ends it.", "", f"    {address(server)}", ""]
    if server.open_browser:
        lines[1] += " If no browser opens, copy this address into one:"
    else:
        lines[1] += " There is no screen here: copy this address into a browser."
    print("\n".join(lines), flush=True)


def main(argv, root=ROOT):
    """Start JupyterLab on a folder and stay until it ends."""
    # A kernel of the same name in the person's home must not come before ours.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    from jupyterlab.labapp import LabApp

    chosen = options(
        root,
        secrets.token_hex(24),
        screen=has_screen(sys.platform, os.environ),
        superuser=hasattr(os, "geteuid") and os.geteuid() == 0,
    )
    server = LabApp.initialize_server(argv=[*chosen, *argv])
    # Jupyter's own handler would ask whether that was meant, and there is none at
    # all where nobody sits at the terminal.
    signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
    # Once the loop runs the port is known: the usual one may have been taken.
    server.io_loop.add_callback(announce, server)
    server.start()
    print("JupyterLab has ended.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
