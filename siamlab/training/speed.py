"""How fast a training is, and how much of its time it waits for its input.

- `throughput`: segments in a second, with the input as it is and with input that lies
  ready; a `Throughput`.

A callback cannot see the waiting: under TensorFlow the batch is fetched inside the
compiled step, under JAX and on a GPU a step returns before it is done. So the same
training runs again, on one batch that lies ready. What it gains is what the input has
cost.

Notebook: 07_gpu_training.
"""

import copy
import dataclasses
import time

import keras
from keras import tree

from ..errors import ArgumentError
from .state import untouched

__all__ = ["Throughput", "throughput"]


@dataclasses.dataclass(frozen=True)
class Throughput:
    """How fast a training is; made by `throughput`.

    Parameters
    ----------
    segments_per_second : float
        With the input as it is.
    ready_segments_per_second : float
        With input that lies ready.

    Attributes
    ----------
    waiting : float
        Share of the time that is spent waiting for input, from 0 to 1.
    """

    segments_per_second: float
    ready_segments_per_second: float

    @property
    def waiting(self):
        """Share of the time that is spent waiting for input, from 0 to 1."""
        ready = self.ready_segments_per_second
        return max(0.0, 1.0 - self.segments_per_second / ready)

    def __str__(self):
        return (
            f"{self.segments_per_second:,.0f} segments/s; with input that lies ready "
            f"{self.ready_segments_per_second:,.0f}: {self.waiting:.0%} of the time is "
            "spent waiting"
        )


def throughput(net, batches, *, warm_up=10, repeats=2, clock=time.perf_counter):
    """Measure how fast a network trains on batches, and how long it waits for them.

    Parameters
    ----------
    net : keras.Model
        Compiled. It is put back as it was: weights, moments, metrics, random states.
    batches : keras.utils.PyDataset
        Such as `sampling.SpeakerBatches`, all of one size, with the workers that it is
        to be measured with. More batches than its queue holds: what was prepared while
        nobody looked does not count as speed.
    warm_up : int
        Batches at the beginning that are not timed: compilation, and a queue that is
        full.
    repeats : int
        How often to measure each of both, in turn. The fastest counts: what slows one
        down and not the next is something else on the machine, as for `timeit`.
    clock : callable
        Seconds.

    Returns
    -------
    Throughput
        Over the batches after the warm-up. A few per cent of waiting are the noise of
        two measurements.

    Raises
    ------
    ArgumentError
        If no batches are left to be timed, or nothing shall be measured.

    Examples
    --------
    >>> import numpy as np, siamlab as sl
    >>> net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> net.compile(loss="mse")
    >>> class Batches(keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 20
    ...     def __getitem__(self, index):
    ...         return np.zeros((8, 3)), np.zeros((8, 1))
    >>> bool(throughput(net, Batches()).segments_per_second > 0)
    True
    """
    steps = len(batches) - 1 - warm_up
    if warm_up < 1 or steps < 1:
        raise ArgumentError(
            "warm_up must be at least 1, and batches at least 2 more; got "
            f"warm_up={warm_up} of {len(batches)} batches"
        )
    if repeats < 1:
        raise ArgumentError(f"repeats must be at least 1; got {repeats}")
    batch = batches[0]
    segments = steps * tree.flatten(batch)[0].shape[0]
    if not net.optimizer.built:
        net.optimizer.build(net.trainable_variables)
    with untouched(net):
        # The first call compiles, whatever it is given.
        _seconds(net, _Ready(batch, warm_up + 2), warm_up, clock)
        real, ready = [], []
        for _ in range(repeats):
            # An epoch that has ended moves a data set on: the person's is not touched.
            real.append(_seconds(net, copy.copy(batches), warm_up, clock))
            ready.append(_seconds(net, _Ready(batch, len(batches)), warm_up, clock))
    return Throughput(segments / min(real), segments / min(ready))


def _seconds(net, batches, warm_up, clock):
    stopwatch = _Stopwatch((warm_up, len(batches) - 1), clock)
    net.fit(batches, verbose=0, shuffle=False, callbacks=[stopwatch])
    began, ended = stopwatch.times
    return ended - began


class _Ready(keras.utils.PyDataset):
    """The same batch again and again."""

    def __init__(self, batch, steps):
        super().__init__()
        self._batch, self._steps = batch, steps

    def __len__(self):
        return self._steps

    def __getitem__(self, index):
        return self._batch


class _Stopwatch(keras.callbacks.Callback):
    """Time of the beginnings of some steps.

    Both times it waits until the device is done with all before. In between nobody
    does: with `on_train_batch_end` in it, Keras would read all figures after each step.
    """

    def __init__(self, steps, clock):
        super().__init__()
        self._steps, self._clock = steps, clock
        self.times = []

    def on_train_batch_begin(self, batch, logs=None):
        if batch in self._steps:
            for variable in self.model.trainable_variables[:1]:
                keras.ops.convert_to_numpy(variable.value)
            self.times.append(self._clock())
