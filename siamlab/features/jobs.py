"""Run many calls of one function, on the cores of this machine or on a Dask cluster."""

import contextlib
import functools
import itertools
import os
import warnings
from collections import deque
from concurrent.futures import CancelledError, ThreadPoolExecutor

from .._version import __version__
from ..errors import ArgumentError, SiamlabError, WorkerError

# Jobs that wait per thread, so that a long one does not hold up the others.
_AHEAD = 8
_VERSION = "__import__('siamlab').__version__"


def run_jobs(function, jobs, *, shared, client=None, n_jobs=None, describe=repr):
    """Call a function with each of many tuples of arguments.

    Only a few more jobs than there are cores are prepared at a time.

    Parameters
    ----------
    function : callable
        Called as ``function(shared, *job)``. The workers of a cluster import it.
    jobs : iterable of tuple
        The arguments of each call.
    shared : object
        First argument of each call. A cluster receives it once.
    client : distributed.Client, optional
        Client of a Dask cluster. By default, threads of this process do the work.
    n_jobs : int, optional
        Number of threads; one per core by default. Ignored with a client.
    describe : callable
        Turns a job into words, for an error message.

    Yields
    ------
    index : int
        Which job, from 0.
    result : object
        What the function returned. Threads yield in the order of the jobs, a cluster
        in the order of completion.

    Raises
    ------
    ArgumentError
        If `n_jobs` is not positive, or `client` is not a ``distributed.Client``.
    WorkerError
        If workers die, have another version of siamlab, or the cluster is gone.
    """
    if client is not None:
        return _on_cluster(
            function, shared, enumerate(jobs), _checked(client), describe
        )
    if n_jobs in (None, -1):
        n_jobs = os.cpu_count() or 1
    if n_jobs < 1:
        raise ArgumentError(
            f"n_jobs must be a positive number of threads, or None; got {n_jobs}"
        )
    return _in_threads(functools.partial(function, shared), iter(jobs), n_jobs)


def _in_threads(function, jobs, n_jobs):
    pool = ThreadPoolExecutor(n_jobs)
    pending: deque = deque()
    try:
        for index in itertools.count():
            for job in itertools.islice(jobs, _AHEAD * n_jobs - len(pending)):
                pending.append(pool.submit(function, *job))
            if not pending:
                return
            yield index, pending.popleft().result()
    finally:
        # After an error or Ctrl-C, jobs that have not started are dropped.
        pool.shutdown(cancel_futures=True)


def _checked(client):
    """Check the client, and that its workers have this version of siamlab."""
    try:
        import distributed
    except ImportError as error:
        raise SiamlabError(
            "a cluster needs the package distributed, which is not installed; "
            'pip install "siamlab[cluster]"'
        ) from error
    if not isinstance(client, distributed.Client) or client.asynchronous:
        raise ArgumentError(
            "client must be a distributed.Client that is not asynchronous, such as "
            f'distributed.Client("tcp://scheduler:8786"); got {client!r}'
        )
    # A worker without siamlab would fail to load its jobs, and Dask would wait.
    for worker, found in client.run(eval, _VERSION, on_error="return").items():
        if found != __version__:
            version = "no siamlab" if isinstance(found, Exception) else found
            raise WorkerError(
                f"the worker {worker} has {version}; install siamlab {__version__} "
                "where the workers run"
            )
    return client


def _on_cluster(function, shared, jobs, client, describe):
    from distributed import KilledWorker, as_completed

    # The result of a job, so that it is computed again if its worker dies.
    shared = _submit(client, _identity, shared)
    pending: dict = {}
    with client.as_current():
        finished = as_completed()
    try:
        while True:
            for index, job in itertools.islice(jobs, _room(client, len(pending))):
                future = _submit(client, function, shared, *job)
                pending[future] = index, job
                finished.add(future)
            if not pending:
                return
            future = next(finished)
            index, job = pending.pop(future)
            yield index, future.result()
    except KilledWorker as error:
        raise WorkerError(
            f"{error.allowed_failures + 1} workers died while working on "
            f"{describe(job)}, the last one at {error.last_worker.address}. Give the "
            "workers more memory, or read their logs. Finished work is kept"
        ) from error
    except CancelledError as error:
        raise _gone(error) from error
    finally:
        with contextlib.suppress(OSError):
            if client.status == "running":
                client.cancel(list(pending))


def _submit(client, function, *arguments):
    with warnings.catch_warnings():
        # A recording or a network may be larger than Dask expects.
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        return client.submit(function, *arguments, pure=False)


def _identity(argument):
    return argument


def _room(client, n_pending):
    """Return how many more jobs to submit, so that no thread has to wait."""
    if client.status != "running":
        raise _gone(f"the client is {client.status}")
    try:
        threads = client.nthreads()  # asked each time, because workers come and go
    except OSError as error:
        raise _gone(error) from error
    return max(4 + 2 * sum(threads.values()) - n_pending, 0)


def _gone(reason):
    return WorkerError(
        f"the cluster is gone, or its work was cancelled ({reason}). Finished work is "
        "kept: call again with a client of a running cluster"
    )
