import importlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from siamlab import corpora, errors
from siamlab.corpora import _recording

# `siamlab.corpora.voices` is the function; this is the file behind it.
voices_module = importlib.import_module("siamlab.corpora.voices")

PROGRAM = """
import hashlib, sys
from siamlab import corpora
corpus = corpora.voices(n_speakers=3, n_utterances=3, seed=1)
for i in range(9):
    print(hashlib.md5(corpus[i][0].tobytes()).hexdigest())
"""


def test_another_process_with_another_cache_hears_the_same(in_a_process, tmp_path):
    def sounds(cache):
        return in_a_process(PROGRAM, SIAMLAB_CACHE=str(tmp_path / cache)).split()

    first, second = sounds("a"), sounds("b")
    assert first == second
    assert len(set(first)) == 9


def test_two_processes_may_speak_into_one_cache(tmp_path):
    """As two notebooks do that are opened side by side."""
    env = {**os.environ, "SIAMLAB_CACHE": str(tmp_path)}
    program = PROGRAM.replace("utterances=3", "utterances=40")

    def start():
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([sys.executable, "-c", program], env=env, **pipes)

    processes = [start()]
    while processes[0].poll() is None and not list(tmp_path.rglob("*.flac")):
        time.sleep(0.01)  # until the first one is in the middle of it
    processes.append(start())
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    (sounds,) = {stdout for stdout, _ in said}
    assert len(set(sounds.split())) == 9


def test_what_was_spoken_is_not_spoken_again(cache, monkeypatch):
    first = corpora.voices(n_speakers=2, n_utterances=2)
    monkeypatch.setattr(subprocess, "run", None)
    assert corpora.voices(n_speakers=2, n_utterances=2).table.equals(first.table)


def test_a_damaged_recording_is_spoken_again(cache):
    corpus = corpora.voices(n_speakers=2, n_utterances=2)
    expected, _ = corpus[1]
    path = corpus.table.path[1]
    with open(path, "r+b") as file:
        file.truncate(100)
    again = corpora.voices(n_speakers=2, n_utterances=2)
    np.testing.assert_array_equal(again[1][0], expected)


def test_a_killed_synthesis_is_completed(cache):
    corpora.voices(n_speakers=1, n_utterances=1)  # another folder, which stays
    program = (
        "from siamlab import corpora; corpora.voices(n_speakers=20, n_utterances=10)"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        for _ in range(600):
            if len(list(cache.rglob("*.flac"))) > 5:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    corpus = corpora.voices(n_speakers=20, n_utterances=10)
    assert len(corpus) == 200
    assert all(len(corpus[i][0]) > 8000 for i in range(0, 200, 13))


def test_speakers_say_different_things_at_different_rates():
    corpus = corpora.voices(n_speakers=3, n_utterances=8)
    assert corpus.table.text.is_unique
    pace = corpus.table.text.str.len() / corpus.table.duration
    assert pace.groupby(corpus.table.speaker).std().min() > 0.5


def test_stress_is_kept_beside_the_phones():
    corpus = corpora.voices(n_speakers=2, n_utterances=4)
    for row in corpus.table.itertuples():
        symbols = [symbol for symbol, _, _ in row.phones]
        assert len(row.stress) == len(symbols)
        assert not any(mark in symbol for symbol in symbols for mark in "ˈˌ")
        assert "ˈ" in row.stress
        vowels = [s for s, mark in zip(symbols, row.stress, strict=True) if mark]
        assert all(any(v in s for v in "aeiouyøœɐɑɒɔəɛɜɪʊʌʏ") for s in vowels)


def test_a_change_of_language_is_no_phone():
    # "Jeans" is spoken with English rules, and eSpeak says so among the phones.
    row = {"voice": "de+m1", "text": "Die Jeans.", "rate": 175, "pitch": 50}
    ((_, phones),) = voices_module._synthesize([{**row, "range": 50}])
    symbols = "".join(symbol for symbol, _, _ in phones)
    assert "dʒ" in symbols
    assert "(" not in symbols


def test_phones_cover_the_utterance():
    for row in corpora.voices(n_speakers=2, n_utterances=2).table.itertuples():
        covered = sum(end - start for _, start, end in row.phones)
        assert covered == pytest.approx(row.duration, rel=0.1)


def test_a_studio_adds_nothing():
    table = corpora.voices(n_speakers=1, n_utterances=2, rooms=False)
    in_room = corpora.voices(n_speakers=1, n_utterances=2)
    for i in range(2):
        dry, wet = table[i][0], in_room[i][0]
        assert np.abs(dry).max() == pytest.approx(10 ** (-6 / 20), abs=1e-3)
        assert len(dry) == len(wet)
        # Between words there is silence in a studio, and noise in a room.
        quiet = [np.quantile(np.abs(x) / np.abs(x).max(), 0.05) for x in (dry, wet)]
        assert quiet[0] < 0.2 * quiet[1]
    assert table.table.phones.tolist() == in_room.table.phones.tolist()


def test_english_is_another_language():
    english = corpora.voices("en", n_speakers=1, n_utterances=5).table
    assert not english.text.str.contains("[äöüß]").any()
    german = corpora.voices("de", n_speakers=1, n_utterances=5).table
    assert set(english.text).isdisjoint(german.text)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"language": "fr"}, "one of de, en; got 'fr'"),
        ({"speakers": 0}, "speakers must be 1 to 74"),
        ({"speakers": 75}, "as many as there are voices; got 75"),
        ({"utterances": 0}, "at least 1; got 0"),
        ({"speakers": 74, "utterances": 10**6}, "sentences"),
    ],
)
def test_what_cannot_be_spoken_is_named(arguments, sentence):
    with pytest.raises(errors.ArgumentError, match=sentence):
        corpora.voices(**arguments)


def test_a_machine_without_espeak_is_told_what_to_do(cache, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(errors.CorpusError, match="Install espeakng-loader"):
        corpora.voices(n_speakers=1, n_utterances=1)


def test_every_recording_has_a_room_of_its_own(rng):
    click = np.zeros(16000)
    click[100] = 1.0
    first, second = (_recording.record(click, 16000, rng) for _ in range(2))
    peaks = [20 * np.log10(np.abs(x).max()) for x in (first, second)]
    for peak in peaks:
        assert -24.1 < peak < -2.9
    a, b = (np.abs(np.fft.rfft(x)) for x in (first, second))
    ratio = 20 * np.log10(a / b)
    assert ratio.std() > 1  # another filter, not only another loudness


def test_reverberation_falls_by_60_db_in_its_time(rng, monkeypatch):
    monkeypatch.setattr(_recording, "REVERBERATION_S", (0.3, 0.3))
    click = np.zeros(16000)
    click[0] = 1.0
    tail = _recording.in_room(click, 16000, rng)
    early, late = tail[1:400], tail[4400:4800]  # 0.2625 s later
    fall = 10 * np.log10(np.mean(early**2) / np.mean(late**2))
    assert fall == pytest.approx(60 * 0.275 / 0.3, abs=3)


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{}", b"[1]", b'[{"path": "x"}]', b"[" * 100_000, b"\xff", b"null"],
)
def test_a_damaged_table_is_spoken_again(cache, content):
    expected = corpora.voices(n_speakers=1, n_utterances=2).table
    (table,) = cache.rglob("table.json")
    table.write_bytes(content)
    assert corpora.voices(n_speakers=1, n_utterances=2).table.equals(expected)


def test_a_table_that_lacks_a_column_is_spoken_again(cache):
    expected = corpora.voices(n_speakers=1, n_utterances=2).table
    (table,) = cache.rglob("table.json")
    table.write_text(table.read_text("utf-8").replace('"text"', '"test"'), "utf-8")
    assert corpora.voices(n_speakers=1, n_utterances=2).table.equals(expected)
