"""Measure the same work in several processes that take turns.

Each contender is a function of a Python file, which runs in a process of its own. The
processes warm up and then run the work in turns, A B C A B C, so that whatever else the
machine does affects all of them alike.
"""

import dataclasses
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

# The libraries read the number of their threads from these.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


@dataclasses.dataclass(frozen=True)
class Work:
    """What a contender's function returns.

    Parameters
    ----------
    run : callable
        Does the work once.
    amount : float
        How much one run does, such as seconds of sound.
    result : callable, optional
        Returns an array to compare with that of the other contenders.
    """

    run: Callable[[], object]
    amount: float
    result: Callable[[], np.ndarray] | None = None


@dataclasses.dataclass(frozen=True)
class Contender:
    """A function of a file that returns `Work`, and what to import it with.

    Parameters
    ----------
    program : pathlib.Path
        The file.
    function : str
        Its name; called with `settings` as keyword arguments.
    settings : dict
        JSON values.
    checkout : pathlib.Path, optional
        Folder that siamlab is imported from; by default the installed one.
    peers : str, optional
        Folder with packages that are not part of the environment.
    """

    program: Path
    function: str
    settings: dict
    checkout: Path | None = None
    peers: str | None = None


@dataclasses.dataclass
class Measured:
    """What was measured of a contender, or the name of the package that it lacks."""

    missing: str = ""
    seconds: list = dataclasses.field(default_factory=list)
    cpu_seconds: list = dataclasses.field(default_factory=list)  # of all threads
    amount: float = 0.0
    mb: float = 0.0  # peak memory, beyond imports and input
    result: np.ndarray | None = None

    @property
    def speeds(self):
        """Amount per second, of each run."""
        return self.amount / np.array(self.seconds)

    def as_dict(self):
        """Return what JSON can hold."""
        return {k: v for k, v in vars(self).items() if k != "result"}


def alternate(contenders, threads, rounds):
    """Measure contenders in turns.

    Parameters
    ----------
    contenders : dict of str to Contender
        By name.
    threads : int
        Threads and processor cores that each may use.
    rounds : int
        Runs of each, after one to warm up.

    Returns
    -------
    dict of str to Measured

    Raises
    ------
    RuntimeError
        If a process ends early; the message holds what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        runners = {
            name: _Runner(contender, threads, Path(folder, f"{number}.npy"))
            for number, (name, contender) in enumerate(contenders.items())
        }
        try:
            for runner in runners.values():  # one after the other, to save memory
                runner.warm_up()
            for _ in range(rounds):
                for runner in runners.values():
                    runner.run()
            return {name: runner.finish() for name, runner in runners.items()}
        finally:
            for runner in runners.values():
                runner.stop()


class _Runner:
    """The parent's end of one process."""

    def __init__(self, contender, threads, result):
        self.measured = Measured()
        self._contender, self._threads, self._result = contender, threads, result
        self._log = open(result.with_suffix(".log"), "w+b")
        self._process = None

    def warm_up(self):
        environment = os.environ | dict.fromkeys(THREADS, str(self._threads))
        order = dataclasses.asdict(self._contender)
        if self._contender.checkout:
            environment["PYTHONPATH"] = str(self._contender.checkout)
        order |= {"threads": self._threads, "result": self._result}
        self._process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), json.dumps(order, default=str)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._store(self._read())

    def run(self):
        if not self.measured.missing:
            figures = self._ask("run")
            self.measured.seconds.append(figures["seconds"])
            self.measured.cpu_seconds.append(figures["cpu_seconds"])

    def finish(self):
        if not self.measured.missing:
            self._store(self._ask("end"))
        if self._result.exists():
            self.measured.result = np.load(self._result)
        return self.measured

    def stop(self):
        self._log.close()
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _ask(self, word):
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            printed = self._log.read().decode(errors="replace")[-3000:]
            name, code = self._contender.function, self._process.wait()
            raise RuntimeError(f"{name} ended early, with status {code}:\n{printed}")
        return json.loads(line)

    def _store(self, figures):
        for name, value in figures.items():
            setattr(self.measured, name, value)


def peak_mb():
    """Return the peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _load(order):
    """Call the contender's function."""
    if order["peers"]:
        sys.path.append(order["peers"])  # the environment's own packages come first
    program = Path(order["program"])
    sys.path.insert(0, str(program.parent))
    spec = importlib.util.spec_from_file_location(program.stem, program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    work = getattr(module, order["function"])(**order["settings"])
    siamlab = sys.modules.get("siamlab")
    if order["checkout"] and siamlab is not None:
        found = Path(siamlab.__file__).resolve().parents[1]
        if found != Path(order["checkout"]).resolve():
            raise RuntimeError(f"siamlab was imported from {found}")
    return work


def _serve(order):
    """Run in the child process: answer each line of standard input with JSON."""
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**figures):
        print(json.dumps(figures), file=answers, flush=True)

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: order["threads"]])
    try:
        work = _load(order)
    except ModuleNotFoundError as error:
        if (error.name or "siamlab").startswith("siamlab"):
            raise
        answer(missing=error.name)
        return
    before = peak_mb()
    work.run()
    answer(amount=work.amount)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        began, cpu_began = time.perf_counter(), time.process_time()
        work.run()
        answer(
            seconds=time.perf_counter() - began,
            cpu_seconds=time.process_time() - cpu_began,
        )
    mb = peak_mb() - before
    if work.result is not None:
        np.save(order["result"], work.result())
    answer(mb=mb)


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
