"""Speed of training, and time spent waiting for the input.

- `throughput`: segments per second, with the given input and with input in memory.

The waiting time cannot be measured directly: TensorFlow fetches the batch inside the
compiled step, and on a GPU a step returns before it is computed. The measurement is
therefore repeated with one batch that is already in memory; the difference is the cost
of the input.

Notebook: 14_gpu_training.
"""

import copy
import dataclasses
import time

import keras

from ..errors import ArgumentError
from .state import preserve_state


@dataclasses.dataclass(frozen=True)
class Throughput:
    """Result of `throughput`.

    Parameters
    ----------
    segments_per_second : float
        Segments per second with the given input.
    in_memory : float
        Segments per second with input that is already in memory.

    Attributes
    ----------
    waiting : float
        Fraction of the time spent waiting for the input, from 0 to 1.
    """

    segments_per_second: float
    in_memory: float

    @property
    def waiting(self):
        """Fraction of the time spent waiting for the input, from 0 to 1."""
        return max(0.0, 1.0 - self.segments_per_second / self.in_memory)

    def __str__(self):
        return (
            f"{self.segments_per_second:,.0f} segments/s, with input in memory "
            f"{self.in_memory:,.0f}: {self.waiting:.0%} of the time is spent waiting"
        )


def throughput(net, batches, *, warm_up=10, repeats=2):
    """Measure how fast a network trains, and how long it waits for its batches.

    Parameters
    ----------
    net : keras.Model
        A compiled model. Its weights, optimizer, metrics and random states are restored
        afterwards.
    batches : keras.utils.PyDataset
        For example `sampling.SpeakerBatches`, with batches of equal size. It should
        have more batches than its queue, which is filled before the timing starts.
    warm_up : int
        Number of batches at the beginning that are not timed, while the step is
        compiled and the queue is still full.
    repeats : int
        Number of measurements. The fastest one is returned, because other programs on
        the machine can only slow down a measurement.

    Returns
    -------
    Throughput
        The speeds. Differences of a few percent are noise.

    Raises
    ------
    ArgumentError
        If no batches are left to time.

    Examples
    --------
    >>> import numpy as np
    >>> net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> net.compile(loss="mse")
    >>> class Batches(keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 20
    ...     def __getitem__(self, index):
    ...         return np.zeros((8, 3)), np.zeros((8, 1))
    >>> throughput(net, Batches()).segments_per_second > 0
    True
    """
    n_timed = len(batches) - 1 - warm_up
    if warm_up < 1 or n_timed < 1:
        raise ArgumentError(
            "warm_up must be at least 1, and at most the number of batches minus 2; "
            f"got warm_up={warm_up} for {len(batches)} batches"
        )
    batch = batches[0]
    n_segments = n_timed * keras.tree.flatten(batch)[0].shape[0]
    if not net.optimizer.built:
        net.optimizer.build(net.trainable_variables)
    with preserve_state(net):
        _seconds(net, _InMemory(batch, warm_up + 2), warm_up)  # compiles
        given, in_memory = [], []
        for _ in range(repeats):
            # A copy, because the end of an epoch changes the data set.
            given.append(_seconds(net, copy.copy(batches), warm_up))
            in_memory.append(_seconds(net, _InMemory(batch, len(batches)), warm_up))
    return Throughput(n_segments / min(given), n_segments / min(in_memory))


def _seconds(net, batches, warm_up):
    """Time the steps from number `warm_up` to the last but one."""
    times = []

    def record(step, logs=None):
        if step in (warm_up, len(batches) - 1):
            for variable in net.trainable_variables[:1]:
                # All earlier steps have been computed when this returns.
                keras.ops.convert_to_numpy(variable.value)
            times.append(time.perf_counter())

    # With on_train_batch_end, Keras would wait for the device after every step.
    stopwatch = keras.callbacks.LambdaCallback(on_train_batch_begin=record)
    net.fit(batches, verbose=0, shuffle=False, callbacks=[stopwatch])
    return times[1] - times[0]


class _InMemory(keras.utils.PyDataset):
    """The same batch, repeated."""

    def __init__(self, batch, n_batches):
        super().__init__()
        self._batch, self._n_batches = batch, n_batches

    def __len__(self):
        return self._n_batches

    def __getitem__(self, index):
        return self._batch
