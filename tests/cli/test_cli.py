"""The command line, in a process of its own where that matters."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

import siamlab as sl
from siamlab.cli import main


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, a_folder_of_voices):
    """A folder for each of three speakers, four recordings in each."""
    root = tmp_path_factory.mktemp("recordings")
    return a_folder_of_voices(root, speakers=3, utterances=4)


def as_librispeech(recordings, root):
    """The same recordings in LibriSpeech's layout, each speaker in two chapters."""
    for reader, folder in enumerate(sorted(recordings.iterdir()), 100):
        for i, path in enumerate(sorted(folder.iterdir())):
            chapter = root / str(reader) / str(i % 2)
            chapter.mkdir(parents=True, exist_ok=True)
            name = f"{reader}-{i % 2}-{i:04d}.flac"
            soundfile.write(chapter / name, *soundfile.read(path))
    return root


COMMANDS = ("lab", "corpus", "train", "embed", "evaluate", "doctor", "cache")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"example: siamlab {command}" in " ".join(capsys.readouterr().out.split())


def test_every_command_is_in_the_help(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(f"\n    {command} " in out for command in COMMANDS)


def test_evaluate_prints_what_the_library_computes(recordings, capsys):
    assert main(["evaluate", "--data", str(recordings), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    embeddings = sl.embed(recordings)
    expected = sl.metrics.verify(embeddings, embeddings.speakers)
    assert figures["eer"]["value"] == pytest.approx(expected.eer)
    assert figures["eer"]["low"] <= figures["eer"]["value"] <= figures["eer"]["high"]
    assert (figures["speakers"], figures["utterances"]) == (3, 12)
    assert 0 <= figures["mr"] <= 1


@pytest.mark.parametrize("subset", ["test-other", "."])
def test_evaluate_knows_librispeech_by_itself(recordings, tmp_path, subset, capsys):
    as_librispeech(recordings, tmp_path / subset)
    assert main(["evaluate", "--data", str(tmp_path), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["speakers"], figures["utterances"]) == (3, 12)
    # Of four recordings in two chapters, four pairs are not of one chapter.
    assert figures["n_same"] == 3 * 6
    assert main(["evaluate", "--data", str(tmp_path), "--across", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_same"] == 3 * 4


def test_evaluate_for_people_and_with_another_microphone_each(recordings, capsys):
    arguments = ["evaluate", "--data", str(recordings)]
    main(arguments)
    plain = capsys.readouterr().out
    assert "12 recordings of 3 speakers" in plain
    assert "eer=" in plain
    main([*arguments, "--randomize_channel", "12"])
    assert capsys.readouterr().out != plain


def test_embed_writes_what_numpy_reads(recordings, tmp_path, capsys):
    output, drawn = tmp_path / "new" / "voices.npz", tmp_path / "map.png"
    arguments = ["embed", str(recordings), "--output", str(output)]
    assert main([*arguments, "--map", str(drawn), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["embeddings"], said["speakers"], said["rejected"]) == (12, 3, [])
    with np.load(output, allow_pickle=False) as file:
        expected = sl.embed(recordings)
        np.testing.assert_array_equal(file["embeddings"], expected)
        np.testing.assert_array_equal(file["speakers"], expected.speakers)
        assert [os.path.exists(path) for path in file["paths"]] == [True] * 12
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_another_encoder_is_taken_from_its_file(recordings, tmp_path, capsys):
    about = {"frames": 40, "hop": 40}
    sl.encoder()  # so that what follows is another one
    scaler = sl.scaling.StandardScaler().fit(sl.extract(sl.corpora.folder(recordings)))
    net = sl.networks.xvector_encoder(units=4, output_dim=6, scaler=scaler)
    path = tmp_path / "mine.npz"
    sl.embeddings.Encoder.from_network(net, sl.Spectrogram(), about).save(path)
    output = tmp_path / "voices.npz"
    arguments = [str(recordings), "--encoder", str(path), "--output", str(output)]
    assert main(["embed", *arguments]) == 0
    assert "12 embeddings, 3 speakers, 0 recordings rejected" in capsys.readouterr().out
    with np.load(output) as file:
        assert file["embeddings"].shape == (12, 6)


def test_corpus_says_what_is_there_and_what_is_suspicious(recordings, tmp_path, capsys):
    arguments = ["corpus", "--data", str(recordings)]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["speakers"], found["utterances"]) == (3, 12)
    assert found["suspicious"] == []
    drawn = tmp_path / "corpus.png"
    assert main([*arguments, "--picture", str(drawn)]) == 0
    assert "3 speakers" in capsys.readouterr().out
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_corpus_says_by_its_status_that_something_is_suspicious(tmp_path, capsys):
    (tmp_path / "ANNA").mkdir()
    soundfile.write(tmp_path / "ANNA" / "a.wav", np.zeros(16000), 16000)
    assert main(["corpus", "--data", str(tmp_path)]) == 1
    assert "a.wav: silent" in capsys.readouterr().out
    assert main(["corpus", "--data", str(tmp_path / "none")]) == 2


def test_corpus_downloads_what_anybody_may_have(tmp_path, monkeypatch, capsys):
    """Which corpus, and where it lands: the download itself has its own tests."""
    asked = []

    def download(name, folder):
        asked.append(name)
        rng = np.random.default_rng(0)
        chapter = tmp_path / "LibriSpeech" / "test-other" / "1" / "2"
        chapter.mkdir(parents=True)
        noise = rng.normal(size=16000) / 10
        soundfile.write(chapter / "1-2-0000.flac", noise, 16000)
        return tmp_path / "LibriSpeech"

    monkeypatch.setattr(sl.corpora, "download", download)
    arguments = ["corpus", "--data", str(tmp_path), "--json", "--download"]
    assert main([*arguments, "librispeech/test-other"]) == 0
    assert asked == ["librispeech/test-other"]
    assert json.loads(capsys.readouterr().out)["utterances"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["embed", "{}/none"], "does not exist"),
        (["evaluate", "--data", "{}/none"], "does not exist"),
        (["evaluate", "--data", "{}"], "no sound files in"),
        (["evaluate", "--data", "{}", "--encoder", "{}/none"], "is no encoder"),
        (["evaluate", "--data", "{}", "--layout", "librispeech"], "has no subset"),
        (["evaluate", "--data", "{}", "--subset", "a"], "folder has no subsets"),
    ],
)
def test_an_error_is_one_line_and_a_status(arguments, sentence, tmp_path, capsys):
    assert main([each.format(tmp_path) for each in arguments]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert said.err.startswith("siamlab: ")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_leaves_no_broken_file(recordings, tmp_path):
    """Interrupted at any moment there is either nothing, or the whole file."""
    output = tmp_path / "voices.npz"
    command = [sys.executable, "-m", "siamlab", "embed", str(recordings)]
    for delay in (0.3, 0.8, 1.3):
        process = subprocess.Popen(
            [*command, "--output", str(output)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        # The interpreter itself may be interrupted before siamlab's first line.
        assert process.returncode in (0, 130, -signal.SIGINT), errors
        assert [p.name for p in tmp_path.iterdir()] in ([], ["voices.npz"])
        if output.exists():
            np.load(output)["embeddings"]
            output.unlink()


@pytest.mark.parametrize("ending", ["mp3", "wav"])
def test_evaluate_knows_librispeech_that_was_written_anew(
    recordings, tmp_path, ending, capsys
):
    as_librispeech(recordings, tmp_path / "test-other")
    for path in tmp_path.rglob("*.flac"):
        soundfile.write(path.with_suffix(f".{ending}"), *soundfile.read(path))
        path.unlink()
    for data in (
        ["--data", str(tmp_path), "--subset", "test-other"],
        ["--data", str(tmp_path / "test-other")],
    ):
        assert main(["evaluate", *data, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["speakers"] == 3


@pytest.mark.parametrize("left", [1, 0])
def test_evaluate_says_what_is_missing(recordings, tmp_path, left, capsys):
    """With one speaker, or with none whose recordings can be used."""
    for speaker in sorted(recordings.iterdir()):
        (tmp_path / speaker.name).mkdir()
        for path in sorted(speaker.iterdir()):
            samples, rate = soundfile.read(path)
            soundfile.write(tmp_path / speaker.name / path.name, samples * left, rate)
        left = 0
    assert main(["evaluate", "--data", str(tmp_path), "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "of the same speaker" in said.err or "none is left" in said.err


def test_evaluate_gives_json_whatever_the_rates_and_channels(
    recordings, tmp_path, capsys
):
    for k, speaker in enumerate(sorted(recordings.iterdir())):
        (tmp_path / speaker.name).mkdir()
        for path in sorted(speaker.iterdir())[k:]:
            samples, rate = soundfile.read(path, dtype="float32")
            rate_, channels = (8000, 48000, 16000)[k], 1 + k % 2
            samples = sl.audio.resample(samples, rate, rate_)
            both = np.repeat(samples[:, None], channels, axis=1)
            soundfile.write(tmp_path / speaker.name / path.name, both, rate_)
    assert main(["evaluate", "--data", str(tmp_path), "--json"]) == 0

    def refuse(name):
        raise AssertionError(name)

    figures = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert figures["utterances"] == 9
    assert figures["eer"]["low"] <= figures["eer"]["value"] <= figures["eer"]["high"]
    assert main(["evaluate", "--data", str(tmp_path), "--seed", "-1"]) == 1
    assert "--seed must be 0 or more" in capsys.readouterr().err
