"""Recurrent layers on two devices: virtual ones, in a process of their own."""

import contextlib
import json

import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab.training.loops import own_rows

pytestmark = pytest.mark.slow

PROGRAM = """
import json, re
import jax, keras, numpy as np
from jax.sharding import NamedSharding, PartitionSpec
import siamlab as sl
from siamlab.training.loops import own_rows

L = keras.layers


class Subclass(L.LSTM):
    pass


LAYERS = {
    "LSTM": lambda: L.LSTM(5),
    "BLSTM": lambda: L.Bidirectional(L.LSTM(5, return_sequences=True)),
    "BLSTM, masked": lambda: L.Bidirectional(L.LSTM(5, return_sequences=True)),
    "GRU": lambda: L.GRU(5, go_backwards=True),
    "GRU, masked": lambda: L.GRU(5),
    "SimpleRNN": lambda: L.SimpleRNN(5),
    "RNN of a cell": lambda: L.RNN(L.LSTMCell(5)),
    "LSTM with dropout": lambda: L.LSTM(5, dropout=0.3),
    "GRU with dropout": lambda: L.GRU(5, recurrent_dropout=0.3),
    "subclass": lambda: Subclass(5),
}
rng = np.random.default_rng(0)
x = rng.normal(size=(8, 7, 3)).astype("float32")
x[::2, 5:] = 0


def network(name):
    keras.utils.set_random_seed(0)
    first = [L.Masking()] if "masked" in name else []
    return keras.Sequential([keras.Input((7, 3)), *first, LAYERS[name]()])


def collectives(text):
    # Those of the step itself stand in the computation that is the entry.
    inside, found = "", {"step": [], "loop": []}
    for line in text.splitlines():
        if line.endswith("{") and not line.startswith(" "):
            inside = "step" if line.startswith("ENTRY") else "loop"
        if re.search(r" (all-reduce|all-gather|all-to-all)\\(", line):
            found[inside].append(line)
    return found


two = keras.distribution.DataParallel()
mesh = two.device_mesh.backend_mesh


def measure(net, x):
    def loss(weights, others, x):
        out, _ = net.stateless_call(weights, others, x, training=True)
        return (out**2).sum()

    x = jax.device_put(x, NamedSharding(mesh, PartitionSpec("batch")))
    weights = [[np.asarray(v) for v in kind] for kind in
               (net.trainable_variables, net.non_trainable_variables)]
    weights = jax.device_put(weights, NamedSharding(mesh, PartitionSpec()))
    step = jax.jit(jax.grad(loss)).lower(*weights, x).compile()
    return [np.asarray(g) for g in step(*weights, x)], collectives(step.as_text())


keras.distribution.set_distribution(two)
found = {}
for name in LAYERS:
    plain, theirs = measure(network(name), x)
    with own_rows():
        own, ours = measure(network(name), x)
    size = max(np.abs(g).max() for g in plain)
    found[name] = {
        "apart": max(np.abs(a - b).max() / size for a, b in zip(plain, own)).item(),
        "in loops": [len(theirs["loop"]), len(ours["loop"])],
    }

with own_rows():
    base = sl.networks.blstm_encoder(n_mels=8, units=16, output_dim=4)
    segments = rng.normal(size=(8, 40, 8)).astype("float32")
    _, exchanged = measure(base, segments)
sizes = [
    4 * int(np.prod([int(n) for n in shape.split(",") if n]))
    for line in exchanged["step"]
    for shape in re.findall(r"f32\\[([\\d,]*)\\]", line.split(" all-")[0])
]
keras.distribution.set_distribution(None)


def step(rows):
    net = network("BLSTM")
    net.compile(keras.optimizers.SGD(1.0), "mse")
    net.fit(rows, np.ones((len(rows), 7, 10)), batch_size=8, verbose=0)
    return net.get_weights()


alone = step(x)
with sl.training.join(workers=1, rank=0):
    shared = keras.distribution.distribution() is not None
    together = step(x)
try:
    with sl.training.join(workers=1, rank=0):
        step(x[:7])
except sl.errors.ArgumentError as error:
    found["odd"] = str(error)
apart = [float(np.abs(a - b).max()) for a, b in zip(alone, together, strict=True)]
found["joined"] = [shared, max(apart), keras.distribution.distribution() is None]
found["bytes"] = [sum(sizes), sl.training.step_bytes(base, 2)]
print(json.dumps(found))
"""

TAKEN = ["LSTM", "BLSTM", "BLSTM, masked", "GRU", "GRU, masked", "SimpleRNN"]
TAKEN += ["RNN of a cell"]
LEFT = ["LSTM with dropout", "GRU with dropout", "subclass"]


@pytest.fixture(scope="module")
def found(in_a_process, quick_xla):
    flags = f"{quick_xla} --xla_force_host_platform_device_count=2"
    said = in_a_process(PROGRAM, KERAS_BACKEND="jax", XLA_FLAGS=flags)
    return json.loads(said.splitlines()[-1])


@pytest.mark.parametrize("name", TAKEN)
def test_what_devices_share_is_exchanged_once_a_step(found, name):
    by_keras, ours = found[name]["in loops"]
    assert by_keras > 0  # if XLA has learned it, the module can go
    assert ours == 0


@pytest.mark.parametrize("name", TAKEN + LEFT)
def test_gradients_are_the_same(found, name):
    assert found[name]["apart"] < 1e-6


@pytest.mark.parametrize("name", LEFT)
def test_rows_that_may_depend_on_each_other_are_left(found, name):
    by_keras, ours = found[name]["in loops"]
    assert by_keras == ours > 0


def test_the_bytes_of_a_step_are_those_that_are_exchanged(found):
    """Of two workers each sends its sum once."""
    exchanged, counted = found["bytes"]
    assert exchanged == counted


def test_one_worker_takes_all_devices(found):
    shared, apart, left = found["joined"]
    assert shared
    assert left
    assert apart < 1e-6


def test_rows_that_devices_cannot_share_are_named(found):
    assert found["odd"].startswith("2 devices cannot share the 7 rows of a batch even")


def test_afterwards_layers_are_as_before(rng):
    owners = (keras.layers.LSTM, keras.layers.GRU, keras.layers.RNN)
    before = [owner.inner_loop for owner in owners]
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    net = sl.networks.blstm_encoder(n_frames=5, n_mels=3, units=2, output_dim=2)
    expected = keras.ops.convert_to_numpy(net(x))
    with own_rows():
        assert [owner.inner_loop for owner in owners] != before
        # Nothing is distributed here: nothing changes.
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(net(x)), expected)
    assert [owner.inner_loop for owner in owners] == before
    with contextlib.suppress(RuntimeError), own_rows():
        raise RuntimeError
    assert [owner.inner_loop for owner in owners] == before
