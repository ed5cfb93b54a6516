"""How long a training waits for its input: counted on a clock of our own."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamlab import Features, errors, losses, networks, sampling
from siamlab.training import Throughput, throughput


class Clock:
    """Seconds that pass only where somebody lets them."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def passes(self, seconds):
        self.now += seconds


class Slow(keras.utils.PyDataset):
    """Batches of 4 that take their time."""

    def __init__(self, clock, seconds, steps):
        super().__init__()
        self.clock, self.seconds, self.steps = clock, seconds, steps

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        self.clock.passes(self.seconds)
        return np.zeros((4, 3)), np.zeros(4)


class Trainer:
    """Fetches a batch, then takes a step, as `fit` does; the first one is slow."""

    trainable_variables = variables = ()
    optimizer = keras.optimizers.SGD()
    optimizer.build([])

    def __init__(self, clock, seconds, delays=()):
        self.clock, self.seconds = clock, seconds
        self.steps, self.delays = 0, list(delays)

    def fit(self, batches, verbose, shuffle, callbacks):
        (callback,) = callbacks
        delay = self.delays.pop(0) if self.delays else 0
        callback.set_model(self)
        for i in range(len(batches)):
            batches[i]
            callback.on_train_batch_begin(i)
            self.clock.passes(self.seconds + delay if self.steps else 1000.0)
            self.steps += 1


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 4), st.integers(2, 9))
def test_the_share_is_that_of_fetching(step, fetch, warm_up, timed):
    clock = Clock()
    batches = Slow(clock, fetch, steps=warm_up + timed)
    found = throughput(Trainer(clock, step), batches, warm_up=warm_up, clock=clock)
    assert found.segments_per_second == pytest.approx(4 / (step + fetch))
    assert found.ready_segments_per_second == pytest.approx(4 / step)
    assert found.waiting == pytest.approx(fetch / (step + fetch), abs=1e-9)


@pytest.mark.parametrize("slow", range(1, 7))
def test_what_slows_one_run_down_does_not_count(slow):
    clock = Clock()
    delays = [0] * 7  # the first run compiles
    delays[slow] = 50
    net, batches = Trainer(clock, 2, delays), Slow(clock, 1, steps=6)
    found = throughput(net, batches, warm_up=2, repeats=3, clock=clock)
    assert net.delays == []
    assert found.waiting == pytest.approx(1 / 3)
    assert found.segments_per_second == pytest.approx(4 / 3)


def test_it_reads_well_and_is_never_below_nothing():
    assert str(Throughput(750.0, 1000.0)) == (
        "750 segments/s; with input that lies ready 1,000: 25% of the time is spent "
        "waiting"
    )
    assert Throughput(1001.0, 1000.0).waiting == 0


def test_a_real_network_and_its_batches_are_as_before(rng):
    import pandas as pd

    table = pd.DataFrame({"speaker": ["anna", "anna", "ben", "ben"]})
    x = [rng.normal(size=(20, 4)).astype(np.float32) for _ in range(4)]
    batches = sampling.SpeakerBatches(
        Features(x, table), n_speakers=2, n_segments=2, n_frames=8, steps_per_epoch=6
    )
    base = networks.blstm_encoder(
        n_frames=8, n_mels=4, units=2, output_dim=3, head="unit"
    )
    net = networks.SpeakerNet(base)
    net.compile("adam", loss=losses.SupervisedContrastive())
    net.fit(batches, verbose=0)
    next_batch = batches[0]

    def state():
        kept = [*net.variables, *net.optimizer.variables]
        return [keras.ops.convert_to_numpy(variable) for variable in kept]

    before = state()
    found = throughput(net, batches, warm_up=2)
    assert found.segments_per_second > 0
    assert 0 <= found.waiting < 1
    for a, b in zip(before, state(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(next_batch, batches[0], strict=True):
        np.testing.assert_array_equal(a, b)


def test_too_few_batches_are_refused():
    clock = Clock()
    with pytest.raises(errors.ArgumentError, match="warm_up=10 of 11 batches"):
        throughput(Trainer(clock, 1), Slow(clock, 1, steps=11))
    with pytest.raises(errors.ArgumentError, match="repeats must be at least 1; got 0"):
        throughput(Trainer(clock, 1), Slow(clock, 1, steps=20), repeats=0)
