"""Damaged files do not hurt: some of those of benchmarks/fuzz.py, each time the same.

And what watches over them can see harm: readers that do it on purpose.
"""

import os
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"

READERS = """
import ctypes, os, pickle, subprocess, time
from pathlib import Path
import soundfile
from siamlab import errors

def reads(path, folder):
    (folder / "new").mkdir()
    (folder / "new" / "copy").write_bytes(path.read_bytes())

def refuses(path, folder):
    raise errors.AudioError(path, "is damaged")

def forgets(path, folder):
    {}["there"]

def asserts(path, folder):
    assert path.read_bytes() == b"another"

def exits(path, folder):
    os._exit(3)

def crashes(path, folder):
    ctypes.string_at(0)

def waits(path, folder):
    time.sleep(60)

def computes(path, folder):
    while True:
        pass

def writes(path, folder):
    (folder.parents[2] / "python.txt").write_text("x")

def writes_in_c(path, folder):
    soundfile.write(str(folder.parents[1] / "c.wav"), [0.0], 8000)

def removes(path, folder):
    (folder.parents[2] / "precious").unlink()

def links(path, folder):
    (folder / "link").symlink_to(folder.parents[2])
    (folder / "link" / "linked.txt").write_text("x")

def runs(path, folder):
    os.system("true")

def starts(path, folder):
    subprocess.run(["true"])

def unpickles(path, folder):
    pickle.loads(b"cos\\ngetpid\\n.")

def grows(path, folder):
    return bytearray(os.urandom(1)) * 400_000_000

def grows_without_end(path, folder):
    kept = []
    while True:
        kept.append(bytes(bytearray(b"x") * 10_000_000))
"""

HARM = {
    "reads": "read",
    "refuses": "refused",
    "forgets": "foreign",
    "asserts": "foreign",
    "exits": "crash",
    "crashes": "crash",
    "waits": "hang",
    "computes": "hang",
    "writes": "outside",
    "writes_in_c": "outside",
    "removes": "outside",
    "links": "outside",
    "runs": "executed",
    "starts": "executed",
    "unpickles": "executed",
    "grows": "memory",
    "grows_without_end": "memory",
}


@pytest.fixture
def fuzz(monkeypatch):
    """The benchmark, as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fuzz

    return fuzz


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is watched in /proc")
def test_each_harm_is_seen_and_the_next_file_is_read(fuzz, tmp_path):
    (tmp_path / "readers_of_ill_will.py").write_text(READERS, "utf-8")
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "precious").write_text("x")
    names = [name for harm in HARM for name in (harm, "reads")]
    cases = [
        fuzz.watch.Case(
            i, "ill", name, "none", f"readers_of_ill_will:{name}", "a/b.txt", b"x"
        )
        for i, name in enumerate(names)
    ]
    found = fuzz.watch.watch(
        cases,
        tmp_path / "sandbox",
        wholes={case.reader: cases[0] for case in cases},  # imports, before the clock
        workers=1,
        seconds=1.0,
        megabytes=150,
        python_path=[str(tmp_path)],
    )
    assert [each.verdict for each in found] == [HARM[name] for name in names]


@pytest.mark.slow
def test_damaged_files_are_read_or_refused(fuzz, tmp_path):
    slow = ("models", "runs")  # Keras
    makers = [make for make in fuzz.wholes.FAMILIES if make.__name__ not in slow]
    families = [(list(make()), fuzz.wholes.FAMILIES[make]) for make in makers]
    found = list(
        fuzz.watch.watch(
            fuzz.cases(families, 250, seed=20),
            tmp_path,
            wholes=fuzz.first_of_each(families),
            workers=min(os.cpu_count() or 1, 2),
            seconds=fuzz.SECONDS,
            megabytes=fuzz.MEGABYTES,
        )
    )
    bad = [str(each) for each in found if each.verdict not in fuzz.watch.ALLOWED]
    assert not bad, "\n".join(bad)
    assert len(found) == 250
    # Damage is neither so coarse that nothing is read nor so fine that all is.
    counts = fuzz.figures(found)
    for kind in ("sound, libsndfile", "sound, FFmpeg", "tables", "TextGrids"):
        assert counts[kind]["read"] > 0
        assert counts[kind]["refused"] > 0


def test_the_same_seed_makes_the_same_files(fuzz):
    families = [(list(make()), 1.0) for make in (fuzz.wholes.textgrids,)]
    first, second, other = (list(fuzz.cases(families, 40, seed)) for seed in (0, 0, 1))
    assert first == second
    assert first != other
    assert len({case.content for case in first}) > 30
