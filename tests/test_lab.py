"""`siamlab lab`: this machine only, a token, and no browser without a screen.

What it copies is tested in test_course.py.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest

from siamlab import cli, course
from siamlab.course import _files as files
from siamlab.course import _jupyter as jupyter


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
    assert jupyter.has_screen(platform, environ) is screen


def test_it_listens_on_loopback_with_the_token_on():
    chosen = jupyter.settings("/some folder", "secret", browser=False)
    assert "--ServerApp.ip=127.0.0.1" in chosen
    assert "--IdentityProvider.token=secret" in chosen
    assert "--ServerApp.root_dir=/some folder" in chosen


@pytest.mark.parametrize("screen", [True, False])
def test_browser_opens_only_where_it_can_be_seen(screen):
    chosen = jupyter.settings("/", "secret", browser=screen)
    assert f"--ServerApp.open_browser={screen}" in chosen


def test_only_the_superuser_needs_the_permission_to_start():
    wanted = "--ServerApp.allow_root=True"
    assert wanted in jupyter.settings("/", "secret", browser=True, superuser=True)
    assert wanted not in jupyter.settings("/", "secret", browser=True)


@pytest.mark.parametrize(
    ("opens", "words"), [(True, "If no browser opens"), (False, "into a browser")]
)
def test_address_stands_on_a_line_of_its_own(opens, words, capsys):
    server = SimpleNamespace(
        local_url="http://127.0.0.1:8888/lab/tree/a.ipynb?token=...",
        identity_provider=SimpleNamespace(token="secret"),
    )
    jupyter.announce(jupyter.address(server), opens)
    lines = capsys.readouterr().out.splitlines()
    assert "    http://127.0.0.1:8888/lab/tree/a.ipynb?token=secret" in lines
    assert any(words in line for line in lines)


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """What JupyterLab would have been started with; the commands run in a folder."""
    seen = []

    def open_lab(folder, options, *, browser, ready=jupyter.announce):
        seen.append((str(folder), options, browser))
        ready("http://127.0.0.1:1/lab", browser)

    monkeypatch.setattr(course, "open_lab", open_lab)
    monkeypatch.chdir(tmp_path)
    return seen


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ("siamlab-course", [], None)),
        (["mine"], ("mine", [], None)),
        (["--no-browser"], ("siamlab-course", [], False)),
        (["--", "--port", "1"], ("siamlab-course", ["--port", "1"], None)),
        (["mine", "--", "--port", "1"], ("mine", ["--port", "1"], None)),
        (["mine", "--no-browser", "--", "--", "x"], ("mine", ["--", "x"], False)),
    ],
)
def test_what_stands_behind_two_dashes_goes_to_jupyter(opened, words, expected):
    assert cli.main(["lab", *words]) == 0
    assert opened == [expected]


def test_an_option_that_is_jupyters_is_refused_in_front_of_them(opened, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["lab", "--port", "1"])
    assert ended.value.code == 2
    assert opened == []


def test_scripts_are_given_one_object_with_the_address(opened, capsys):
    assert cli.main(["lab", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["address"] == "http://127.0.0.1:1/lab"
    assert files.START in told["written"]
    assert cli.main(["lab", "--json", "--copy-only"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "address" not in told
    assert files.START in told["same"]
    assert len(opened) == 1


def status_code(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_lab_starts_asks_for_its_token_and_ends_with_ctrl_c(tmp_path, first_line):
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY")
        and not name.startswith(("JUPYTER", "JPY_"))
    }
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        environ[f"JUPYTER_{name}"] = str(tmp_path / name)
    # Its port is taken: Jupyter finds another.
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    command = [sys.executable, "-m", "siamlab", "lab", "a course", "--", "--port", port]
    process = subprocess.Popen(
        command,
        env=environ,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = r"(http://127\.0\.0\.1:\d+)/lab/tree/(\S+)"
    with taken, first_line(process, address) as (found, before):
        assert len(before) <= 5, "chatter hides the address:\n" + "".join(before)
        host, (notebook, token) = found[1], found[2].split("?token=")
        assert notebook == files.START
        assert not host.endswith(f":{port}")
        assert len(token) >= 32

        assert status_code(f"{host}/api/status?token={token}") == 200
        assert status_code(f"{host}/api/status") == 403
        assert status_code(f"{host}/lab?token={token}") == 200

        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        assert process.returncode == 0, rest
        assert rest.strip() == "JupyterLab has ended."
