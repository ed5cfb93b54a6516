"""Several ways to do the same work, each in a process of its own, measured in turns.

A way is a function of a module beside this one: it reads its input, and returns a
`Way`. Its process warms up, and then repeats the work whenever it is told to: A B C,
A B C, so that what else the machine does is felt by all.
"""

import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from extraction import rss_mb

# What the libraries take the number of their threads from.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


@dataclasses.dataclass(frozen=True)
class Way:
    """One way: the work, how much of it, and what comes out."""

    run: Callable[[], object]
    amount: float  # that one run works through
    between: Callable[[], object] = lambda: None  # before each run, not measured
    # After the last run and the measurement of memory:
    result: Callable[[], np.ndarray] | None = None  # to compare
    facts: Callable[[], dict] = dict


@dataclasses.dataclass
class Measured:
    """What was measured of a way, or which package it lacks."""

    missing: str = ""
    seconds: list = dataclasses.field(default_factory=list)
    processor: list = dataclasses.field(default_factory=list)  # seconds, of all threads
    amount: float = 0.0
    mb: float = 0.0  # peak, beyond imports and input
    result: np.ndarray | None = None
    facts: dict = dataclasses.field(default_factory=dict)

    @property
    def speed(self):
        """Median amount a second."""
        return self.amount / float(np.median(self.seconds))

    def kept(self):
        """Give what JSON can hold."""
        return {k: v for k, v in vars(self).items() if k != "result"}


def race(ways, settings, threads, rounds, peers=None):
    """Measure ways in turns.

    `ways`: name -> "module.function", called with `settings` and `threads`. Returns a
    `Measured` for each name.
    """
    with tempfile.TemporaryDirectory() as folder:
        runners = {
            name: _Runner(way, settings | {"threads": threads}, threads, peers, folder)
            for name, way in ways.items()
        }
        try:
            for (
                runner
            ) in runners.values():  # one after the other: memory, and compilers
                runner.warm_up()
            for _ in range(rounds):
                for runner in runners.values():
                    runner.round()
            return {name: runner.finish() for name, runner in runners.items()}
        finally:
            for runner in runners.values():
                runner.stop()


class _Runner:
    """A process that does the work when it is told to."""

    def __init__(self, way, settings, threads, peers, folder):
        self.measured = Measured()
        self._name = way
        self._result = Path(folder) / f"{way}.npy"
        self._log = open(Path(folder) / f"{way}.log", "w+b")
        self._order = json.dumps([way, settings, threads, peers, str(self._result)])
        self._threads = dict.fromkeys(_THREADS, str(threads))
        self._process = None

    def warm_up(self):
        self._process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), self._order],
            env=os.environ | self._threads,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._take(self._read())

    def round(self):
        if not self.measured.missing:
            figures = self._ask("run")
            self.measured.seconds.append(figures["seconds"])
            self.measured.processor.append(figures["processor"])

    def finish(self):
        if not self.measured.missing:
            self._take(self._ask("end"))
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
            said = self._log.read().decode(errors="replace")[-3000:]
            code = self._process.wait()
            raise RuntimeError(f"{self._name} ended early, with code {code}:\n{said}")
        return json.loads(line)

    def _take(self, figures):
        for name, value in figures.items():
            setattr(self.measured, name, value)


def _serve(name, settings, threads, peers, result):
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**figures):
        print(json.dumps(figures), file=answers, flush=True)

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if peers:
        sys.path.append(peers)  # behind the environment's own
    module, function = name.split(".")
    try:
        way = getattr(importlib.import_module(module), function)(**settings)
    except ModuleNotFoundError as error:
        answer(missing=error.name)
        return
    before = rss_mb()
    way.between()
    way.run()
    answer(amount=way.amount)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        way.between()
        began, processor = time.perf_counter(), time.process_time()
        way.run()
        answer(
            seconds=time.perf_counter() - began,
            processor=time.process_time() - processor,
        )
    added = rss_mb() - before
    if way.result is not None:
        np.save(result, way.result())
    answer(mb=added, facts=way.facts())


if __name__ == "__main__":
    _serve(*json.loads(sys.argv[1]))
