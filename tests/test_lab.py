"""tools/lab.py: this machine only, a token, and no browser without a screen."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import lab
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("platform", "environ", "screen"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_screen_is_noticed(platform, environ, screen):
    assert lab.has_screen(platform, environ) is screen


def test_it_listens_on_loopback_with_the_token_on():
    chosen = lab.options("/some folder", "secret", screen=False)
    assert "--ServerApp.ip=127.0.0.1" in chosen
    assert "--IdentityProvider.token=secret" in chosen
    assert "--ServerApp.root_dir=/some folder" in chosen


@pytest.mark.parametrize("screen", [True, False])
def test_browser_opens_only_where_it_can_be_seen(screen):
    chosen = lab.options("/", "secret", screen=screen)
    assert f"--ServerApp.open_browser={screen}" in chosen


def test_only_the_superuser_needs_the_permission_to_start():
    wanted = "--ServerApp.allow_root=True"
    assert wanted in lab.options("/", "secret", screen=True, superuser=True)
    assert wanted not in lab.options("/", "secret", screen=True)


@pytest.mark.parametrize(
    ("opens", "words"), [(True, "If no browser opens"), (False, "no screen here")]
)
def test_address_stands_on_a_line_of_its_own(opens, words, capsys):
    server = SimpleNamespace(
        local_url="http://127.0.0.1:8888/lab/tree/a.ipynb?token=...",
        identity_provider=SimpleNamespace(token="secret"),
        open_browser=opens,
    )
    lab.announce(server)
    lines = capsys.readouterr().out.splitlines()
    assert "    http://127.0.0.1:8888/lab/tree/a.ipynb?token=secret" in lines
    assert any(words in line for line in lines)


def status_code(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_lab_starts_asks_for_its_token_and_ends_with_ctrl_c(tmp_path):
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY")
        and not name.startswith(("JUPYTER", "JPY_"))
    }
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        environ[f"JUPYTER_{name}"] = str(tmp_path / name)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / "lab.py"), "--port", str(free_port())],
        env=environ,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process, contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        watchdog = threading.Timer(90, process.kill)
        watchdog.start()
        stack.callback(watchdog.cancel)
        before = []
        for line in process.stdout:
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab/tree/(\S+)", line):
                break
            before.append(line)
        else:
            pytest.fail("no address was printed:\n" + "".join(before))
        assert len(before) <= 4, "chatter hides the address:\n" + "".join(before)
        host, (notebook, token) = found[1], found[2].split("?token=")
        assert notebook == lab.START
        assert len(token) >= 32

        assert status_code(f"{host}/api/status?token={token}") == 200
        assert status_code(f"{host}/api/status") == 403
        assert status_code(f"{host}/lab?token={token}") == 200

        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        assert process.returncode == 0, rest
        assert rest.strip() == "JupyterLab has ended."
