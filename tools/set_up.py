"""Make ``.venv`` and install into it what requirements.lock names.

``make lab`` and ``make test`` call this first. It needs a Python from 3.11 to 3.13
and nothing else. When nothing has changed since the last time it returns at once.

What was done is written to a stamp at the very end: a set-up that was killed
leaves none, and the next one goes on where it stopped.

The syntax is kept old on purpose: a Python that is too old for siamlab has to be
able to read this file in order to say so.
"""

import argparse
import collections
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

OLDEST, NEWEST = (3, 11), (3, 13)  # as requires-python in pyproject.toml
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STAMP = "siamlab-set-up.json"


class SetUpError(Exception):
    """The set-up cannot go on; the message says what to do."""


def print_line(line):
    """Print one line at once, also where the output is a pipe."""
    print("set-up: " + line, flush=True)


def runs(command):
    """Say whether a command is a Python that starts.

    Being on PATH is not enough: version managers put a placeholder there.
    """
    try:
        return subprocess.call([command, "-c", ""], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def check_python(version=sys.version_info, runs=runs):
    """Refuse a Python that TensorFlow has no wheels for."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    fitting = [name for name in names if runs(name)]
    if fitting:
        advice = f"this machine has {fitting[0]}: make lab PYTHON={fitting[0]}"
    else:
        advice = "install one of them, then for example: make lab PYTHON=python3.12"
    raise SetUpError(
        f"siamlab needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, "
        f"this is {version[0]}.{version[1]}; {advice}"
    )


def check_venv(python=sys.executable):
    """Refuse a Python whose ``venv`` module was left out, as Debian does."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        # Debian names the package after the command, python3 or python3.12.
        command = os.path.basename(python or "")
        if not command.startswith("python3"):
            command = "python3"
        raise SetUpError(
            "this Python cannot make virtual environments; on Debian and Ubuntu "
            f"install what is missing with: sudo apt install {command}-venv"
        ) from None


def venv_python(venv):
    """Name the Python inside a virtual environment."""
    folder = "Scripts" if os.name == "nt" else "bin"
    name = "python.exe" if os.name == "nt" else "python"
    return os.path.join(venv, folder, name)


def wanted(root=ROOT):
    """Describe the set-up that this folder asks for."""
    state = {"python": ".".join(map(str, sys.version_info[:3])), "folder": root}
    for name in ("requirements.lock", "pyproject.toml"):
        with open(os.path.join(root, name), "rb") as file:
            state[name] = hashlib.sha256(file.read()).hexdigest()
    return state


def done(venv):
    """Read the stamp of the last set-up that came to its end."""
    try:
        with open(os.path.join(venv, STAMP), encoding="utf-8") as file:
            state = json.load(file)
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_stamp(venv, state):
    """Write the stamp whole or not at all."""
    stamp = os.path.join(venv, STAMP)
    with open(stamp + ".part", "w", encoding="utf-8") as file:
        json.dump(state, file, indent=2)
        file.write("\n")
    os.replace(stamp + ".part", stamp)


def base_python():
    """Name the Python outside any environment that happens to be active.

    Otherwise ``--clear`` in an activated ``.venv`` would delete the program that
    it runs on.
    """
    return getattr(sys, "_base_executable", None) or sys.executable


def made_with(venv):
    """Say which Python an environment was made with, None if that is unknown."""
    try:
        with open(os.path.join(venv, "pyvenv.cfg"), encoding="utf-8") as file:
            for line in file:
                key, _, value = line.partition("=")
                if key.strip() in ("version", "version_info"):
                    return ".".join(value.strip().split(".")[:3])
    except OSError:
        pass
    return None


def make_venv(venv, before, after):
    """Make the environment, anew where the old one can no longer be used."""
    if before:
        # Its scripts hold the folder's name, its packages are for one Python.
        clear = any(before.get(key) != after[key] for key in ("python", "folder"))
        usable = not clear and os.path.exists(venv_python(venv))
    else:
        # Interrupted, or made by hand: kept if it belongs to this Python.
        clear = os.path.isdir(venv) and made_with(venv) != after["python"]
        usable = False
    if usable:
        return
    kept = os.path.isdir(venv) and not clear
    print_line(
        f"{'checking' if kept else 'making'} .venv with Python {after['python']}"
    )
    command = [base_python(), "-I", "-m", "venv", venv]
    if clear:
        command.append("--clear")
    if subprocess.call(command) != 0:
        raise SetUpError("the virtual environment could not be made; see above")


def remove_half_installed(venv):
    """Remove what a killed pip has left, so that pip installs it again.

    pip takes a package for installed as soon as its ``.dist-info`` folder is there,
    but writes the list of its files, RECORD, last.
    """
    for folder, names, _ in os.walk(venv):
        if os.path.basename(folder) != "site-packages":
            continue
        for name in names:
            path = os.path.join(folder, name)
            half = name.endswith(".dist-info") and not os.path.exists(
                os.path.join(path, "RECORD")
            )
            if half or name.startswith("~"):
                shutil.rmtree(path)
        del names[:]  # no need to walk through the packages themselves


def pip_install(venv, *arguments):
    """Run pip in the environment; its own many lines become a few."""
    # -I: no package from PYTHONPATH or the user's folder counts as installed.
    command = [venv_python(venv), "-I", "-u", "-m", "pip", "install"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    process = subprocess.Popen(
        command + list(arguments),
        cwd=os.path.dirname(venv),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    found, last = 0, collections.deque(maxlen=20)
    with process:
        for line in process.stdout:
            last.append(line.rstrip())
            if line.startswith(("Collecting ", "Processing ")):
                found += 1
                if found % 30 == 0:
                    print_line(f"  {found} packages fetched")
            elif line.startswith("Installing collected packages") and found:
                print_line(f"  all {found} packages fetched, now unpacking")
            elif "Retrying" in line:  # the network is slow: no silence then
                print_line(f"  {line.strip()}")
    if process.returncode != 0:
        print("\n".join(last), file=sys.stderr)
        raise SetUpError(
            "pip stopped, its last words are above; when the cause is mended, the "
            "same command goes on from here"
        )


def set_up(root=ROOT, clear=False):
    """Bring ``.venv`` to what the folder asks for.

    Returns whether anything had to be done.
    """
    venv = os.path.join(root, ".venv")
    before, after = done(venv), wanted(root)
    if before == after and os.path.exists(venv_python(venv)) and not clear:
        return False

    started = time.monotonic()
    check_venv()  # before anything is removed
    if clear and os.path.isdir(venv):
        print_line("removing .venv")
        shutil.rmtree(venv)
        before = {}
    make_venv(venv, before, after)
    if os.path.exists(os.path.join(venv, STAMP)):
        os.remove(os.path.join(venv, STAMP))
    remove_half_installed(venv)
    same_venv = all(before.get(key) == after[key] for key in ("python", "folder"))
    lock = "requirements.lock"
    if not same_venv or before.get(lock) != after[lock]:
        print_line(
            f"installing what {lock} names; the first time this takes a few minutes "
            "and 3 GB of disk"
        )
        pip_install(venv, "--require-hashes", "-r", lock)
    print_line("installing siamlab itself, in place")
    # hatchling, which builds it, is in the lock: nothing unpinned comes in.
    pip_install(venv, "--no-build-isolation", "--no-deps", "-e", ".")
    write_stamp(venv, after)
    print_line(f"ready after {time.monotonic() - started:.0f} s")
    return True


def main(argv=None):
    """Run the set-up; 0 if all is well, 1 with one line if it is not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--clear", action="store_true", help="remove .venv and start from nothing"
    )
    clear = parser.parse_args(argv).clear
    try:
        check_python()
        set_up(ROOT, clear=clear)
    except SetUpError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
