"""Training of one network by several processes, on one or several machines.

- `join`: join the training run.
- `launch`: start the processes on this machine.

Every worker holds a copy of the network and reads its own rows of each batch
(``sampling.SpeakerBatches(features, shard=join())``). `keras.distribution` computes
with the joint batch: the loss includes all its pairs, the statistics of batch
normalization include all rows, and every worker gets the same gradients as a single
process would. Keras must run on JAX (``KERAS_BACKEND=jax``).

Notebook: 15_beyond_one_machine.
"""

import concurrent.futures
import os
import socket
import subprocess
import sys

from ..errors import ArgumentError, WorkerError
from .startup import discard_output, quiet_tensorflow

# `keras.distribution.initialize` reads these environment variables.
_ADDRESS = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
_N_WORKERS = "KERAS_DISTRIBUTION_NUM_PROCESSES"
_RANK = "KERAS_DISTRIBUTION_PROCESS_ID"


def join(address=None, n_workers=None, rank=None):
    """Join a training run with several workers.

    Call it once per process, before Keras computes anything. After the call, Keras
    computes on the devices of all workers: build or load the network after the call.
    All workers must run the same steps in the same order. A worker uses all GPUs of its
    machine: ``join(n_workers=1, rank=0)`` trains on all GPUs of one machine.

    Parameters
    ----------
    address : str, optional
        Host and port of the worker of rank 0, for example "10.0.0.1:29500". By default,
        the environment variable KERAS_DISTRIBUTION_JOB_ADDRESSES, which `launch` sets.
    n_workers : int, optional
        Number of workers; by default, KERAS_DISTRIBUTION_NUM_PROCESSES. With Slurm, use
        ``int(os.environ["SLURM_NTASKS"])``.
    rank : int, optional
        Index of this worker, from 0; by default, KERAS_DISTRIBUTION_PROCESS_ID. With
        Slurm, use ``int(os.environ["SLURM_PROCID"])``.

    Returns
    -------
    tuple of int
        Rank and number of workers, for the argument `shard` of
        `sampling.SpeakerBatches`. The worker of rank 0 should write the files.

    Raises
    ------
    ArgumentError
        If Keras does not run on JAX, or the rank or the number of workers is missing or
        out of range.

    Notes
    -----
    Recurrent layers are slow in this mode. XLA sums the gradients of their weights over
    the workers in every frame of the backward loop, instead of once per step: two
    BLSTMs on 40 frames exchange gradients 160 times per step. On one machine with two
    cores, two processes train at about a quarter of the speed of one process.
    Networks without recurrent layers, such as `networks.xvector_encoder`, exchange
    their gradients once per step.

    A worker that raises an exception exits immediately with status 1. The others then
    fail with a JAX error at their next exchange, unless `launch` terminates them first.
    """
    quiet_tensorflow()
    import keras

    n_workers = int(os.environ.get(_N_WORKERS, 0) if n_workers is None else n_workers)
    rank = int(os.environ.get(_RANK, 0) if rank is None else rank)
    if not 0 <= rank < n_workers:
        raise ArgumentError(
            "join needs n_workers of at least 1 and a rank from 0 to n_workers - 1, as "
            f"arguments or from launch; got rank={rank}, n_workers={n_workers}"
        )
    if keras.backend.backend() != "jax":
        raise ArgumentError(
            f"several workers need Keras on JAX, not {keras.backend.backend()}; set "
            "KERAS_BACKEND=jax before importing Keras"
        )
    if n_workers > 1:
        from jax.experimental import multihost_utils

        with discard_output(descriptor=1):  # Gloo prints when it connects
            keras.distribution.initialize(address, n_workers, rank)
            # Workers connect in the first exchange, which times out after 30 s.
            multihost_utils.sync_global_devices("join")
        sys.excepthook = _exit_at_once
    if len(keras.distribution.list_devices()) > 1:
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
    return rank, n_workers


def _exit_at_once(*error):
    """Report an exception, and exit without waiting for the other workers."""
    sys.__excepthook__(*error)
    sys.stdout.flush()
    os._exit(1)


def launch(command, n_workers):
    r"""Start the workers of a training run on this machine, and wait for them.

    Every worker runs the same command, which calls `join` without arguments. If one
    fails, the others are terminated, because they would wait for it.

    Parameters
    ----------
    command : sequence of str
        Program and arguments, such as ``[sys.executable, "train.py"]``.
    n_workers : int
        Number of workers.

    Returns
    -------
    list of str
        Standard output of each worker. Standard error is not captured.

    Raises
    ------
    WorkerError
        If a worker exits with a nonzero status.

    Notes
    -----
    This function is meant for experiments. A single process already uses all cores and
    GPUs of a machine, and is faster. If this process is killed by SIGKILL, the workers
    keep running.

    Examples
    --------
    >>> import sys
    >>> launch([sys.executable, "-c", "print('trained')"], n_workers=2)
    ['trained\n', 'trained\n']
    """
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{server.getsockname()[1]}"
    shared = {
        "KERAS_BACKEND": "jax",
        # By default JAX listens on all interfaces.
        "JAX_COORDINATOR_BIND_ADDRESS": address,
        _ADDRESS: address,
        _N_WORKERS: str(n_workers),
    }
    workers = [
        subprocess.Popen(
            command,
            env={**os.environ, **shared, _RANK: str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(n_workers)
    ]

    with concurrent.futures.ThreadPoolExecutor(n_workers) as pool:
        ranks = {pool.submit(worker.communicate): i for i, worker in enumerate(workers)}
        for finished in concurrent.futures.as_completed(ranks):
            rank = ranks[finished]
            if status := workers[rank].returncode:
                for worker in workers:
                    worker.kill()
                raise WorkerError(
                    f"worker {rank} of {n_workers} exited with status {status}, and "
                    "the others were terminated; see its messages above"
                )
        return [finished.result()[0] for finished in ranks]
