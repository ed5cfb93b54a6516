"""Training on several workers: real processes that speak over loopback."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

import siamlab as sl
from siamlab import errors, training
from siamlab.cli import main

GRADIENTS = """
import json, sys
import siamlab as sl

with sl.training.join() as team:
    import keras, numpy as np, pandas as pd

    found, losses = {}, {}

    def fit(net, name, steps, rate):
        batches = sl.sampling.SpeakerBatches(
            features, speakers=4, segments=4, frames=30, steps=steps, shard=team.shard
        )
        before = net.get_weights()
        net.optimizer.learning_rate = rate
        history = net.fit(batches, shuffle=False, verbose=0).history
        losses[name] = history["loss"][0]
        weights = zip(net.weights, net.get_weights(), before, strict=True)
        for i, (weight, new, old) in enumerate(weights):
            # The limits of the scaler are infinite, random states whole numbers.
            if weight.trainable:
                found[f"{name}-gradients-{i:02d}"] = (new - old) / rate
            elif new.dtype == "float32" and np.isfinite(new).all():
                found[f"{name}-statistics-{i:02d}"] = new - old
        net.set_weights(before)

    def measure(name, base, loss, further=0):
        keras.utils.set_random_seed(0)
        net = sl.networks.SpeakerNet(base())
        net.compile(keras.optimizers.SGD(), loss=loss)
        # So large a step that the gradient can be read off the weights.
        fit(net, name, 1, 1e3)
        if further:
            fit(net, f"{name}_{further}", further, 1e-3)

    rng = np.random.default_rng(0)
    arrays = [rng.normal(-50, 15, (60, 16)).astype("float32") for _ in range(24)]
    table = pd.DataFrame({"speaker": np.repeat(list("abcdef"), 4)})
    features = sl.Features(arrays, table)
    sizes = {"n_mels": 16, "output_dim": 8, "scaler": sl.scaling.StandardScaler().fit(features)}

    def xvector_encoder():
        changes = sl.embeddings.augmentation()
        return sl.networks.xvector_encoder(units=8, augmentation=changes, **sizes)

    def base(head):
        return sl.networks.blstm_encoder(n_frames=30, units=6, head=head, **sizes)

    measure("contrastive", xvector, sl.losses.SupervisedContrastive(), further=20)
    measure("kl_hinge", lambda: base("logits"), sl.losses.KLHinge(from_logits=True))
    classifier = lambda: sl.networks.classifier(base("unit"), 6)
    measure("aam_softmax", classifier, sl.losses.AAMSoftmax())
    np.savez(f"{sys.argv[1]}/{team.workers}-{team.rank}.npz", **found)
    print(json.dumps(losses))
"""

TINY = {
    "units": 6,
    "outputs": 4,
    "frames": 30,
    "epochs": 4,
    "steps": 4,
    "speakers": 3,
    "segments": 2,
    "test_share": 0.4,
}


@pytest.fixture(scope="module", autouse=True)
def compiled_quickly(quick_xla):
    """Most of what the workers do is to compile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLA_FLAGS", quick_xla)
        yield


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """Losses, and what weights moved by: of one process, and of each of two."""
    folder = tmp_path_factory.mktemp("gradients")
    command = [sys.executable, "-c", GRADIENTS, str(folder)]
    losses, moved = [], []
    for workers in (1, 2):
        for rank, said in enumerate(training.launch(command, workers)):
            losses.append(json.loads(said))
            moved.append(dict(np.load(folder / f"{workers}-{rank}.npz")))
    return losses, moved


def together(arrays, name):
    """All arrays of a kind as one."""
    found = [array.ravel() for key, array in arrays.items() if key.startswith(name)]
    return np.concatenate(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contrastive", "kl_hinge", "aam_softmax"])
def test_two_workers_have_the_gradients_of_one_with_the_joint_batch(joint, name):
    """Random rooms, filters, noise, gains and dropout included."""
    losses, (one, *two) = joint
    assert losses[1][name] == losses[2][name]
    assert losses[1][name] == pytest.approx(losses[0][name], rel=1e-6)
    theirs = together(one, f"{name}-gradients")
    assert np.linalg.norm(theirs) > 1e-4
    for worker in two:
        ours = together(worker, f"{name}-gradients")
        assert np.linalg.norm(ours - theirs) < 1e-5 * np.linalg.norm(theirs)


@pytest.mark.slow
def test_batch_normalization_sees_the_joint_batch(joint):
    _, (one, *two) = joint
    theirs = together(one, "contrastive-statistics")
    assert np.linalg.norm(theirs) > 0.01
    for worker in two:
        ours = together(worker, "contrastive-statistics")
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.slow
def test_two_workers_hold_the_same_network_bit_for_bit(joint):
    _, (_, first, second) = joint
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


@pytest.mark.slow
def test_after_some_steps_two_workers_are_where_one_is(joint):
    losses, (one, two, _) = joint
    name = "contrastive_20"
    assert losses[1][name] == pytest.approx(losses[0][name], rel=1e-3)
    ours, theirs = (together(moved, f"{name}-gradients") for moved in (two, one))
    # Rounding grows with the steps.
    assert np.linalg.norm(ours - theirs) < 1e-2 * np.linalg.norm(theirs)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, a_folder_of_voices):
    """Six speakers with four recordings each."""
    root = tmp_path_factory.mktemp("recordings")
    return a_folder_of_voices(root, speakers=6, utterances=4)


@contextlib.contextmanager
def started(path, folder):
    """Run ``siamlab train`` with two workers; it is killed at the end."""
    command = [sys.executable, "-m", "siamlab", "train", str(path), "--workers", "2"]
    process = subprocess.Popen(
        [*command, "--run", str(folder), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def children(process):
    """Process ids of the workers, by rank."""
    path = f"/proc/{process.pid}/task"
    found = [
        int(pid)
        for thread in os.listdir(path)
        for pid in Path(path, thread, "children").read_text().split()
    ]

    def rank(pid):
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return next(
            e for e in entries if e.startswith(b"KERAS_DISTRIBUTION_PROCESS_ID")
        )

    return sorted(found, key=rank)


def after_epoch(process, folder, epoch):
    """Wait for a checkpoint."""
    deadline = time.monotonic() + 300
    while not list(folder.glob(f"checkpoint-{epoch:04d}.keras")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(pid):
    """Whether a process has ended; one that nobody waited for is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def weights(folder):
    (path,) = folder.glob("checkpoint-*.keras")
    return keras.saving.load_model(path).get_weights()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_twice_two_workers_lose_nothing(recordings, tmp_path, monkeypatch):
    """Once a worker, once who started them, each with SIGKILL."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY | {"data": str(recordings)}), "utf-8")
    folder, whole = tmp_path / "run", tmp_path / "whole"

    with started(path, folder) as process:
        after_epoch(process, folder, 1)
        os.kill(children(process)[1], signal.SIGKILL)
        _, said = process.communicate(timeout=60)  # of 100 s that JAX would wait
    assert process.returncode == 1
    assert "siamlab: worker 1 of 2 was ended by SIGKILL" in said

    with started(path, folder) as process:
        after_epoch(process, folder, 3)
        workers = children(process)
        process.kill()
        deadline = time.monotonic() + 60
        while not all(gone(pid) for pid in workers):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    for each in (folder, whole):
        with started(path, each) as process:
            said, errors_of_it = process.communicate(timeout=300)
        assert process.returncode == 0, errors_of_it
        assert json.loads(said)["folder"] == str(each)
    for ours, theirs in zip(weights(folder), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for name in ("history.csv", "figures.json"):
        assert (folder / name).read_text() == (whole / name).read_text()
    assert json.loads((whole / "versions.json").read_text())["backend"] == "jax"
    # What began on one backend does not go on with another.
    with pytest.raises(errors.StorageError, match="began with KERAS_BACKEND=jax"):
        sl.runs.train(sl.runs.Config.read(path), whole)


def worker(code):
    return [sys.executable, "-c", f"import os, sys, time; {code}"]


RANK = "rank = int(os.environ['KERAS_DISTRIBUTION_PROCESS_ID'])"


def test_what_the_workers_say_comes_back(capfd, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    shown = "print(rank, os.environ['KERAS_BACKEND']); print('so', file=sys.stderr)"
    said = training.launch(worker(f"{RANK}; {shown}"), workers=3)
    assert said == ["0 jax\n", "1 jax\n", "2 jax\n"]
    lines = sorted(capfd.readouterr().err.splitlines())
    assert lines == ["so", "worker 1: so", "worker 2: so"]


ENDING = """
import os, sys, time
path, end = sys.argv[1:]
if os.environ["KERAS_DISTRIBUTION_PROCESS_ID"] == "1":
    with open(f"{path}.part", "w") as file:
        file.write(str(os.getpid()))
    os.rename(f"{path}.part", path)
    time.sleep(999)
while not os.path.exists(path):
    time.sleep(0.01)
sys.exit(3) if end == "status" else os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(
    ("end", "how"), [("status", "ended with status 3"), ("signal", "ended by SIGKILL")]
)
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_when_one_is_lost_none_waits_for_it(end, how, tmp_path):
    path = tmp_path / "pid"
    with pytest.raises(errors.WorkerError, match=f"worker 0 of 2.*{how}"):
        training.launch([sys.executable, "-c", ENDING, str(path), end], workers=2)
    with pytest.raises(ProcessLookupError):
        os.kill(int(path.read_text()), 0)


def test_workers_of_one_machine_among_several():
    said = training.launch(
        worker(f"{RANK}; print(rank, os.environ['KERAS_DISTRIBUTION_NUM_PROCESSES'])"),
        workers=4,
        address="10.0.0.1:29500",
        ranks=[1, 3],
    )
    assert said == ["1 4\n", "3 4\n"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"workers": 0}, "workers must be at least 1; got 0"),
        ({"workers": 2, "ranks": [2]}, r"ranks of 2 workers are 0 to 1; got \[2\]"),
        ({"workers": 2, "ranks": [1]}, "need an address"),
    ],
)
def test_workers_that_cannot_be_started_are_named(settings, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        training.launch(["nothing"], **settings)


def test_another_backend_is_named_before_anything_starts(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(errors.ArgumentError, match="Set KERAS_BACKEND=jax"):
        training.launch(["nothing"], workers=2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("localhost:1", 2, 2), "rank=2, workers=2"),
        (("localhost:1", None, 0), "workers must be a whole number; got None"),
        (("localhost:1", 2, 0), r"KERAS_BACKEND=jax before.*computes with tensorflow"),
    ],
)
def test_who_cannot_join_is_told_why(arguments, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence), training.join(*arguments):
        pass


def test_the_bytes_of_a_step_are_those_of_the_gradients():
    base = sl.networks.blstm_encoder(n_mels=8, units=4, output_dim=4)
    numbers = sum(int(np.prod(w.shape)) for w in base.trainable_weights)
    assert [training.step_bytes(base, n) for n in (1, 2, 4)] == [
        0,
        4 * numbers,
        6 * numbers,
    ]


def test_the_command_wants_address_and_rank_together(tmp_path, capsys):
    path = tmp_path / "a.yaml"
    path.write_text("layout: voices\n", "utf-8")
    assert main(["train", str(path), "--workers", "2", "--rank", "1"]) == 1
    assert "--address and --rank go together" in capsys.readouterr().err
