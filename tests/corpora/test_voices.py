import hashlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from siamlab import corpora, errors

PROGRAM = """
import hashlib
from siamlab import corpora
for samples, _ in corpora.voices(n_speakers=2, n_utterances=2, seed=1):
    print(hashlib.md5(samples.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def corpus():
    """Two speakers with four utterances each."""
    return corpora.voices(n_speakers=2, n_utterances=4)


def test_the_recordings_do_not_depend_on_process_and_cache(in_a_process, tmp_path):
    other = in_a_process(PROGRAM, SIAMLAB_CACHE=str(tmp_path)).split()
    corpus = corpora.voices(n_speakers=2, n_utterances=2, seed=1)
    here = [hashlib.md5(samples.tobytes()).hexdigest() for samples, _ in corpus]
    assert here == other
    assert len(set(here)) == 4


def test_voices_are_synthesized_once_also_by_several_callers(cache, monkeypatch):
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(corpora.voices, "de", 1, 2) for _ in range(2)]
    monkeypatch.setattr(subprocess, "run", None)
    tables = [call.result().table for call in calls]
    assert all(corpora.voices("de", 1, 2).table.equals(table) for table in tables)


@pytest.mark.slow
def test_a_killed_synthesis_is_completed_by_the_next(cache):
    program = PROGRAM.replace("utterances=2", "utterances=12")
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        while process.poll() is None and not list(cache.rglob("*.flac")):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    corpus = corpora.voices(n_speakers=2, n_utterances=12, seed=1)
    assert len(corpus) == 24
    assert all(len(samples) > 8000 for samples, _ in corpus)


@pytest.mark.parametrize("damaged", ["table.json", "0001.flac"])
def test_a_damaged_entry_of_the_cache_is_synthesized_again(cache, damaged):
    before = corpora.voices(n_speakers=1, n_utterances=2)
    samples, _ = before[1]
    (path,) = cache.rglob(damaged)
    os.truncate(path, 100)
    after = corpora.voices(n_speakers=1, n_utterances=2)
    assert after.table.equals(before.table)
    np.testing.assert_array_equal(after[1][0], samples)


def test_phones_cover_the_utterance_and_have_stress(corpus):
    for row in corpus.table.itertuples():
        covered = sum(end - start for _, start, end in row.phones)
        assert covered == pytest.approx(row.duration, rel=0.1)
        assert not any(mark in symbol for symbol, _, _ in row.phones for mark in "ˈˌ(")
        assert "ˈ" in row.stress
        for (symbol, _, _), mark in zip(row.phones, row.stress, strict=True):
            assert not mark or set(symbol) & set("aeiouyøœɐɑɒɔəɛɜɪʊʌʏ")


def test_each_recording_has_its_own_level_and_a_studio_only_one(corpus):
    studio = corpora.voices(n_speakers=2, n_utterances=4, rooms=False)
    levels = [[np.abs(x).max() for x, _ in each] for each in (corpus, studio)]
    in_rooms, in_studio = 20 * np.log10(levels)
    assert in_studio == pytest.approx(-6, abs=0.01)
    assert in_rooms.min() > -24.1
    assert in_rooms.max() < -2.9
    assert in_rooms.std() > 1


def test_between_words_there_is_noise_in_a_room_and_none_in_a_studio(corpus):
    studio = corpora.voices(n_speakers=2, n_utterances=4, rooms=False)
    assert studio.table.phones.tolist() == corpus.table.phones.tolist()
    (dry, _), (wet, _) = studio[0], corpus[0]
    assert len(dry) == len(wet)
    quiet = [np.quantile(np.abs(x) / np.abs(x).max(), 0.05) for x in (dry, wet)]
    assert quiet[0] < 0.2 * quiet[1]


IMPOSSIBLE = {
    "one of de, en; got 'fr'": {"language": "fr"},
    "n_speakers must be from 1 to 74, .* got 75": {"n_speakers": 75},
    "n_utterances must be at least 1; got 0": {"n_utterances": 0},
    "sentences": {"n_speakers": 74, "n_utterances": 10**6},
}


@pytest.mark.parametrize(("message", "arguments"), IMPOSSIBLE.items())
def test_impossible_arguments_are_errors(arguments, message):
    with pytest.raises(errors.ArgumentError, match=message):
        corpora.voices(**arguments)


def test_the_error_says_how_to_install_espeak(cache, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(errors.CorpusError, match="Install espeakng-loader"):
        corpora.voices(n_speakers=1, n_utterances=1)
