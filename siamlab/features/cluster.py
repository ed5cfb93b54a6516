"""Run many calls of one function on a Dask cluster.

- `run_all`: run all calls, with a progress bar.
- `run_jobs`: yield the results one by one.
- `split_by_size`: split data into parts of about the same size, one for each call.
"""

import itertools
import sys
from concurrent.futures import CancelledError
from contextlib import closing

import numpy as np

from .._progress import progress_bar
from .._version import __version__
from ..errors import ArgumentError, WorkerError

_VERSION = "__import__('siamlab').__version__"


def run_all(function, shared, jobs, sizes, description, client):
    """Call a function with each of many tuples of arguments, and show the progress.

    Parameters
    ----------
    sizes : sequence of int
        Number of utterances in each job.
    description : str
        Text before the progress bar.
    function, shared, jobs, client
        As for `run_jobs`.

    Returns
    -------
    list
        What the function returned, in the order of the jobs.
    """
    results = {}
    bar = progress_bar(total=sum(sizes), description=description, unit="utterance")
    with closing(run_jobs(function, shared, jobs, client)) as work, bar:
        for index, results[index] in work:
            bar.update(sizes[index])
    return [results[index] for index in range(len(sizes))]


def run_jobs(function, shared, jobs, client):
    """Call a function with each of many tuples of arguments.

    Parameters
    ----------
    function : callable
        Called as ``function(shared, *job)``. The workers import it.
    shared : object
        First argument of each call. The cluster receives it once.
    jobs : iterable of tuple
        The other arguments of each call, which may hold arrays: few are prepared at a
        time.
    client : distributed.Client
        Client of the cluster.

    Yields
    ------
    index : int
        Index of the job, in the order of completion.
    result : object
        What the function returned.

    Raises
    ------
    ArgumentError
        If `client` is not a ``distributed.Client``.
    WorkerError
        If workers die on the same job, do not have this version of siamlab, or if the
        cluster is closed.
    """
    _check_workers(client)
    from distributed import KilledWorker, as_completed

    jobs = enumerate(jobs)
    # As a result, it is computed again if the worker that holds it dies.
    shared = client.submit(_identity, shared, pure=False)
    pending: dict = {}
    with client.as_current():
        completed = as_completed()
    try:
        while True:
            if client.status != "running":
                raise CancelledError(f"The client is {client.status}.")
            # Each thread finds its next job waiting. Workers may come and go.
            limit = 4 + 2 * sum(client.nthreads().values())
            for index, job in itertools.islice(jobs, max(limit - len(pending), 0)):
                future = client.submit(function, shared, *job, pure=False)
                pending[future] = index
                completed.add(future)
            if not pending:
                return
            future = next(completed)
            yield pending.pop(future), future.result()
    except (CancelledError, KilledWorker) as error:
        raise WorkerError(
            f"the cluster failed: {error} Call again to resume: finished work is kept. "
            "If workers keep dying, give them more memory"
        ) from error
    finally:
        if client.status == "running":
            client.cancel(list(pending))


def split_by_size(sizes, limit):
    """Split positions into ranges of about the size `limit` each.

    The start of a range depends only on what comes before.
    """
    numbers = (np.cumsum(sizes) - sizes) // limit
    ends = (np.flatnonzero(np.diff(numbers)) + 1).tolist()
    return [range(*each) for each in itertools.pairwise([0, *ends, len(sizes)])]


def _check_workers(client):
    """Check the type of the client, and the version of siamlab on its workers."""
    distributed = sys.modules.get("distributed")  # whoever has a client imported it
    is_client = distributed is not None and isinstance(client, distributed.Client)
    if not is_client or client.asynchronous:
        raise ArgumentError(
            'client must be a distributed.Client (pip install "siamlab[cluster]") that '
            f"is not asynchronous; got {client!r}"
        )
    # A worker without siamlab could not load its jobs, and Dask would wait for it.
    for worker, found in client.run(eval, _VERSION, on_error="return").items():
        if found != __version__:
            raise WorkerError(
                f"the worker {worker} must have siamlab {__version__}; got {found!r}"
            )


def _identity(argument):
    return argument
