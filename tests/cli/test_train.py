"""`siamlab train`: the run folder, and resuming after a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import siamlab as sl
from siamlab import errors
from siamlab.cli import main
from siamlab.cli._config import Config
from siamlab.cli._run import read_history, train

pytestmark = pytest.mark.slow

SMALL = {
    "units": 6,
    "output_dim": 4,
    "n_frames": 30,
    "epochs": 5,
    "steps_per_epoch": 10,
    "n_speakers": 3,
    "n_segments": 2,
    "test_fraction": 0.4,
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, a_folder_of_voices):
    """Six speakers with four recordings each."""
    root = tmp_path_factory.mktemp("recordings")
    return a_folder_of_voices(root, speakers=6, utterances=4)


def small(recordings, **changes):
    return Config(**SMALL | {"data": str(recordings)} | changes)


def weights(folder):
    return keras.saving.load_model(folder / "network.keras").get_weights()


def assert_same_run(folder, expected):
    np.testing.assert_equal(weights(folder), weights(expected))
    histories = [read_history(each / "history.csv") for each in (folder, expected)]
    np.testing.assert_array_equal(*histories)
    results = [(each / "results.json").read_text() for each in (folder, expected)]
    assert results[0] == results[1]


@pytest.fixture(scope="module")
def run(recordings, tmp_path_factory):
    """The folder of a complete run."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    with pytest.MonkeyPatch.context() as patch:
        # To compile UMAP takes most of the time.
        patch.setattr(sl.clusters, "umap", lambda x, **settings: x[:, :2])
        train(small(recordings), folder)
    return folder


def test_a_run_folder_holds_network_encoder_history_results_and_report(run, recordings):
    assert sorted(path.name for path in run.iterdir()) == [
        "config.yaml",
        "encoder.npz",
        "history.csv",
        "network.keras",
        "report.html",
        "results.json",
        "versions.json",
    ]
    assert Config.read(run / "config.yaml") == small(recordings)
    versions = json.loads((run / "versions.json").read_text())
    assert versions["keras"] == keras.__version__
    assert len(read_history(run / "history.csv")) == 5
    results = json.loads((run / "results.json").read_text())
    assert 0 <= results["eer"]["value"] <= 1
    assert results["eer"]["low"] is None  # no interval for two speakers
    assert results["speakers"] == 2
    report = (run / "report.html").read_text("utf-8")
    assert report.count("data:image/png;base64,") == 4
    assert "no confidence interval: too few speakers" in report
    assert "http" not in report


def test_the_encoder_of_a_run_computes_what_its_network_computes(run):
    encoder = sl.embeddings.Encoder.load(run / "encoder.npz")
    net = sl.load_model(run / "network.keras")
    x = np.random.default_rng(0).normal(-50, 20, (2, 30, 128)).astype(np.float32)
    np.testing.assert_allclose(net.predict(x, verbose=0), encoder(x), atol=2e-5)


def test_a_run_of_another_configuration_is_not_overwritten(run, recordings):
    with pytest.raises(errors.StorageError, match="another configuration"):
        train(small(recordings, epochs=4, seed=1), run)
    with pytest.raises(errors.StorageError, match="another configuration"):
        train(small(recordings), recordings)  # not a run folder


REFUSED = {
    r"loss_settings of Superv.*margins": lambda root: {"loss_settings": {"margins": 3}},
    "6 speakers are in both the tr": lambda root: {"test_data": str(root)},
    "at least 2 speakers; got 1": lambda root: {"test_fraction": 0.1},
}


@pytest.mark.parametrize(("message", "changes"), REFUSED.items())
def test_a_run_that_cannot_work_is_refused(recordings, tmp_path, message, changes):
    with pytest.raises(errors.ArgumentError, match=message):
        train(small(recordings, **changes(recordings)), tmp_path / "run")


def test_a_damaged_network_is_reported(recordings, run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "network.keras").write_bytes(b"damaged")
    with pytest.raises(errors.StorageError, match="to start again"):
        train(small(recordings), folder)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_killed_twice_ends_with_the_same_weights(recordings, run, tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(small(recordings).to_yaml())
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "siamlab", "train", str(path), "--run"]
    history = folder / "history.csv"
    for n_epochs in (1, 3):
        process = subprocess.Popen([*command, str(folder)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 300
        # The first line is the header. The kill often comes between the line of an
        # epoch and its network.
        while not history.exists() or history.read_text().count("\n") <= n_epochs:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    train(Config.read(path), folder)
    assert_same_run(folder, run)


def test_the_command_prints_the_results_and_does_not_train_again(run, capsys):
    path, before = str(run / "config.yaml"), (run / "network.keras").stat()
    results = json.loads((run / "results.json").read_text())
    assert main(["train", path, "--run", str(run), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed.items() >= (results | {"folder": str(run)}).items()
    assert main(["train", path, "--run", str(run)]) == 0
    assert "report.html: equal error rate" in capsys.readouterr().out
    assert (run / "network.keras").stat().st_mtime_ns == before.st_mtime_ns
