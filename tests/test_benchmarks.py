"""Small runs of the benchmarks, and of what they share."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sound_files import textgrid

import siamlab as sl

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def module():
    """Import a module of the benchmarks, as their scripts do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module


@pytest.fixture
def run(module, monkeypatch, capsys, tmp_path):
    """Run a benchmark in this process; returns the rows of the tables it prints."""
    monkeypatch.chdir(tmp_path)

    def rows(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        module(script).main()
        printed = capsys.readouterr().out.splitlines()
        rows = [line.strip("| ") for line in printed if line.startswith("| ")]
        return [[cell.strip() for cell in row.split("|")] for row in rows]

    return rows


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Ten sentences beside TextGrids."""
    root = tmp_path_factory.mktemp("recordings with a space")
    corpus = sl.corpora.voices(n_speakers=1, n_utterances=10, seed=3)
    for i, row in enumerate(corpus.table.itertuples()):
        soundfile.write(root / f"{i}.wav", *corpus[i])
        text = textgrid(("phones", row.phones), end=row.duration)
        (root / f"{i}.TextGrid").write_text(text, "utf-8")
    return root


@pytest.mark.slow
def test_ctc_runs_on_a_folder_of_textgrids(run, recordings):
    names = ["as posted, growing", "standardized, framewise"]
    small = ["--epochs", 2, "--seeds", 1, "--units", 4, "--hop", 0.01, "--rows", *names]
    _, *rows = run("ctc", "--textgrid", recordings, *small)
    shown, calls = rows[: 2 * len(names)], rows[2 * len(names) + 1 :]
    assert [row[:2] for row in shown] == [[n, e] for n in names for e in ("1", "2")]
    assert all(0 <= float(row[3]) <= 2 for row in shown)
    assert [len(call) for call in calls] == [2, 2, 2]


def test_a_measured_run_is_not_measured_again(module, monkeypatch, tmp_path):
    report = module("_report")
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    runs = report.Runs("trial", {"epochs": 5})
    assert runs.run("a", 0, lambda: {"error": 0.5}) == {"error": 0.5}

    def killed():
        raise KeyboardInterrupt

    resumed = report.Runs("trial", {"epochs": 5})
    assert resumed.run("a", 0, killed) == {"error": 0.5}
    other = report.Runs("trial", {"epochs": 6})
    assert other.run("a", 0, lambda: {"error": 0.1}) == {"error": 0.1}


@pytest.mark.slow
def test_the_channel_benchmark_runs_on_timit(run, data, a_timit, tmp_path):
    root = a_timit(tmp_path / "timit", speakers=("FCJF0", "MDAC0", "FDHC0"))
    arguments = ["--train", data / "librispeech-mini", "--timit", root]
    small = ["--epochs", 1, "--steps", 1, "--nets", tmp_path / "nets"]
    rows = run("channel", *arguments, *small)
    names = {row[0] for row in rows}
    assert {"TIMIT: untrained", "TIMIT, without SA1 and SA2: trained, BLSTM"} < names
    assert all(0 <= float(row[4]) <= 1 for row in rows[1:])
    assert len(list((tmp_path / "nets").glob("*.keras"))) == 2


@pytest.mark.slow
def test_the_ladder_prints_each_step_that_is_asked_for(run, data):
    names = ["untrained", "as posted", "+ cosines"]
    small = ["--seeds", 1, "--epochs", 1, "--steps", 1, "--units", 4]
    rows = run("ladder", "--data", data / "librispeech-mini", *small, "--only", *names)
    assert [row[0] for row in rows[1:]] == names


PROGRAM = """
import os

import numpy as np
from _processes import Work


def noisy(threads):
    print("a library prints this")
    runs = []

    def run():
        os.write(1, b"and this\\n")
        runs.append(1)

    return Work(run, 10, lambda: np.array([threads, len(runs)]))


def lacking(threads):
    import a_missing_package
"""


def test_contenders_are_measured_and_missing_packages_are_named(module, tmp_path):
    processes, program = module("_processes"), tmp_path / "program.py"
    program.write_text(PROGRAM, "utf-8")
    contenders = {
        name: processes.Contender(program, name, {"threads": 1})
        for name in ("noisy", "lacking")
    }
    found = processes.alternate(contenders, threads=1, rounds=3)
    assert found["noisy"].result.tolist() == [1, 4]  # three runs, and the warm-up
    assert len(found["noisy"].cpu_seconds) == len(found["noisy"].speeds) == 3
    assert found["lacking"].missing == "a_missing_package"
    assert not found["lacking"].seconds


@pytest.mark.slow
def test_embeddings_are_compared_with_embeddings(module):
    ours, peers = module("_ours"), module("_peers")
    results = []
    for function in (ours.embedding, peers.predict_padded, peers.predict_each):
        work = function(utterances=4, longest=400, threads=1)
        work.run()
        results.append(work.result())
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], atol=1e-6)


def test_the_pair_loss_equals_nested_loops(module):
    ours, peers = module("_ours"), module("_peers")
    gradient = ours.pair_loss(outputs=12, threads=1).result()
    loops = peers.nested_loops(outputs=12, threads=1).result()
    np.testing.assert_allclose(gradient, loops, atol=1e-4)


@pytest.mark.slow
def test_extraction_is_compared_with_librosa(run, data):
    root = ["--data", data / "librispeech-mini"]
    small = ["--files", 2, "--rounds", 1, "--threads", 1]
    head, *rows = run("throughput", "--only", "extraction", *root, *small)
    differences = {row[1]: row[-1] for row in rows}
    assert float(differences["librosa"].split(",")[0]) < 1e-4
    assert differences["ours, cached"] == "0e+00, at most 0e+00"
    assert all(len(row) == len(head) for row in rows)


@pytest.mark.slow
def test_a_commit_is_compared_with_this_checkout(run):
    small = ["--only", "pairs", "--rounds", 1, "--threads", 1, "--outputs", 8]
    program = ["--program", BENCHMARKS / "_ours.py"]
    _, row = run("throughput", "--against", "HEAD", *program, *small)
    assert row[1] == "pair_loss"
    assert float(row[5]) > 0


@pytest.mark.parametrize("order", [1, 2])
def test_a_fit_recovers_a_line(module, order):
    sizes = np.array([100, 200, 400, 800])
    found = module("cost").fit(sizes, 3 + 0.5 * sizes**order, order)
    assert found(1e6) == pytest.approx(3 + 0.5 * 1e6**order, rel=1e-4)
    assert found.reaches(found(1e6)) == pytest.approx(1e6, rel=1e-4)


@pytest.mark.slow
def test_costs_are_fitted_and_extrapolated(run):
    small = ["--only", "verification", "clustering", "--shrink", 10]
    rows = run("cost", *small, "--price", 1)
    names = [row[0] for row in rows]
    extrapolated = [row[1] for row in rows if row[0] == "100,000 hours"]
    assert len(extrapolated) == 4
    reached = [
        float(row[2].replace(",", "")) for row in rows[names.index("what", 1) + 1 :]
    ]
    assert reached == sorted(reached)
    assert len(reached) == 4
