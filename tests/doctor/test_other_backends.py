"""The doctor finds the same whatever Keras calculates with."""

import importlib.util
import json

import keras
import pytest

pytestmark = pytest.mark.slow

BACKENDS = ["tensorflow"] + [
    name for name in ("jax", "torch") if importlib.util.find_spec(name)
]
PROGRAM = """
import json, warnings
import siamlab as sl, keras, numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
a, b = rng.normal(size=(2, 32, 6, 5)).astype("float32")
same = (np.arange(32) % 2).astype("float32")[:, None]


def divergence(p, q):
    p, q = ops.clip(p, 1e-7, 1.0), ops.clip(q, 1e-7, 1.0)
    return ops.sum(p * ops.log(p / q), axis=-1, keepdims=True)


def loss(y, d):
    return y * d + (1 - y) * ops.relu(1.0 - d)


def program(activation):
    weights = 0.2 * rng.normal(size=(30, 12)).astype("float32")
    base = keras.Sequential(
        [keras.Input((6, 5)), layers.Flatten(), layers.Dense(12, activation)]
    )
    base.layers[-1].set_weights([weights, np.zeros(12, "float32")])
    one, two = keras.Input((6, 5)), keras.Input((6, 5))
    model = keras.Model([one, two], divergence(base(one), base(two)))
    model.compile("adam", loss, metrics=["accuracy"])
    return model


kinds = (None, "softmax")
reports = [sl.doctor.examine(program(kind), ([a, b], same)) for kind in kinds]
x = rng.normal(size=(6, 20, 5)).astype("float32")
labels = np.tile([[1, 2, 3]], (6, 1))
ctc = keras.Sequential(
    [keras.Input((20, 5)), layers.LSTM(4, return_sequences=True), layers.Dense(4)]
)
ctc.compile("adam", keras.losses.CTC())
for scale in (1.0, 40.0):
    reports.append(sl.doctor.examine(ctc, (scale * x, labels), kind="ctc"))
print(json.dumps({
    "backend": keras.backend.backend(),
    "codes": [sorted(report.codes) for report in reports],
}))
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_faults_are_found(backend, in_a_process, capsys):
    if backend == keras.backend.backend():
        exec(PROGRAM, {})
        printed = capsys.readouterr().out
    else:
        printed = in_a_process(PROGRAM, KERAS_BACKEND=backend, PYTHONWARNINGS="ignore")
    found = json.loads(printed.splitlines()[-1])
    assert found["backend"] == backend
    assert found["codes"] == [
        ["S3", "S5", "S6", "S8"],
        ["S3", "S8"],
        [],
        ["C1"],
    ]
