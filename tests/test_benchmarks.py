"""The benchmark of phones runs on anybody's recordings, and goes on after a kill."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import siamlab as sl

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Ten sentences beside TextGrids in the short form, as a person might have."""
    root = tmp_path_factory.mktemp("recordings with a space")
    corpus = sl.corpora.voices(speakers=1, utterances=10, seed=3)
    for i, row in enumerate(corpus.table.itertuples()):
        samples, rate = corpus[i]
        soundfile.write(
            root / f"{i}.wav", sl.audio.resample(samples, rate, 22050), 22050
        )
        lines = [
            'File type = "ooTextFile"',
            'Object class = "TextGrid"',
            "",
            f"0\n{row.duration}\n<exists>\n1",
            f'"IntervalTier"\n"phones"\n0\n{row.duration}\n{len(row.phones)}',
            *(f'{start}\n{end}\n"{label}"' for label, start, end in row.phones),
        ]
        (root / f"{i}.TextGrid").write_text("\n".join(lines) + "\n", "utf-8")
    return root


def test_it_runs_on_a_folder_of_textgrids(recordings):
    rows = ["framewise, standardised", "CTC, unscaled", "CTC, min-max of each"]
    command = [
        sys.executable,
        str(BENCHMARKS / "ctc.py"),
        "--textgrid",
        str(recordings),
    ]
    small = ["--epochs", "2", "--seeds", "2", "--units", "8", "--rows", *rows]
    done = subprocess.run(
        [*command, *small], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Trained on 8 spectrograms, 1 speakers, measured on 2 other" in done.stdout
    table = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [line.split("|")[1].strip() for line in table] == ["recipe", *rows]
    for line in table[1:]:
        numbers = [float(n) for n in re.findall(r"[\d.]+", line.split("|")[2])]
        middle, low, high = numbers
        assert 0 <= low <= middle <= high


@pytest.fixture
def report(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _report

    monkeypatch.setattr(_report, "RESULTS", tmp_path)
    return _report


def test_what_was_measured_before_a_kill_is_not_measured_again(report):
    runs = report.Runs("trial", {"epochs": 5})
    assert runs.run("a", 0, lambda: {"error": 0.5}) == {"error": 0.5}

    def killed():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.run("a", 1, killed)
    again = report.Runs("trial", {"epochs": 5})
    assert again.run("a", 0, killed) == {"error": 0.5}
    assert again.run("a", 1, lambda: {"error": np.pi})["error"] == np.pi


def test_other_settings_are_measured_anew(report):
    report.Runs("trial", {"epochs": 5}).run("a", 0, lambda: 1)
    assert report.Runs("trial", {"epochs": 6}).run("a", 0, lambda: 2) == 2


def run(script, *arguments, cwd=None):
    """Run a benchmark as a person would; return the rows of its table."""
    command = [sys.executable, str(BENCHMARKS / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr[-3000:]
    table = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in table]


@pytest.mark.slow
def test_voice_equality_runs_on_timit_and_keeps_its_network(data, a_timit, tmp_path):
    root = a_timit(tmp_path / "timit", speakers=("FCJF0", "MDAC0", "FDHC0"))
    arguments = ["--train", data / "librispeech-mini", "--timit", root]
    small = ["--epochs", 1, "--steps", 1, "--nets", tmp_path / "nets"]
    head, *rows = run("voice_equality.py", *arguments, *small, cwd=tmp_path)
    assert head[0] == "who, how"
    ways = ("average spectrum", "untrained", "trained, course", "trained, voices")
    exams = ("TIMIT", "TIMIT, SA1 and SA2 apart", "TIMIT, without SA1 and SA2")
    names = [f"{exam}: {way}" for exam in exams for way in ways]
    assert [row[0] for row in rows][: len(names)] == names
    assert all(0 <= float(row[4]) <= 1 for row in rows)
    nets = {path: path.stat().st_mtime_ns for path in (tmp_path / "nets").iterdir()}
    assert len(nets) == 2
    again = run("voice_equality.py", *arguments, *small, cwd=tmp_path)
    assert again == [head, *rows]
    assert all(path.stat().st_mtime_ns == made for path, made in nets.items())


@pytest.mark.slow
def test_the_ladder_prints_every_rung_that_is_asked_for(data):
    rungs = ["the source program", "margin on the angle"]
    small = ["--seeds", 1, "--epochs", 1, "--steps", 1, "--units", 4]
    root = ["--data", data / "librispeech-mini"]
    rows = run("ladder.py", *root, *small, "--only", *rungs)
    assert [row[0] for row in rows[1:]] == ["untrained", "untrained, scaled", *rungs]


def test_one_product_is_the_nested_loops():
    rows = run("pairwise.py", "--batch", 12, "--units", 8, "--rounds", 1)
    loops, product, compiled = rows[1:]
    assert [row[0] for row in rows[1:]] == [
        "nested loops",
        "one product",
        "one product, XLA",
    ]
    for other in (product, compiled):
        assert float(other[4]) == pytest.approx(float(loops[4]), rel=1e-5)
        assert float(other[5]) < 1e-4
