"""Run many calls of one function on a Dask cluster.

- `run_jobs`: run all calls, with a progress bar.
- `split_by_size`: split data into parts of about the same size, one for each call.
"""

import itertools
from concurrent.futures import CancelledError

import numpy as np

from .._progress import progress_bar
from .._version import __version__
from ..errors import ArgumentError, WorkerError

_VERSION = "__import__('siamlab').__version__"


def run_jobs(function, shared, jobs, sizes, description, client):
    """Call a function for each of many jobs, with a progress bar.

    Parameters
    ----------
    function : callable
        Called as ``function(shared, job)``. The workers import it.
    shared : object
        First argument of each call. The cluster receives it once.
    jobs : iterable
        The other argument of each call, which may hold arrays: few are prepared at a
        time.
    sizes : sequence of int
        Number of utterances in each job.
    description : str
        Text before the progress bar.
    client : distributed.Client
        Client of the cluster.

    Returns
    -------
    list
        What the function returned, in the order of the jobs.

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

    bar = progress_bar(total=sum(sizes), description=description, unit="utterance")
    # As a result, it is computed again if the worker that holds it dies.
    shared = client.submit(_identity, shared, pure=False)
    jobs, completed = enumerate(jobs), as_completed(loop=client.loop)
    pending: dict = {}
    results: list = [None] * len(sizes)
    try:
        while True:
            # Each thread finds its next job waiting. Workers may come and go.
            limit = 4 + 2 * sum(client.nthreads().values())
            for index, job in itertools.islice(jobs, max(limit - len(pending), 0)):
                future = client.submit(function, shared, job, pure=False)
                pending[future] = index
                completed.add(future)
            if not pending:
                return results
            future = next(completed)
            index = pending.pop(future)
            results[index] = future.result()
            bar.update(sizes[index])
    except (CancelledError, KilledWorker) as error:
        raise WorkerError(
            f"the cluster failed: {error} Call again to resume: finished work is kept. "
            "If workers keep dying, give them more memory"
        ) from error
    finally:
        bar.close()
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
    if getattr(client, "asynchronous", True):  # only clients of Dask have it
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
