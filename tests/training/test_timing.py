"""How long a training waits for its input, on a simulated clock."""

import keras
import numpy as np
import pandas as pd
import pytest

from siamlab import Features, errors, losses, networks, sampling
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

    def __init__(self, clock, seconds, n_batches):
        super().__init__()
        self.clock, self.seconds, self.n_batches = clock, seconds, n_batches

    def __len__(self):
        return self.n_batches

    def __getitem__(self, index):
        self.clock.now += self.seconds
        return np.zeros((4, 3)), np.zeros(4)


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


@pytest.mark.parametrize(("step", "fetch"), [(2, 0), (2, 1), (1, 50)])
@pytest.mark.parametrize(("warm_up", "n_timed"), [(1, 2), (4, 9)])
def test_the_waiting_is_the_time_of_fetching(step, fetch, warm_up, n_timed, clock):
    batches = Batches(clock, fetch, warm_up + n_timed)
    found = throughput(Trainer(clock, step), batches, warm_up=warm_up)
    assert found.segments_per_second == pytest.approx(4 / (step + fetch))
    assert found.in_memory == pytest.approx(4 / step)
    assert found.waiting == pytest.approx(fetch / (step + fetch))


def test_the_text_and_the_range_of_waiting():
    assert str(Throughput(750.0, 1000.0)) == (
        "750 segments/s, with input in memory 1,000: 25% of the time is spent waiting"
    )
    assert Throughput(1001.0, 1000.0).waiting == 0


def test_the_network_and_its_batches_are_left_as_they_were(rng):
    table = pd.DataFrame({"speaker": ["anna", "anna", "ben", "ben"]})
    x = [rng.normal(size=(20, 4)).astype(np.float32) for _ in range(4)]
    batches = sampling.SpeakerBatches(
        Features(x, table), n_speakers=2, n_segments=2, n_frames=8, steps_per_epoch=6
    )
    encoder = networks.blstm_encoder(
        n_frames=8, n_mels=4, units=2, output_dim=3, head="unit"
    )
    net = networks.SpeakerNet(encoder)
    net.compile("adam", loss=losses.SupervisedContrastive())
    net.fit(batches, verbose=0)

    def state():
        variables = [*net.variables, *net.optimizer.variables]
        arrays = [keras.ops.convert_to_numpy(variable) for variable in variables]
        return [*arrays, *batches[0]]

    before = state()
    assert 0 <= throughput(net, batches, warm_up=2).waiting < 1
    for a, b in zip(before, state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_too_few_batches_are_refused(clock):
    with pytest.raises(errors.ArgumentError, match="warm_up=10 for 11 batches"):
        throughput(Trainer(clock, 1), Batches(clock, 1, 11))
