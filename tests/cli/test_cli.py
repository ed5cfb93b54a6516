"""The commands, except for `lab` (test_course.py) and `train` (test_train.py)."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from sound_folders import Tree

import siamlab as sl
from siamlab.cli import main


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, a_folder_of_voices):
    """A folder for each of three speakers, four recordings in each."""
    root = tmp_path_factory.mktemp("recordings")
    return a_folder_of_voices(root, speakers=3, utterances=4)


def write_librispeech(root, ending):
    """Write LibriSpeech's layout: three speakers, two chapters each, of two files."""
    for chapter in ("1/0/1-0", "1/1/1-1", "2/0/2-0", "2/1/2-1", "3/0/3-0", "3/1/3-1"):
        Tree(root).sounds(f"{chapter}-000{{0,1}}.{ending}")


def run_json(capsys, *arguments):
    """Run a command with --json; returns what it printed."""
    assert main([*map(str, arguments), "--json"]) == 0

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(capsys.readouterr().out, parse_constant=refuse)


COMMANDS = ("lab", "corpus", "train", "embed", "evaluate", "doctor", "cache")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"example: siamlab {command}" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(SystemExit):
        main(["--help"])
    assert f"\n    {command} " in capsys.readouterr().out


def test_evaluate_prints_what_the_library_computes(recordings, capsys):
    results = run_json(capsys, "evaluate", "--data", recordings)
    embeddings = sl.embed(recordings)
    expected = sl.metrics.verify(embeddings, embeddings.speakers)
    assert results["eer"]["value"] == pytest.approx(expected.eer)
    assert results["eer"]["low"] <= results["eer"]["value"] <= results["eer"]["high"]
    assert (results["speakers"], results["utterances"]) == (3, 12)
    assert 0 <= results["mr"] <= 1
    assert main(["evaluate", "--data", str(recordings)]) == 0
    assert "12 recordings of 3 speakers" in capsys.readouterr().out
    channel = ("--randomize-channel", "12")
    changed = run_json(capsys, "evaluate", "--data", recordings, *channel)
    assert changed["threshold"] != results["threshold"]


@pytest.mark.parametrize(("subset", "ending"), [("test-other", "flac"), (".", "mp3")])
def test_evaluate_recognizes_librispeech(tmp_path, subset, ending, capsys):
    write_librispeech(tmp_path / subset, ending)
    arguments = ("evaluate", "--data", tmp_path)
    results = run_json(capsys, *arguments)
    assert (results["speakers"], results["utterances"]) == (3, 12)
    assert results["n_same"] == 3 * 6
    # Four of the six pairs of a speaker are from two chapters.
    assert run_json(capsys, *arguments, "--across")["n_same"] == 3 * 4
    if subset != ".":
        arguments = (*arguments, "--layout", "librispeech", "--subset", subset)
        assert run_json(capsys, *arguments)["speakers"] == 3


def test_embed_writes_what_numpy_reads(recordings, tmp_path, capsys):
    output = tmp_path / "new" / "voices.npz"
    summary = run_json(capsys, "embed", recordings, "--output", output)
    assert (summary["embeddings"], summary["speakers"]) == (12, 3)
    assert summary["rejected"] == []
    with np.load(output, allow_pickle=False) as file:
        expected = sl.embed(recordings)
        np.testing.assert_array_equal(file["embeddings"], expected)
        np.testing.assert_array_equal(file["speakers"], expected.speakers)
        assert all(os.path.exists(path) for path in file["paths"])


def test_embed_uses_another_encoder_and_draws_a_map(
    recordings, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sl.clusters, "umap", lambda x, **settings: x[:, :2])
    features = sl.extract(sl.corpora.folder(recordings))
    scaler = sl.scaling.StandardScaler().fit(features)
    net = sl.networks.xvector_encoder(units=4, output_dim=6, scaler=scaler)
    segments = {"n_frames": 40, "hop_frames": 40}
    encoder = sl.embeddings.Encoder.from_network(net, sl.Spectrogram(), segments)
    encoder.save(tmp_path / "mine.npz")
    output, picture = tmp_path / "voices.npz", tmp_path / "map.png"
    options = ["--encoder", str(tmp_path / "mine.npz"), "--output", str(output)]
    assert main(["embed", str(recordings), *options, "--map", str(picture)]) == 0
    assert "12 embeddings, 3 speakers, 0 recordings rejected" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    with np.load(output) as file:
        assert file["embeddings"].shape == (12, 6)


def test_corpus_describes_a_folder(recordings, tmp_path, capsys):
    summary = run_json(capsys, "corpus", "--data", recordings)
    assert (summary["speakers"], summary["utterances"]) == (3, 12)
    reasons = {row["reason"].split(",")[0] for row in summary["suspicious"]}
    assert reasons <= {"offset"}  # of the noise in simulated rooms
    picture = tmp_path / "corpus.png"
    assert main(["corpus", "--data", str(recordings), "--picture", str(picture)]) == 0
    assert "3 speakers" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_corpus_lists_suspicious_files(tmp_path, capsys):
    (tmp_path / "ANNA").mkdir()
    soundfile.write(tmp_path / "ANNA" / "a.wav", np.zeros(16000), 16000)
    assert main(["corpus", "--data", str(tmp_path)]) == 0
    assert "a.wav: silent" in capsys.readouterr().out
    assert main(["corpus", "--data", str(tmp_path / "none")]) == 1


def test_corpus_describes_what_it_downloaded(tmp_path, monkeypatch, capsys):
    """The download itself is tested in corpora/test_download.py."""

    name, root = "librispeech/test-other", tmp_path / "LibriSpeech"
    write_librispeech(root / "test-other", "flac")
    monkeypatch.setattr(sl.corpora, "download", lambda *_: root)
    summary = run_json(capsys, "corpus", "--data", tmp_path, "--download", name)
    assert summary["utterances"] == 12


ERRORS = {
    "does not exist": ["embed", "{}/none"],
    "no sound files in": ["evaluate", "--data", "{}"],
    "Encoder.save": ["evaluate", "--data", "{}", "--encoder", "{}/none"],
    "LibriSpeech's layout": ["evaluate", "--data", "{}", "--layout", "librispeech"],
    "has no subsets": ["evaluate", "--data", "{}", "--subset", "a"],
    "--seed must be at least 0": ["evaluate", "--data", "{}", "--seed", "-1"],
}


@pytest.mark.parametrize(("message", "arguments"), ERRORS.items())
def test_an_error_is_one_line_and_a_status(arguments, message, tmp_path, capsys):
    assert main([each.format(tmp_path) for each in arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.startswith("siamlab: ")


@pytest.mark.parametrize(("loudness", "message"), [(1, "speaker"), (0, "is silent")])
def test_missing_speakers_are_reported(tmp_path, rng, loudness, message, capsys):
    (tmp_path / "anna").mkdir()
    for i in range(2):
        samples = loudness * rng.uniform(-0.5, 0.5, 16000)
        soundfile.write(tmp_path / "anna" / f"{i}.wav", samples, 16000)
    assert main(["evaluate", "--data", str(tmp_path), "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("delay", [0.3, 1.3])
def test_ctrl_c_leaves_no_partial_file(recordings, tmp_path, delay):
    output = tmp_path / "voices.npz"
    command = [sys.executable, "-m", "siamlab", "embed", str(recordings)]
    process = subprocess.Popen(
        [*command, "--output", str(output)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    # Before siamlab's first line the interpreter itself is interrupted.
    assert process.returncode in (0, 130, -signal.SIGINT), errors
    assert [path.name for path in tmp_path.iterdir()] in ([], ["voices.npz"])
    if output.exists():
        np.load(output)["embeddings"]
