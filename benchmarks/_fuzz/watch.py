"""The process that watches those that read: a verdict for each file.

- read: the reader returned; refused: with a `SiamlabError`.
- foreign: any other exception, one that asserts included; the reader must not.
- crash: the process ended, by a signal mostly.
- hang: no answer in time.
- outside: something was written outside of the chosen folder.
- executed: something in the file was run, or a connection opened.
- memory: more was needed than allowed.
"""

import dataclasses
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERDICTS = (
    "read",
    "refused",
    "foreign",
    "crash",
    "hang",
    "outside",
    "executed",
    "memory",
)
ALLOWED = VERDICTS[:2]
_POLL = 0.02  # seconds
_WAIT = 10
_IMPORTS = 180.0  # seconds for a reader's first file, which is whole


@dataclasses.dataclass(frozen=True)
class Case:
    """One file to be read.

    Parameters
    ----------
    index : int
        Which one; `name` and `damage` say the same to people.
    kind : str
        Row of the table.
    name, damage : str
        Of which whole file, and what was done to it.
    reader : str
        MODULE:FUNCTION.
    target : str
        Where the file lies in the chosen folder.
    content : bytes
        Of the file.
    tree : dict of str to bytes
        What lies beside it.
    """

    index: int
    kind: str
    name: str
    damage: str
    reader: str
    target: str
    content: bytes
    tree: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Found:
    """What became of a case."""

    case: Case
    verdict: str
    said: str = ""
    mb: float = 0.0
    seconds: float = 0.0

    def __str__(self):
        case = self.case
        return f"{case.index} {case.kind}, {case.name}, {case.damage}: {self.said}"


class Watched:
    """A process that reads, started when it is needed and again when it is gone."""

    def __init__(self, sandbox, number, python_path=()):
        self._sandbox = Path(sandbox) / str(number)  # nobody else writes to it
        self._home = self._sandbox / "home"
        self._folder = self._home / "chosen"
        self._python_path = [str(HERE.parents[1]), str(HERE.parent), *python_path]
        self._process, self._answers, self._ready = None, None, set()

    def read(self, case, whole, seconds, megabytes):
        """Let a case be read; before it, once, the whole file by the same reader."""
        if self._process is None:
            self._start()
        if case.reader not in self._ready and whole is not None:
            found = self._ask(whole, True, _IMPORTS, 1e6)
            if found.verdict != "read":
                return dataclasses.replace(found, case=case, verdict="foreign")
            self._ready.add(case.reader)
        return self._ask(case, False, seconds, megabytes)

    def _start(self):
        self._home.mkdir(parents=True, exist_ok=True)
        home = str(self._home)
        homes = "HOME XDG_CACHE_HOME TMPDIR MPLCONFIGDIR NUMBA_CACHE_DIR SIAMLAB_CACHE"
        environment = {
            **os.environ,
            **dict.fromkeys(homes.split(), home),
            "PYTHONPATH": os.pathsep.join(self._python_path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONFAULTHANDLER": "1",
            "SIAMLAB_PROGRESS": "0",
        }
        self._errors = open(self._home / "stderr.txt", "wb")
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), str(self._sandbox), home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            encoding="utf-8",
        )
        self._answers = queue.Queue()
        arguments = self._process.stdout, self._answers
        threading.Thread(target=_listen, args=arguments, daemon=True).start()
        self._ready = set()

    def stop(self):
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._errors.close()
            self._process = None

    def _ask(self, case, free, seconds, megabytes):
        shutil.rmtree(self._folder, ignore_errors=True)
        for name, content in {**case.tree, case.target: case.content}.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        task = {
            "reader": case.reader,
            "path": str(self._folder / case.target),
            "folder": str(self._folder),
            "free": free,
        }
        began, before = time.perf_counter(), self._memory()
        worked = self._cpu()
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._gone(case)
        while True:
            try:
                line = self._answers.get(timeout=_POLL)
            except queue.Empty:
                took = time.perf_counter() - began
                more = self._memory() - before
                # Others may work on the machine: a computation has its time of the
                # processor, a wait more than that.
                if self._cpu() - worked > seconds or took > _WAIT * seconds:
                    self.stop()
                    return Found(case, "hang", f"after {seconds:g} s", seconds=took)
                if more > 2 * megabytes:
                    self.stop()
                    return Found(case, "memory", f"{more:.0f} MB", more, took)
                continue
            took = time.perf_counter() - began
            if line is None:
                return self._gone(case)
            found = Found(case, **json.loads(line), seconds=took)
            if found.mb > megabytes and found.verdict in ALLOWED:
                found = dataclasses.replace(found, verdict="memory")
            return found

    def _gone(self, case):
        code = self._process.wait()
        self.stop()
        what = signal.Signals(-code).name if code < 0 else f"status {code}"
        text = (self._home / "stderr.txt").read_text("utf-8", "replace")
        return Found(case, "crash", f"{what}: {text[-1500:]}")

    def _cpu(self):
        """Seconds of the processor that the process has had."""
        try:
            told = Path(f"/proc/{self._process.pid}/stat").read_text()
        except OSError:  # another system: the wait counts
            return 0.0
        fields = told.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _memory(self):
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except OSError:  # gone, or another system
            return 0.0
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _listen(stream, answers):
    for line in stream:
        answers.put(line)
    answers.put(None)
    stream.close()


def watch(
    cases,
    sandbox,
    *,
    wholes=None,
    workers=2,
    seconds=20.0,
    megabytes=1024.0,
    python_path=(),
):
    """Let processes read all cases, and yield a `Found` for each, as they come.

    Parameters
    ----------
    cases : iterable of Case
        Made when a process is free.
    sandbox : path
        An empty folder: whatever changes in it, but for the chosen folders, is seen.
    wholes : dict of str to Case, optional
        For each reader a whole file, which it reads first: then imports are done.
    workers : int
        Processes.
    seconds, megabytes : float
        For one file.
    python_path : sequence of str
        Where else readers are.
    """
    todo, lock, done = iter(cases), threading.Lock(), queue.Queue()
    stopped = threading.Event()

    def work(number):
        watched = Watched(sandbox, number, python_path)
        try:
            while not stopped.is_set():
                with lock:
                    case = next(todo, None)
                if case is None:
                    return
                whole = (wholes or {}).get(case.reader)
                done.put(watched.read(case, whole, seconds, megabytes))
        finally:
            watched.stop()
            done.put(None)

    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(work, number) for number in range(workers)]
        try:
            left = workers
            while left:
                found = done.get()
                if found is None:
                    left -= 1
                else:
                    yield found
        finally:
            stopped.set()
    for each in running:
        each.result()
