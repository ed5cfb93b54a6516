"""Create ``.venv`` and install what requirements.lock names, with its hashes checked.

``make`` runs this before each of its targets. It needs Python 3.11 to 3.13 and nothing
else. If nothing has changed since the last time, it returns at once and prints nothing.
A set-up that was interrupted starts again; pip keeps what it has downloaded.

The syntax is that of Python 3.6, so that an older Python can say that it is too old.
"""

import hashlib
import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 13)  # as requires-python in pyproject.toml
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(
    VENV, *(["Scripts", "python.exe"] if os.name == "nt" else ["bin", "python"])
)
STAMP = os.path.join(VENV, "set-up.txt")


class SetUpError(Exception):
    """The set-up cannot continue; the message says what to do."""


def log(message):
    """Print a line at once, also if the output is a pipe."""
    print("set-up: " + message, flush=True)


def check_python(version=sys.version_info, which=shutil.which):
    """Check the version of Python, and that it can make virtual environments."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        names = ["python3.{}".format(minor) for minor in (13, 12, 11)]
        found = [name for name in names if which(name)]
        advice = "" if found else "install one of them, then "
        raise SetUpError(
            "siamlab needs Python 3.11 to 3.13, this is {}.{}; {}run for example: "
            "make lab PYTHON={}".format(*version[:2], advice, (found or names)[0])
        )
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise SetUpError(
            "this Python cannot make virtual environments; on Debian and Ubuntu run: "
            "sudo apt install python3-venv"
        ) from None


def wanted_state():
    """Describe the environment that this folder needs; the first line is for venv."""
    lines = ["Python {}.{}.{} in {}".format(*sys.version_info[:3], ROOT)]
    for name in ("requirements.lock", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            lines.append(name + " " + hashlib.sha256(file.read()).hexdigest())
    return "\n".join(lines)


def current_state():
    """Read what the last complete set-up wrote."""
    if not (os.path.exists(STAMP) and os.path.exists(PYTHON)):
        return ""
    with open(STAMP, encoding="utf-8") as file:
        return file.read()


def run(*command):
    """Run a program in the folder of the repository."""
    if subprocess.call(command, cwd=ROOT) != 0:
        raise SetUpError("this failed, see above: " + " ".join(command))


def pip_install(*arguments):
    """Run pip of the environment; -I keeps other folders of packages out."""
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    run(PYTHON, "-I", "-m", "pip", "install", *options, *arguments)


def set_up():
    """Bring ``.venv`` up to date."""
    wanted, current = wanted_state(), current_state()
    if wanted == current:
        return
    if wanted.split("\n")[0] != current.split("\n")[0]:
        log("creating .venv with " + wanted.split("\n")[0])
        # An active .venv must not delete the Python that it runs.
        base = getattr(sys, "_base_executable", None) or sys.executable
        run(base, "-I", "-m", "venv", "--clear", VENV)
    else:
        os.remove(STAMP)
    log("installing requirements.lock; the first time takes minutes and 3 GB of disk")
    pip_install("--require-hashes", "-r", "requirements.lock")
    # Its build backend is in the lock, so nothing without a hash is installed.
    pip_install("--no-build-isolation", "--no-deps", "-e", ".")
    with open(STAMP, "w", encoding="utf-8") as file:
        file.write(wanted)
    log("done")


if __name__ == "__main__":
    try:
        check_python()
        set_up()
    except SetUpError as error:
        sys.exit("set-up: {}".format(error))
    except KeyboardInterrupt:
        sys.exit("\nset-up: interrupted; the same command starts again")
