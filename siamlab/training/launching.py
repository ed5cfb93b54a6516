"""Workers as processes of this machine, and one that watches over them."""

import contextlib
import importlib.util
import os
import queue
import signal
import socket
import subprocess
import sys
import threading

from ..errors import ArgumentError, WorkerError

# Keras' own names: `keras.distribution.initialize` reads them, too.
ADDRESS = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
WORKERS = "KERAS_DISTRIBUTION_NUM_PROCESSES"
RANK = "KERAS_DISTRIBUTION_PROCESS_ID"
_LAUNCHED = "SIAMLAB_LAUNCHED"
_BACKEND = "KERAS_BACKEND"


def launch(command, workers, *, address=None, ranks=None):
    """Start workers on this machine, and wait; when one is lost, end the others.

    Each runs the same command, which calls `join` without arguments. A worker that has
    lost another one could wait for it: here none does, whatever one of them ended of.
    When this process is killed the workers end by themselves.

    Parameters
    ----------
    command : sequence of str
        Program and arguments, such as ``[sys.executable, "train.py"]``.
    workers : int
        Of all machines together.
    address : str, optional
        Host and port of the worker of rank 0, which the others must reach; by default
        a free port of this machine that only this machine sees.
    ranks : sequence of int, optional
        Those that run on this machine; all by default. For several machines call it on
        each, with the same address: under SLURM with ``ranks=[$SLURM_PROCID]`` and
        ``workers=$SLURM_NTASKS``.

    Returns
    -------
    list of str
        What each of `ranks` printed to standard output. Standard error is passed on
        line by line; other ranks than 0 name themselves, and show no bars.

    Raises
    ------
    WorkerError
        If one ended with another status than 0, or by a signal.
    ArgumentError
        If Keras is told to compute with something else than JAX, or ranks and address
        do not fit.

    Notes
    -----
    It serves to try things out, and on machines without an accelerator. A machine with
    several GPUs needs one worker only: it takes all of them.

    Examples
    --------
    >>> said = launch([sys.executable, "-c", "print('trained')"], workers=2)
    >>> [line.strip() for line in said]
    ['trained', 'trained']
    """
    if workers < 1:
        raise ArgumentError(f"workers must be at least 1; got {workers}")
    chosen = range(workers) if ranks is None else ranks
    if not set(chosen) <= set(range(workers)) or not len(chosen):
        raise ArgumentError(
            f"ranks of {workers} workers are 0 to {workers - 1}; got {list(chosen)}"
        )
    if address is None and len(chosen) < workers:
        raise ArgumentError(
            "workers on several machines need an address: host and port of the worker "
            "of rank 0, such as 10.0.0.1:29500"
        )
    common = {**_backend(), WORKERS: str(workers), _LAUNCHED: "1"}
    if address is None:
        address = f"127.0.0.1:{_free_port()}"
        # JAX would listen on all interfaces.
        common["JAX_COORDINATOR_BIND_ADDRESS"] = address
    common[ADDRESS] = address
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(_Worker(command, rank, workers, common))
            for rank in chosen
        ]
        return _wait(started)


def launched():
    """Say whether this process is a worker that `launch` has started.

    Returns
    -------
    bool
        Then `join` needs no arguments.
    """
    return os.environ.get(_LAUNCHED) == "1"


def _backend():
    """KERAS_BACKEND for the workers: JAX, and nothing else."""
    backend = os.environ.get(_BACKEND, "jax")
    if backend != "jax":
        raise ArgumentError(
            f"several workers need Keras on JAX; got {_BACKEND}={backend}. Set "
            f"{_BACKEND}=jax"
        )
    if importlib.util.find_spec("jax") is None:
        raise ArgumentError(
            "several workers need JAX, which is not installed: pip install jax"
        )
    return {_BACKEND: backend}


def _free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


class _Worker:
    """A process, its output, and the threads that read it."""

    def __init__(self, command, rank, workers, environment):
        self.rank, self.workers = rank, workers
        self.output = ""
        quiet = {"SIAMLAB_PROGRESS": "0"} if rank else {}
        self._process = subprocess.Popen(
            list(command),
            env={**os.environ, **environment, **quiet, RANK: str(rank)},
            # It closes with this process: then the worker ends, too.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._pipes = [pipe for pipe in pipes if pipe is not None]
        self._readers = [
            threading.Thread(target=read, args=(pipe,), daemon=True)
            for read, pipe in zip(
                (self._collect, self._pass_on), self._pipes[1:], strict=True
            )
        ]
        for reader in self._readers:
            reader.start()

    def _collect(self, pipe):
        self.output = pipe.read()

    def _pass_on(self, pipe):
        for line in pipe:
            sys.stderr.write(f"worker {self.rank}: {line}" if self.rank else line)
            sys.stderr.flush()

    def wait(self):
        """Wait for the end, and say how it was: None for a good one."""
        status = self._process.wait()
        for reader in self._readers:
            reader.join()
        if status == 0:
            return None
        if status > 0:
            how = f"ended with status {status}"
        else:
            how = f"was ended by {signal.Signals(-status).name}"
        return f"worker {self.rank} of {self.workers} {how}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # At once, whatever it does: files are written whole or not at all, and JAX
        # takes SIGTERM for news.
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in self._pipes:
            pipe.close()


def _wait(started):
    ended: queue.Queue = queue.Queue()
    for worker in started:
        threading.Thread(
            target=lambda w=worker: ended.put(w.wait()), daemon=True
        ).start()
    for _ in started:
        failed = ended.get()
        if failed is not None:
            raise WorkerError(
                f"{failed}, and the others with it; above is what it said. Started "
                "again, a training goes on after its last whole epoch"
            )
    return [worker.output for worker in started]
