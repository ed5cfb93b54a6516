"""Benchmarks run as a person would run them, small."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import siamlab as sl

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Ten sentences beside TextGrids in the short form, as a person might have."""
    root = tmp_path_factory.mktemp("recordings with a space")
    corpus = sl.corpora.voices(n_speakers=1, n_utterances=10, seed=3)
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
    rows = ["framewise, standardized", "CTC, unscaled", "CTC, min-max of each"]
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


@pytest.fixture(scope="module")
def beside():
    """Import a module of the benchmarks, as their scripts do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module


WAYS = """
import json, os, sys, time
from types import SimpleNamespace

import numpy as np
from _race import Way


def noisy(factor, threads):
    print("a library says hello")
    runs = []

    def run():
        os.write(1, b"and again\\n")
        runs.append(1)

    result = lambda: factor * np.arange(4.0)
    facts = lambda: {"runs": len(runs), "threads": threads}
    return Way(run, 10, result=result, facts=facts)


def lazy(factor, threads):
    return Way(lambda: time.sleep(0.05), 10)


def lacks(factor, threads):
    import a_package_that_nobody_has


def dies(factor, threads):
    sys.exit("no such luck")
"""


@pytest.fixture
def a_race(beside, monkeypatch, tmp_path):
    """Race ways of a module that the test writes."""
    (tmp_path / "some_ways.py").write_text(WAYS, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    race = beside("_race").race

    def start(*names, **kwargs):
        ways = {name: f"some_ways.{name}" for name in names}
        return race(ways, {"factor": 2}, threads=1, rounds=3, **kwargs)

    return start


def test_ways_are_measured_in_turns_and_say_what_they_lack(a_race):
    found = a_race("noisy", "lazy", "lacks")
    assert found["noisy"].facts == {"runs": 4, "threads": 1}  # three, and the warm-up
    assert found["noisy"].result.tolist() == [0, 2, 4, 6]
    assert min(found["lazy"].seconds) >= 0.05
    assert 0 < found["lazy"].speed <= 200
    assert found["lacks"].missing == "a_package_that_nobody_has"
    assert not found["lacks"].seconds
    for name in ("noisy", "lazy"):
        assert len(found[name].seconds) == len(found[name].processor) == 3
    assert max(found["lazy"].processor) < min(found["lazy"].seconds)


def test_a_way_that_ends_early_says_why(a_race):
    with pytest.raises(RuntimeError, match="no such luck"):
        a_race("dies")


def test_peers_may_lie_in_another_folder(a_race, tmp_path):
    (tmp_path / "peers").mkdir()
    peer = "def __getattr__(name): raise ImportError('it is here, and broken')"
    (tmp_path / "peers" / "a_package_that_nobody_has.py").write_text(peer, "utf-8")
    found = a_race("lacks", peers=str(tmp_path / "elsewhere"))
    assert found["lacks"].missing
    with pytest.raises(RuntimeError, match="ended early"):  # imported; it is no way
        a_race("lacks", peers=str(tmp_path / "peers"))


def test_all_ways_of_embedding_give_the_same(beside):
    ways = beside("_ways_embedding")
    results = []
    for way in (ways.ours, ways.padded, ways.predict_each):
        made = way(number=4, longest=400, threads=1)
        made.run()
        results.append(made.result())
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], atol=1e-6)
    assert made.facts()["traces"] >= 1


def test_twins_and_speakers_train_from_the_same_weights(beside):
    ways = beside("_ways_training")
    for way in (ways.ours, ways.keras_on_pairs):
        made = way(batch=16, steps=1, threads=1)
        made.run()
        assert made.amount == 16
    loss, *gradients = ways.ours(batch=16, steps=1, threads=1).result()
    assert loss > 0
    assert len(gradients) == len(ways.weights())
    assert min(gradients) > 0


@pytest.mark.slow
def test_extraction_is_compared_with_its_peers(data):
    root = ["--data", data / "librispeech-mini"]
    small = ["--files", 2, "--rounds", 1, "--threads", 1]
    head, *rows = run("throughput.py", "--only", "extraction", *root, *small)
    assert [row[1] for row in rows] == [
        "ours, in memory",
        "ours, checksums and writing included",
        "librosa",
        "kaldi-native-fbank",
        "decoding only",
    ]
    apart = dict(zip([row[1] for row in rows], [row[-1] for row in rows], strict=True))
    assert float(apart["librosa"].split(",")[0]) < 1e-4
    assert apart["ours, checksums and writing included"] == "0e+00, most 0e+00"
    assert all(len(row) == len(head) for row in rows)


@given(
    st.floats(0, 10),
    st.floats(1e-6, 1e3),
    st.sampled_from([1, 2]),
    st.floats(1e3, 1e9),
)
def test_a_line_that_is_one_is_found(beside, constant, factor, order, far):
    fit = beside("_fit").fit
    sizes = np.array([100, 200, 400, 800])
    found = fit(sizes, constant + factor * sizes**order, order)
    assert found.residual < 1e-6
    assert abs(found.last) < 1e-6
    assert found(far) == pytest.approx(constant + factor * far**order, rel=1e-4)
    assert found.reaches(found(far)) == pytest.approx(far, rel=1e-4)


def test_a_fit_that_does_not_carry_says_so(beside):
    fit = beside("_fit").fit
    sizes = np.array([100, 200, 400, 800])
    found = fit(sizes, sizes**2.0, 1)
    assert found.exponent == pytest.approx(2)
    assert found.last < -0.3
    with pytest.raises(ValueError, match="3 positive points"):
        fit([1, 2], [1, 2], 1)


def test_costs_are_fitted_and_carried_on(beside, tmp_path):
    small = ["--only", "verification", "clustering", "--shrink", 10]
    rows = run("cost.py", *small, "--price", 1, cwd=tmp_path)
    names = [row[0] for row in rows]
    assert "verify, all pairs, 10 resamples" in names
    carried = [row for row in rows if row[0] == "100,000 hours"]
    assert [row[1] for row in carried] == [
        "verify, all pairs",
        "hierarchical clustering",
    ]
    breaking = rows[names.index("what", 1) + 1 :]
    reached = [float(row[2].replace(",", "")) for row in breaking]
    assert reached == sorted(reached)
    assert len(reached) == 4


def test_costs_are_drawn(beside, tmp_path):
    cost = beside("cost")
    points = {
        "verification": [
            [n, {"seconds": 1e-6 * n**2, "memory": 100 * n**2}] for n in (10, 20, 40)
        ],
        "step": [[n, {"seconds": 1e-3 * n}] for n in (32, 64, 128)],
    }
    cost.picture(points, cost.fits_of(points), tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes()[:4] == b"\x89PNG"
