"""Training on several workers: real processes that communicate over loopback."""

import json
import sys

import numpy as np
import pytest
from processes import QUICK_XLA

from siamlab import errors, training

PROGRAM = """
import json, sys
import siamlab as sl

shard = sl.training.join()
import keras, numpy as np, pandas as pd

rng = np.random.default_rng(0)
arrays = [rng.normal(-50, 15, (30, 16)).astype("float32") for _ in range(24)]
table = pd.DataFrame({"speaker": np.repeat(list("abcdef"), 4)})
features = sl.Features(arrays, table)
scaler = sl.scaling.StandardScaler().fit(features)
keras.utils.set_random_seed(0)
encoder = sl.networks.xvector_encoder(
    16, units=8, output_dim=8, scaler=scaler, augmentation=sl.embeddings.augmentation()
)
net = sl.networks.SpeakerNet(encoder)
# So large a step that the gradient can be read off the weights.
net.compile(keras.optimizers.SGD(1e3), loss=sl.losses.SupervisedContrastive())
before = net.get_weights()
batches = sl.sampling.SpeakerBatches(
    features, 4, 4, n_frames=8, steps_per_epoch=1, shard=shard
)
loss = net.fit(batches, shuffle=False, verbose=0).history["loss"]
changes = {}
for i, (weight, new, old) in enumerate(zip(net.weights, net.get_weights(), before)):
    if weight.trainable:
        changes[f"gradient {i}"] = (new - old) / 1e3
    elif "moving" in weight.path:
        changes[f"statistics {i}"] = new - old
np.savez(f"{sys.argv[1]}/{shard[1]}-{shard[0]}.npz", **changes)
print(json.dumps(loss))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Losses and changes of the weights: of one worker, then of each of two."""
    folder = tmp_path_factory.mktemp("gradients")
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    losses, changes = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLA_FLAGS", QUICK_XLA)
        for n_workers in (1, 2):
            for rank, output in enumerate(training.launch(command, n_workers)):
                losses.append(json.loads(output))
                changes.append(dict(np.load(folder / f"{n_workers}-{rank}.npz")))
    return losses, changes


@pytest.mark.slow
def test_two_workers_have_the_gradients_of_one(trained):
    """With augmentation and dropout; the loss compares the rows of both workers.

    Notebook 15 trains a BLSTM in the same way.
    """
    losses, changes = trained
    one, first, second = (
        np.concatenate([change[key].ravel() for key in change if "gradient" in key])
        for change in changes
    )
    assert losses[1] == losses[2]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)
    assert np.linalg.norm(one) > 1e-4
    assert np.linalg.norm(first - one) < 1e-5 * np.linalg.norm(one)
    np.testing.assert_array_equal(first, second)


@pytest.mark.slow
def test_batch_normalization_takes_its_statistics_from_all_workers(trained):
    one, first, second = (
        np.concatenate([change[key] for key in change if "statistics" in key])
        for change in trained[1]
    )
    np.testing.assert_allclose(first, one, atol=1e-5)
    np.testing.assert_allclose(second, one, atol=1e-5)


FAILING = """
import time
import siamlab as sl

rank, _ = sl.training.join()
if rank == 1:
    raise MemoryError("too large")
time.sleep(1000)
"""


@pytest.mark.slow
def test_all_workers_end_if_one_fails(capfd):
    with pytest.raises(errors.WorkerError, match="worker 1 of 2 exited with status 1"):
        training.launch([sys.executable, "-c", FAILING], n_workers=2)
    assert "MemoryError: too large" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("localhost:1", 2, 2), "got rank=2, n_workers=2"),
        (("localhost:1", 2, 0), r"need Keras on JAX, not \w+; set KERAS_BACKEND=jax"),
    ],
)
def test_arguments_of_join_are_checked(arguments, message):
    with pytest.raises(errors.ArgumentError, match=message):
        training.join(*arguments)
