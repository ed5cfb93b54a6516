"""The networks of phones give the same numbers whatever Keras calculates with."""

import json

import pytest

PROGRAM = """
import json, sys
import siamlab as sl, keras, numpy as np
from keras import ops

rng = np.random.default_rng(0)
symbols = sl.ctc.Vocabulary(tuple("abc"))
scaler = sl.scaling.AffineScaler(0.5, 2)
net = sl.networks.ctc_blstm(symbols, n_bins=8, units=(12, 6), scaler=scaler)
# The same seed gives other weights on another backend.
rng_weights = np.random.default_rng(1)
net.set_weights([
    rng_weights.normal(0, 0.3, weight.shape) if weight.trainable else value
    for weight, value in zip(net.weights, net.get_weights(), strict=True)
])
lengths = (30, 21, 17, 40)
sound = [rng.normal(size=(n, 8)).astype("float32") for n in lengths]
said = [[0, 1, 2], [0, 0], [2], [1, 2, 1, 1]]
batches = sl.sampling.UtteranceBatches(sound, said, batch_size=4, shuffle=False)
inputs, labels = batches[0]


loss = net.compute_loss(
    x={name: ops.convert_to_tensor(value) for name, value in inputs.items()},
    y=ops.convert_to_tensor(labels),
    y_pred=net(inputs),
)


figures = {"backend": keras.backend.backend(), "loss": float(loss)}
figures["gates"] = sl.scaling.gate_saturation(net, (inputs, labels), threshold=0.5)
net.compile(keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True, clipnorm=5.0))
figures["training"] = net.fit(batches, epochs=60, verbose=0).history["loss"]
figures["transcripts"] = net.transcribe(sound)
figures["beam"] = net.transcribe(sound, width=8)
net.save(sys.argv[1])
again = keras.saving.load_model(sys.argv[1])
figures["reloaded"] = float(max(
    np.abs(a - b).max()
    for a, b in zip(again.logits(sound), net.logits(sound), strict=True)
))

symbols = sl.ctc.Vocabulary(tuple("abc"), blank=None)
net = sl.networks.framewise_blstm(symbols, n_bins=8, units=(6,))
net.compile("adam")
labels = [rng.integers(-1, 3, n) for n in lengths]
batches = sl.sampling.UtteranceBatches(sound, labels, batch_size=4)
history = net.fit(batches, epochs=20, verbose=0).history["loss"]
figures["framewise"] = history[-1] / history[0]
print(json.dumps(figures))
"""


@pytest.fixture(scope="module")
def figures(in_a_process):
    def of(backend, folder):
        path = folder / f"{backend}.keras"
        said = in_a_process(PROGRAM, path, KERAS_BACKEND=backend)
        return json.loads(said.splitlines()[-1])

    return of


@pytest.fixture(scope="module")
def tensorflows(figures, tmp_path_factory):
    return figures("tensorflow", tmp_path_factory.mktemp("tensorflow"))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_phone_network_trains_alike(backend, figures, tensorflows, tmp_path):
    pytest.importorskip(backend)
    found = figures(backend, tmp_path)
    assert found["backend"] == backend
    assert found["loss"] == pytest.approx(tensorflows["loss"], rel=1e-5)
    assert found["gates"] == pytest.approx(tensorflows["gates"], abs=1e-3)
    # Rounding grows with the steps.
    first_steps = tensorflows["training"][:10]
    assert found["training"][:10] == pytest.approx(first_steps, rel=1e-3)
    assert found["training"][-1] < 0.5 * found["training"][0]
    assert found["reloaded"] < 1e-6
    assert found["framewise"] < 1
    assert len(found["transcripts"]) == len(found["beam"]) == 4
