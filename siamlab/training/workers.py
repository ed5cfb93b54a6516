"""A worker among others."""

import atexit
import contextlib
import dataclasses
import json
import os
import re
import sys
import threading

import numpy as np

from .. import _files
from .._version import __version__
from ..errors import ArgumentError, WorkerError
from .launching import ADDRESS, RANK, WORKERS, launched
from .startup import _discard_output

# How JAX says that another worker is gone.
_LOST = re.compile(r"\b(gloo|nccl|coordination|heartbeat|deadline)", re.IGNORECASE)
# How it says that a batch cannot be divided.
_UNEVEN = re.compile(r"axis 0 is partitioned (\d+) times, but the .* size is (\d+)")
_SHOWN = 112


@dataclasses.dataclass(frozen=True)
class Team:
    """The workers of a training, and which one this is.

    Parameters
    ----------
    rank : int
        From 0; rank 0 writes what is to be kept.
    workers : int
        How many.

    Examples
    --------
    >>> Team().leads, Team(rank=1, workers=4).shard
    (True, (1, 4))
    """

    rank: int = 0
    workers: int = 1

    @property
    def leads(self):
        """Whether this one writes files and reports."""
        return self.rank == 0

    @property
    def shard(self):
        """Rank and number of workers, for `sampling.SpeakerBatches`."""
        return self.rank, self.workers

    def agree(self, what, value):
        """Make sure that all workers have the same.

        Parameters
        ----------
        what : str
            What is compared, for the error.
        value : object
            Anything that JSON can hold.

        Raises
        ------
        WorkerError
            On all of them, if one has something else.

        Examples
        --------
        >>> Team().agree("the epoch", 3)
        """
        if self.workers == 1:
            return
        from jax.experimental import multihost_utils

        text = json.dumps(value, sort_keys=True).encode()
        mine = bytes.fromhex(_files.digest(text)) + text[:_SHOWN].ljust(_SHOWN)
        with translated(self):
            rows = np.asarray(
                multihost_utils.process_allgather(np.frombuffer(mine, dtype=np.uint8))
            )
        digests = rows[:, :-_SHOWN]
        if (digests != digests[0]).any():
            shown = [bytes(row[-_SHOWN:]).decode(errors="replace") for row in rows]
            each = "; ".join(
                f"worker {rank} has {text.strip()}" for rank, text in enumerate(shown)
            )
            raise WorkerError(
                f"the workers differ in {what}: {each}. Give all the same "
                "configuration, recordings, versions and, on a disk that all see, run "
                "folder"
            )

    @contextlib.contextmanager
    def alone(self):
        """Let Keras compute on this worker only, for what the others do not do.

        A network of the team cannot be called in it, but saved; its weights can be
        read, and set in one that was made here.

        Yields
        ------
        None
            Networks that are made in it belong to this worker.
        """
        import keras

        of_all = keras.distribution.distribution()
        keras.distribution.set_distribution(None)
        try:
            yield
        finally:
            keras.distribution.set_distribution(of_all)


@contextlib.contextmanager
def join(address=None, workers=None, rank=None):
    """Take part in a training of several workers.

    Within it Keras computes on all of them: networks that are made or loaded here are
    the same on each, and `fit` takes a worker's rows for a part of the joint batch.
    Call it once in a process and before Keras computes. All workers must do the same
    steps in the same order; what only one does belongs into `Team.alone`. A worker
    takes all GPUs of its machine, a single one as well: ``join(workers=1, rank=0)``.

    Parameters
    ----------
    address : str, optional
        Host and port of the worker of rank 0, which the others must reach. All three
        are taken from the environment by default, where `launch` puts them for Keras:
        KERAS_DISTRIBUTION_JOB_ADDRESSES, KERAS_DISTRIBUTION_NUM_PROCESSES and
        KERAS_DISTRIBUTION_PROCESS_ID.
    workers : int, optional
        How many there are; under SLURM ``int(os.environ["SLURM_NTASKS"])``.
    rank : int, optional
        Which one this is, from 0; under SLURM ``int(os.environ["SLURM_PROCID"])``.

    Yields
    ------
    Team
        Which worker this is.

    Raises
    ------
    ArgumentError
        If Keras does not compute with JAX, has computed already, a number is missing
        or out of range, or a batch cannot be divided among the devices.
    WorkerError
        If another worker is lost or has other versions. A process that leaves by an
        error does not wait for the others when it ends; its status is 1.

    Notes
    -----
    Random numbers of layers (dropout, `layers.RandomReverb` and so on) are those of one
    process with the joint batch: JAX draws them for all rows, and each worker computes
    its own. Batch normalization sees all rows, too.

    Keras' own LSTM, GRU and SimpleRNN loop over the rows of their worker, and their
    gradients are exchanged once a step. XLA would exchange them in each frame, and
    does so for subclasses, for other cells, and for layers with `dropout` or
    `recurrent_dropout` of their own: put a Dropout layer in front of those.

    TensorFlow's MultiWorkerMirroredStrategy would show each loss the pairs of its own
    worker alone, and `fit` fails under it (keras#20585; so still with TensorFlow 2.21
    and Keras 3.15).

    JAX itself ends a worker whose peers do not come within five minutes, or are silent
    for 100 s (a machine that lost its power), and all of them when that of rank 0 is
    gone. Start them with `launch`, on each machine, and an error of ours says so.
    """
    address = os.environ.get(ADDRESS) if address is None else address
    workers = _number("workers", workers, WORKERS)
    rank = _number("rank", rank, RANK)
    if workers < 1 or not 0 <= rank < workers:
        raise ArgumentError(
            f"rank must lie below the number of workers; got rank={rank}, "
            f"workers={workers}"
        )
    _check_backend()
    if launched():
        threading.Thread(target=_end_with_launcher, daemon=True).start()
    team = Team(rank, workers)
    if workers == 1:
        with _all_devices():
            yield team
        return
    with translated(team):
        _connect(address, team)
    try:
        with translated(team), _all_devices():
            _meet(team)
            yield team
            # So that none leaves while another one still computes.
            team.agree("the end", "reached")
    except BaseException:
        _do_not_wait()
        raise
    _disconnect()


@contextlib.contextmanager
def translated(team):
    """Say in our words that another worker is gone."""
    try:
        yield
    except (RuntimeError, ValueError) as error:  # JAX raises either
        if isinstance(error, ArgumentError) or not _LOST.search(str(error)):
            raise
        raise WorkerError(
            f"worker {team.rank} of {team.workers} has lost another one "
            f"({str(error).splitlines()[0]}); see what that one said. Started again, a "
            "training goes on after its last whole epoch"
        ) from error


def _number(name, value, variable):
    value = os.environ.get(variable) if value is None else value
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{name} must be a whole number; got {value!r}. Name it, or start the "
            "workers with siamlab.training.launch"
        ) from None


def _check_backend():
    import keras

    backend = keras.config.backend()
    if backend != "jax":
        raise ArgumentError(
            "several workers need Keras on JAX: set KERAS_BACKEND=jax before Python "
            f"starts; Keras computes with {backend}. (TensorFlow's own way of several "
            "workers fails in fit, see keras#20585)"
        )


def _connect(address, team):
    import jax
    import keras

    if not address or not re.fullmatch(r".+:\d+", address):
        raise ArgumentError(
            "address must be host and port of the worker of rank 0, such as "
            f"10.0.0.1:29500; got {address!r}"
        )
    with contextlib.suppress(AttributeError):  # older ones do not have the setting
        # JAX takes SIGTERM for news of what is to come, and goes on.
        jax.config.update("jax_enable_preemption_service", False)
    try:
        with _discard_output(1):  # Gloo says on standard output that all are there
            keras.distribution.initialize(address, team.workers, team.rank)
    except RuntimeError as error:
        if not re.search("before any JAX|only be called once", str(error)):
            raise
        raise ArgumentError(
            "join once, and before Keras computes anything: at the beginning of a "
            "program of its own"
        ) from error


@contextlib.contextmanager
def _all_devices():
    """Divide each batch among the devices of all workers."""
    import jax
    import keras

    from .loops import own_rows

    if jax.device_count() == 1:
        yield
        return
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(auto_shard_dataset=False)
    )
    try:
        with own_rows():
            yield
    except ValueError as error:
        if not (found := _UNEVEN.search(str(error))):
            raise
        devices, rows = found.groups()
        raise ArgumentError(
            f"{devices} devices cannot share the {rows} rows of a batch evenly; take a "
            f"number of rows that divides by {devices}, or hide some of the devices "
            "(CUDA_VISIBLE_DEVICES)"
        ) from error
    finally:
        keras.distribution.set_distribution(None)


def _meet(team):
    import jax
    import keras

    # The first exchange connects all with all, and has 30 s for it: here all have just
    # come, later one may compile for longer.
    with _discard_output(1):
        versions = [__version__, keras.__version__, jax.__version__]
        team.agree("the versions of siamlab, Keras and JAX", versions)


def _disconnect():
    import jax

    jax.distributed.shutdown()


def _do_not_wait():
    """End this process without the exchange at the end that JAX asks for.

    It would wait five minutes for a worker that is gone; one that waits for this one
    learns of its end only from the end.
    """

    def leave():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(1)

    atexit.register(leave)


def _end_with_launcher():
    """Wait until the process that started this one is gone: then its pipe closes."""
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
        os._exit(1)


def step_bytes(net, workers):
    """Count what each worker sends in a step: its share of the gradients.

    An all-reduce in a ring sends every gradient 2 (n - 1) / n times, n being the
    workers (Patarasuk and Yuan, 2009); outputs and statistics of a batch are small
    beside it.

    Parameters
    ----------
    net : keras.Model
        Built.
    workers : int
        How many there are.

    Returns
    -------
    int
        Bytes, of gradients in float32.

    Raises
    ------
    ArgumentError
        If there is less than one worker.

    Notes
    -----
    For two workers, milliseconds a step on the wire alone:

    ====================  ==========  =========  ==========  =================
    network               parameters   1 Gbit/s  10 Gbit/s   NVLink (450 GB/s)
    ====================  ==========  =========  ==========  =================
    `networks.blstm_encoder`          756,096         24         2.4              0.007
    `networks.xvector_encoder`       632,064         20         2.0              0.006
    ====================  ==========  =========  ==========  =================

    It pays where a step takes much longer than that. Counted on the wire for
    `networks.xvector_encoder` and 128 segments: 2.74 MB a step for 2.53 MB here; outputs,
    statistics and headers are the rest. `join` says which recurrent layers are
    exchanged in each frame instead: for those, count their weights so often.

    Examples
    --------
    >>> import siamlab as sl
    >>> base = sl.networks.blstm_encoder(n_mels=8, units=4, output_dim=4)
    >>> step_bytes(base, 2) == 4 * base.count_params()
    True
    """
    if workers < 1:
        raise ArgumentError(f"workers must be at least 1; got {workers}")
    numbers = sum(int(np.prod(w.shape)) for w in net.trainable_weights)
    return round(4 * numbers * 2 * (workers - 1) / workers)
