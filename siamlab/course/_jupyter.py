"""JupyterLab on a folder with the course, on its first notebook.

It listens on this machine only, asks for a token, and says at which address. On a
machine with a screen a browser opens as well.
"""

import os
import secrets
import signal
import sys
from urllib.parse import urlencode, urlsplit

from ._files import START


def has_screen(platform, environ):
    """Say whether a browser window could be seen here.

    Elsewhere than on macOS and Windows a screen is named in the environment.
    """
    if platform in ("darwin", "win32", "cygwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def settings(folder, token, *, browser, superuser=False):
    """List JupyterLab's options: the ones that are ours to choose."""
    chosen = [
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.ip=127.0.0.1",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.open_browser={browser}",
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


def announce(address, browser):
    """Print the address so that it can be found."""
    lines = ["", "JupyterLab runs. Ctrl-C ends it.", "", f"    {address}", ""]
    if browser:
        lines[1] += " If no browser opens, copy this address into one:"
    else:
        lines[1] += " Copy this address into a browser:"
    print("\n".join(lines), flush=True)


def open_lab(folder, options=(), *, browser=None, ready=announce):
    """Run JupyterLab on the first notebook, and stay until Ctrl-C.

    Parameters
    ----------
    folder : str or os.PathLike
        A folder with the course, as `copy` makes it, or a clone.
    options : sequence of str, optional
        For JupyterLab itself; they overrule ours.
    browser : bool, optional
        Whether to open a browser; by default where there is a screen.
    ready : callable, optional
        Called once with the address, which holds the token, and with whether a browser
        was asked for. By default both are printed.
    """
    # A kernel of the same name in the person's home must not come before ours.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    from jupyterlab.labapp import LabApp

    chosen = settings(
        os.path.abspath(folder),
        secrets.token_hex(24),
        browser=has_screen(sys.platform, os.environ) if browser is None else browser,
        superuser=hasattr(os, "geteuid") and os.geteuid() == 0,
    )
    server = LabApp.initialize_server(argv=[*chosen, *options])
    # Jupyter's own handler would ask whether that was meant, and there is none at
    # all where nobody sits at the terminal.
    signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
    # Once the loop runs the port is known: the usual one may have been taken.
    server.io_loop.add_callback(lambda: ready(address(server), server.open_browser))
    server.start()
