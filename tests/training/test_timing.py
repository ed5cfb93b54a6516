"""How long a training waits for its input, on a simulated clock."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from siamlab import errors
from siamlab.training import Throughput, throughput, timing


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still; its time is an attribute."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(timing.time, "perf_counter", lambda: Clock.now)
    return Clock


class Batches(keras.utils.PyDataset):
    """Batches of 4 segments that take some seconds each."""

    epoch = 0

    def __init__(self, clock, seconds, n_batches):
        super().__init__()
        self.clock, self.seconds, self.n_batches = clock, seconds, n_batches

    def __len__(self):
        return self.n_batches

    def on_epoch_end(self):
        self.epoch += 1

    def __getitem__(self, index):
        self.clock.now += self.seconds
        return np.ones((4, 3)), np.ones((4, 1))


class Trainer:
    """Fetches a batch, then computes a step, as `fit` does; the first step is slow."""

    trainable_variables = variables = ()
    optimizer = keras.optimizers.SGD()
    optimizer.build([])

    def __init__(self, clock, seconds):
        self.clock, self.seconds, self.n_steps = clock, seconds, 0

    def fit(self, batches, verbose, shuffle, callbacks):
        callbacks[0].set_model(self)
        for i in range(len(batches)):
            batches[i]
            callbacks[0].on_train_batch_begin(i)
            self.clock.now += self.seconds if self.n_steps else 1000.0
            self.n_steps += 1


@pytest.mark.parametrize(("step", "fetch"), [(2, 0), (1, 50)])
@pytest.mark.parametrize(("warm_up", "n_timed"), [(1, 2), (4, 9)])
def test_the_waiting_is_the_time_of_fetching(step, fetch, warm_up, n_timed, clock):
    batches = Batches(clock, fetch, warm_up + n_timed)
    found = throughput(Trainer(clock, step), batches, warm_up=warm_up)
    assert found.segments_per_second == pytest.approx(4 / (step + fetch))
    assert found.in_memory == pytest.approx(4 / step)
    assert found.waiting == pytest.approx(fetch / (step + fetch))


def test_the_waiting_is_never_negative():
    assert Throughput(1001.0, 1000.0).waiting == 0


def test_the_network_and_its_batches_are_left_as_they_were():
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    net.compile("adam", loss="mse")
    batches = Batches(SimpleNamespace(now=0), 1, 6)
    net.fit(batches, verbose=0)

    def state():
        variables = [*net.variables, *net.optimizer.variables]
        arrays = [keras.ops.convert_to_numpy(variable) for variable in variables]
        return [*arrays, batches.epoch]

    before = state()
    throughput(net, batches, warm_up=2)
    np.testing.assert_equal(state(), before)


def test_too_few_batches_are_refused(clock):
    with pytest.raises(errors.ArgumentError, match="warm_up=10 for 11 batches"):
        throughput(Trainer(clock, 1), Batches(clock, 1, 11))
