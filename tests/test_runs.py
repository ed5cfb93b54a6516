"""A training from one file: what it keeps, and that a kill loses nothing."""

import dataclasses
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
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab import errors
from siamlab.cli import main
from siamlab.runs import Config, training

TINY = {
    "units": 6,
    "outputs": 4,
    "frames": 30,
    "epochs": 3,
    "steps": 3,
    "speakers": 3,
    "segments": 2,
    "test_share": 0.4,
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, a_folder_of_voices):
    """Six speakers with four recordings each."""
    root = tmp_path_factory.mktemp("recordings")
    return a_folder_of_voices(root, speakers=6, utterances=4)


def tiny(recordings, **others):
    return Config(**TINY | {"data": str(recordings)} | others)


def write(path, **values):
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 99),
    st.floats(1e-6, 1.0),
    st.booleans(),
    st.sampled_from(sorted(sl.runs.config.LOSSES)),
)
def test_a_configuration_survives_its_file(tmp_path_factory, epochs, rate, yes, loss):
    config = Config(
        data="/voices", epochs=epochs, rate=rate, augmentation=yes, loss=loss
    )
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(config.as_yaml(), encoding="utf-8")
    assert Config.read(path) == config


def test_a_folder_that_is_named_from_here_is_the_same_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    Path("here.yaml").write_text("data: recordings")
    config = sl.runs.Config.read("here.yaml")
    Path("run/config.yaml").write_text(config.as_yaml())
    assert sl.runs.Config.read("run/config.yaml") == config


def test_folders_are_relative_to_the_file(tmp_path):
    path = write(tmp_path / "a.yaml", data="voices", test_data="others")
    config = Config.read(path)
    assert config.data == str(tmp_path / "voices")
    assert config.test_data == str(tmp_path / "others")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("epoch: 3", "'epoch', which is nothing to set; known: data, layout"),
        ("- 3", "must hold names with their values"),
        ("a: [", "is no YAML"),
        ("[" * 3000, "is no YAML"),
        ("a: &x [1]\nb: *x", "line 2: has an alias, *x"),
        (f"epochs: 0x{'f' * 6000}", "has a value of 6,002 characters"),
        (
            "data: x\nseed: 4294967296",
            "seed must be at most 2147483647; got 4294967296",
        ),
        ("x" * 200_000, "has more than 100,000 bytes"),
        (f"data: {'a/' * 5000}", "has a value of 10,000 characters"),
        (f"data: [{'a' * 999}]", "data must be a text, or nothing; got ['aaaa"),
        ("data: x\nepochs: many", "epochs must be a whole number; got 'many'"),
        ("data: x\nepochs: true", "epochs must be a whole number; got True"),
        ("data: x\nepochs: 0", "epochs must be at least 1; got 0"),
        ("data: x\nrate: 1e-3", "rate must be a number; got '1e-3'; YAML wants"),
        ("data: x\nrate: -1.0", "rate must be positive; got -1.0"),
        ("data: x\nrate: .nan", "rate must be positive"),
        ("data: x\nloss: Hinge", "loss must be one of SupervisedContrastive, GE2E"),
        ("data: x\nlayout: tape", "layout must be one of folder, librispeech"),
        ("data: x\ntest_share: 1.5", "test_share must lie between 0 and 1"),
        ("epochs: 3", "data must name the folder"),
        ("data: 3", "data must be a text, or nothing; got 3"),
    ],
)
def test_what_may_not_be_is_named(tmp_path, text, sentence):
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(errors.ArgumentError) as raised:
        Config.read(path)
    assert sentence in str(raised.value)
    assert str(path) in str(raised.value)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_no_file_is_an_error_of_another_kind(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(errors.ArgumentError):
        Config.read(path)


@pytest.fixture(scope="module")
def run(recordings, tmp_path_factory):
    """A run that has ended."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    return sl.runs.train(tiny(recordings), folder)


def test_a_run_folder_holds_all_that_is_to_be_known(run, recordings):
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "checkpoint-0003.keras",
        "config.yaml",
        "encoder.npz",
        "figures.json",
        "history.csv",
        "report.html",
        "versions.json",
    ]
    assert Config.read(run.folder / "config.yaml") == tiny(recordings)
    versions = json.loads((run.folder / "versions.json").read_text())
    assert versions["keras"] == keras.__version__
    lines = (run.folder / "history.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,eer"
    assert len(lines) == 4
    assert json.loads((run.folder / "figures.json").read_text()) == run.figures
    assert run.figures["eer"]["low"] <= run.figures["eer"]["value"]
    assert run.figures["speakers"] == 2
    report = (run.folder / "report.html").read_text("utf-8")
    assert report.count("data:image/png;base64,") == 4
    assert "equal error rate" in report
    assert "http" not in report.replace("http-equiv", "")


def test_the_encoder_of_a_run_is_its_network(run, recordings):
    encoder = sl.embeddings.Encoder.load(run.folder / "encoder.npz")
    net = keras.saving.load_model(run.folder / "checkpoint-0003.keras")
    x = np.random.default_rng(0).normal(-50, 20, (2, 30, 128)).astype(np.float32)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(net.encoder(x)), encoder(x), atol=2e-5
    )


def test_a_run_that_has_ended_is_not_trained_again(run, recordings):
    before = (run.folder / "checkpoint-0003.keras").stat().st_mtime_ns
    again = sl.runs.train(tiny(recordings), run.folder)
    assert (run.folder / "checkpoint-0003.keras").stat().st_mtime_ns == before
    assert again.figures == run.figures


def test_a_run_of_another_configuration_is_left_alone(run, recordings):
    with pytest.raises(errors.StorageError, match="other values of epochs, seed"):
        sl.runs.train(tiny(recordings, epochs=4, seed=1), run.folder)
    with pytest.raises(errors.StorageError, match="holds something else"):
        sl.runs.train(tiny(recordings), recordings)


def test_another_network_and_loss(recordings, tmp_path):
    config = tiny(
        recordings, network="base", loss="KLHinge", augmentation=False, epochs=1
    )
    done = sl.runs.train(config, tmp_path / "run")
    assert not (tmp_path / "run" / "encoder.npz").exists()
    assert np.isfinite(done.history[0]["loss"])


def test_settings_that_a_loss_does_not_have_are_named(recordings, tmp_path):
    config = tiny(recordings, loss_settings={"margins": 3})
    with pytest.raises(errors.ArgumentError, match=r"loss_settings of Superv.*margins"):
        sl.runs.train(config, tmp_path / "run")


def test_nobody_is_in_the_training_and_in_the_exam(recordings, tmp_path):
    config = tiny(recordings, test_data=str(recordings))
    with pytest.raises(errors.ArgumentError, match="6 speakers are in the training"):
        sl.runs.train(config, tmp_path / "run")


@pytest.mark.parametrize("layout", ["folder", "fsdd"])
def test_a_subset_of_what_has_none_is_named(recordings, tmp_path, layout):
    config = tiny(recordings, layout=layout, subset="train")
    with pytest.raises(errors.ArgumentError, match=f"{layout} has no subsets"):
        sl.runs.train(config, tmp_path / "run")


def weights(folder):
    (path,) = folder.glob("checkpoint-*.keras")
    return keras.saving.load_model(path).get_weights()


class Stop(Exception):
    """What ends a training in these tests."""


@pytest.mark.parametrize("at", ["_save", "_write_history"])
def test_killed_before_either_file_a_run_ends_with_the_same_weights(
    recordings, run, tmp_path, monkeypatch, at
):
    original, calls = getattr(training, at), []

    def stop(*arguments):
        calls.append(0)
        if len(calls) == 2:
            raise Stop
        return original(*arguments)

    monkeypatch.setattr(training, at, stop)
    with pytest.raises(Stop):
        sl.runs.train(tiny(recordings), tmp_path / "run")
    monkeypatch.undo()
    again = sl.runs.train(tiny(recordings), tmp_path / "run")
    for ours, theirs in zip(
        weights(tmp_path / "run"), weights(run.folder), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert again.history == run.history
    assert again.figures == run.figures


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_that_was_killed_twice_loses_nothing(recordings, tmp_path):
    config = tiny(recordings, epochs=6, steps=10)
    values = dataclasses.asdict(config)
    path = write(tmp_path / "tiny.yaml", **values)
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "siamlab", "train", str(path), "--run"]
    for epochs in (1, 3):
        process = subprocess.Popen([*command, str(folder)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 300
        while not any(
            int(p.stem.split("-")[1]) >= epochs
            for p in folder.glob("checkpoint-????.keras")
        ):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run([*command, str(folder)], check=True, capture_output=True)
    whole = tmp_path / "whole"
    subprocess.run([*command, str(whole)], check=True, capture_output=True)
    for ours, theirs in zip(weights(folder), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (folder / "history.csv").read_text() == (whole / "history.csv").read_text()


@pytest.mark.parametrize("name", ["history.csv", "checkpoint-0003.keras"])
def test_a_damaged_run_is_named(recordings, run, tmp_path, name):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    (folder / name).write_bytes(b"epoch,loss,eer\n1,x,y\n")
    with pytest.raises(
        errors.StorageError, match="remove the run folder to begin anew"
    ):
        sl.runs.train(tiny(recordings), folder)


def test_the_command_trains_and_says_how_it_went(recordings, tmp_path, capsys):
    path = write(tmp_path / "a.yaml", **TINY | {"data": str(recordings), "epochs": 1})
    arguments = ["train", str(path), "--run", str(tmp_path / "run")]
    assert main([*arguments, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["folder"] == str(tmp_path / "run")
    assert 0 <= figures["mr"] <= 1
    assert main(arguments) == 0
    assert "report.html: equal error rate" in capsys.readouterr().out


def test_the_defaults_that_are_printed_are_a_configuration(tmp_path, capsys):
    assert main(["train", "--defaults"]) == 0
    path = tmp_path / "a.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert Config.read(path) == Config(layout="voices")


def test_the_command_without_a_file_says_what_it_wants(capsys):
    assert main(["train"]) == 1
    assert "siamlab train --defaults" in capsys.readouterr().err
