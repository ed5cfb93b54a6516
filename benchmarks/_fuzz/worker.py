"""The process that reads damaged files, one line of JSON for each.

    python worker.py SANDBOX HOME

A task: {"reader": "MODULE:FUNCTION", "path": ..., "folder": ..., "free": false}. The
answer: verdict, the sentence or the traceback, and the peak of memory in MB. Whatever
Python itself is asked to write outside of the folder and of HOME, or to run, is seen by
an audit hook; what libraries write by themselves is seen if it is in SANDBOX.
"""

import importlib
import json
import os
import sys
import traceback
from pathlib import Path

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = {  # event -> which of its arguments are paths that change
    "os.mkdir": (0,),
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.link": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
}
_RUNS = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")
_OURS = "_espeak.py"  # the one program that siamlab starts to read a corpus
_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class Hook:
    """Notes what is written or run while it is on."""

    def __init__(self, home):
        self._home = os.path.realpath(home)
        self.folder = None
        self.outside, self.executed = [], []
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if self.folder is None:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES:
                self._written(path)
        elif event in _PATHS:
            for i in _PATHS[event]:
                self._written(arguments[i])
        elif event in _RUNS and _OURS not in str(arguments):
            self.executed.append(f"{event} {arguments!r}"[:200])
        elif event == "pickle.find_class":
            self.executed.append(f"{event} {arguments!r}"[:200])

    def _written(self, path):
        if isinstance(path, int):
            return
        path = os.fsdecode(path)
        if "\0" in path or path == os.devnull or path == str(_CLEAR):
            return
        real = os.path.realpath(path)
        if not any(Path(real).is_relative_to(p) for p in (self.folder, self._home)):
            self.outside.append(real)


def listing(sandbox, but):
    """All that lies in the sandbox, except for the folders that may be written to."""
    found = {}
    for folder, folders, names in os.walk(sandbox):
        folders[:] = [f for f in folders if os.path.join(folder, f) not in but]
        for name in names:
            path = os.path.join(folder, name)
            there = os.lstat(path)
            found[path] = there.st_size, there.st_mtime_ns
    return found


def peak(clear=False):
    """Most memory since the last time, in MB; 0 where the system does not tell."""
    try:
        if clear:
            _CLEAR.write_text("5")
        lines = _STATUS.read_text().splitlines()
        return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) / 1024
    except OSError:
        return 0.0


def judge(reader, path, folder):
    """Call a reader; the verdict, and what it said."""
    from siamlab import SiamlabError

    try:
        reader(path, folder)
    except SiamlabError as error:
        return "refused", f"{type(error).__name__}: {error}"
    except BaseException as error:
        where = traceback.format_exc(limit=-12)
        return "foreign", f"{type(error).__name__}: {str(error)[:300]}\n{where}"
    return "read", ""


def answer(task, hook, sandbox):
    module, function = task["reader"].split(":")
    reader = getattr(importlib.import_module(module), function)
    path, folder = Path(task["path"]), Path(task["folder"])
    os.chdir(folder)
    before = listing(sandbox, {str(folder), hook._home})
    hook.outside, hook.executed = [], []
    hook.folder = None if task["free"] else os.path.realpath(folder)
    began = peak(clear=True)
    verdict, said = judge(reader, path, folder)
    most = peak()
    hook.folder = None
    after = listing(sandbox, {str(folder), hook._home})
    changed = sorted(dict(before.items() ^ after.items()))
    if hook.executed:
        verdict, said = "executed", str(hook.executed)
    elif hook.outside or changed:
        verdict, said = "outside", str(hook.outside or changed)
    return {"verdict": verdict, "said": said, "mb": max(most - began, 0.0)}


def main():
    sandbox, home = sys.argv[1:]
    # What is printed on the way must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    hook = Hook(home)
    for line in sys.stdin:
        done = answer(json.loads(line), hook, sandbox)
        answers.write(json.dumps(done) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
