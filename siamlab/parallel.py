"""Many pieces of work, on the cores here or on a cluster.

- `results`: what a function makes of each piece, as they are done.

A cluster is one of Dask's (Rocklin, 2015): a scheduler, and workers on any number of
machines that take a piece each. ``pip install "siamlab[cluster]"`` brings it, here and
there.
"""

import functools
import itertools
import os
import uuid
import warnings
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    ThreadPoolExecutor,
    wait,
)

from ._version import __version__
from .errors import ArgumentError, SiamlabError, WorkerError

__all__ = ["results"]

_PROBE = "__import__('siamlab').__version__"
_GONE = (
    "the cluster is gone, or its work was cancelled ({}); what is done is kept: call "
    "again with a client of a cluster that runs"
)


def results(
    function,
    jobs,
    *,
    shared=(),
    client=None,
    workers=None,
    name="work",
    describe=repr,
):
    """Call a function with each of many lists of arguments.

    Only a few more than there are cores wait at a time, however many there are in all.

    Parameters
    ----------
    function : callable
        For a cluster one that its workers can import.
    jobs : iterable of tuple
        Arguments of each call.
    shared : tuple
        Arguments that stand in front of those in each call; each worker of a cluster
        gets them once.
    client : distributed.Client, optional
        Of a cluster; the cores here, as threads, by default.
    workers : int, optional
        Threads; as many as there are cores by default.
    name : str
        What the pieces are called on the dashboard of a cluster.
    describe : callable
        Puts the arguments of a call into words, for the message that workers died
        over it.

    Yields
    ------
    number : int
        Which piece, from 0.
    result : object
        What the function returned. The order is that in which they are done.

    Raises
    ------
    Exception
        What the function raises: of the earliest piece on the cores here, of any on a
        cluster.
    WorkerError
        If several workers died over one piece of work, have no siamlab or another
        one, or if the cluster is gone.
    ArgumentError
        If the client is none.

    Examples
    --------
    >>> sorted(results(pow, [(2, 3), (3, 2)]))
    [(0, 8), (1, 9)]
    """
    if client is None:
        function = functools.partial(function, *shared)
        return _here(function, jobs, workers or os.cpu_count() or 1)
    return _there(function, shared, jobs, _checked(client), name, describe)


def _here(function, jobs, workers):
    waiting: dict = {}
    jobs = enumerate(jobs)
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            for number, job in itertools.islice(jobs, 4 * workers - len(waiting)):
                waiting[pool.submit(function, *job)] = number
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                if future.exception():
                    _raise_earliest(waiting)
                yield waiting.pop(future), future.result()
    finally:
        # After Ctrl-C or an error: not the whole queue first.
        pool.shutdown(wait=True, cancel_futures=True)


def _raise_earliest(waiting):
    """Raise the error that would have come first, had they been one after another."""
    for future in waiting:  # in that order
        future.result()


def _checked(client):
    try:
        import distributed
    except ImportError as error:
        raise SiamlabError(
            "a cluster needs Dask's package `distributed`, which is missing here; "
            'pip install "siamlab[cluster]"'
        ) from error
    if not isinstance(client, distributed.Client) or client.asynchronous:
        raise ArgumentError(
            "client must be a distributed.Client that is not asynchronous, such as "
            f'distributed.Client("tcp://scheduler:8786"); got {client!r}'
        )
    return client


def _there(function, shared, jobs, client, name, describe):
    from distributed import as_completed

    _check_workers(client)
    waiting: dict = {}
    jobs, run = enumerate(jobs), uuid.uuid4().hex[:8]
    with client.as_current():
        done = as_completed()
    try:
        # As the result of a call, which is made again if the worker that had it dies.
        shared = [
            _submit(client, f"{name}-shared-{run}-{i}", _itself, each)
            for i, each in enumerate(shared)
        ]
        while True:
            for number, job in itertools.islice(jobs, _room(client, len(waiting))):
                key = f"{name}-{run}-{number}"
                future = _submit(client, key, function, *shared, *job)
                waiting[future] = number, job
                done.add(future)
            if not waiting:
                return
            future = next(done)
            number, job = waiting.pop(future)
            yield number, _result(future, lambda job=job: describe(job))
    finally:
        if client.status == "running":
            client.cancel(list(waiting))


def _check_workers(client):
    """Ask each worker for siamlab, in words that need none.

    A worker that is sent a function which it cannot import breaks, and its piece of
    work waits for ever (distributed 2026.8).
    """
    for worker, answer in client.run(eval, _PROBE, on_error="return").items():
        if isinstance(answer, ImportError):
            raise WorkerError(
                f"the worker {worker} has no {answer.name}; install siamlab "
                f"{__version__} where the workers run"
            )


def _submit(client, key, function, *arguments):
    with warnings.catch_warnings():
        # A recording, or a network, may be larger than Dask expects of arguments.
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        return client.submit(
            _same_siamlab, __version__, function, *arguments, key=key, pure=False
        )


def _itself(argument):
    return argument


def _room(client, waiting):
    """How many pieces more: each thread shall find its next one waiting."""
    if client.status != "running":
        raise WorkerError(_GONE.format(f"the client is {client.status}"))
    try:
        threads = client.nthreads()  # as it is now: workers come and go
    except OSError as error:
        raise WorkerError(_GONE.format(error)) from error
    return max(4 + 2 * sum(threads.values()) - waiting, 0)


def _result(future, describe):
    """Return what a piece came to, or raise what says what to do."""
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise WorkerError(
            f"{error.allowed_failures + 1} workers died over the same piece of work, "
            f"{describe()}; the last was {error.last_worker.address}. Give the workers "
            "more memory, or look into their logs; what is done is kept"
        ) from error
    except ImportError as error:
        raise WorkerError(
            f"a worker cannot import {error.name}; install siamlab {__version__} and "
            "what you use with it where the workers run"
        ) from error
    except CancelledError as error:
        raise WorkerError(_GONE.format(error)) from error


def _same_siamlab(version, function, *job):
    """Run on a worker, if it has the siamlab that asks."""
    if version != __version__:
        raise WorkerError(
            f"a worker has siamlab {__version__}; here it is {version}. Install the "
            "same one where the workers run"
        )
    return function(*job)
