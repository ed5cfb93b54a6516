"""Extraction into memory, the cache and shards."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

import siamlab as sl
from siamlab import errors

SPECTROGRAM = sl.Spectrogram(n_mels=20)
MEMORY, CACHE = {"cache": False}, {}
everywhere = pytest.mark.parametrize("where", ["memory", "cache", "shards"])
on_disk = pytest.mark.parametrize("where", ["cache", "shards"])


@pytest.fixture
def storage(cache, storage, where):
    return {"memory": MEMORY, "cache": CACHE, "shards": storage}[where]


def assert_spectrograms(features, recordings):
    assert features.table.path.tolist() == recordings.table.path.tolist()
    # Shards are rounded to hundredths of a decibel.
    tolerance = 0 if features.folder is None else 0.00501
    for frames, recording in zip(features, recordings, strict=True):
        assert frames.dtype == np.float32
        np.testing.assert_allclose(frames, SPECTROGRAM(*recording), 0, tolerance)


@everywhere
@pytest.mark.parametrize("n_jobs", [None, 1])
def test_a_corpus_is_extracted_in_its_order(recordings, extract, n_jobs):
    features = extract(recordings, n_jobs=n_jobs)
    assert repr(features) == "12 spectrograms, 3 speakers"
    assert features.speakers.tolist() == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    assert_spectrograms(features, recordings)


@everywhere
def test_utterances_are_selected_cut_and_mapped(recordings, extract):
    features = extract(recordings)
    chosen = features.select(features.speakers == "b").select([2, 0])
    assert_spectrograms(chosen, recordings.select([6, 4]))
    assert_spectrograms(features[1:3], recordings.select([1, 2]))
    assert_spectrograms(features[[2, 0]], recordings.select([2, 0]))
    of_b = features[features.speakers == "b"]
    assert_spectrograms(of_b, recordings.select([4, 5, 6, 7]))
    assert len(features.select([])) == 0
    louder = features.map(lambda frames: frames + 6)
    np.testing.assert_array_equal(louder[3], features[3] + 6)
    for each in (features, chosen, louder):
        assert each.lengths.tolist() == [len(array) for array in each]
        np.testing.assert_array_equal(each.cut(1, 3, 5), each[1][3:8])
        np.testing.assert_array_equal(each.cut(0, 40, 999), each[0][40:])
        assert len(each.cut(0, 999, 5)) == 0


@everywhere
def test_unusable_recordings_are_rejected_alone(recordings, extract, capfd):
    paths = recordings.table.path
    with_nan = np.where(np.arange(16000) == 77, np.nan, 0.1)
    os.truncate(paths[0], 8000)
    soundfile.write(paths[1], np.full(16000, 0.01), 16000)
    soundfile.write(paths[2], with_nan, 16000, subtype="FLOAT")
    soundfile.write(paths[7], np.linspace(0, 0.1, 300), 16000)
    reasons = ["truncated", "silent", "1 samples that are NaN", "at least 400 samples"]
    features = extract(recordings)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"4 of 12 recordings rejected ({paths[0]}: is truncated")
    assert_spectrograms(features, recordings.select([3, 4, 5, 6, 8, 9, 10, 11]))
    assert features.rejected.path.tolist() == paths[[0, 1, 2, 7]].tolist()
    for reason, expected in zip(features.rejected.reason, reasons, strict=True):
        assert expected in reason
    # A recording that was replaced is tried again.
    shutil.copy(paths[4], paths[7])
    assert len(extract(recordings).rejected) == 3


@everywhere
def test_it_is_an_error_if_no_recording_is_usable(recordings, extract):
    for path in recordings.table.path:
        os.truncate(path, 20)
    with pytest.raises(errors.AudioError, match="12 of 12 recordings rejected"):
        extract(recordings)


@pytest.mark.slow
@on_disk
def test_a_killed_extraction_is_resumed(recordings, extract, storage, contents):
    program = """
import json, sys, time
import siamlab as sl
from siamlab import audio
blocks = audio.blocks
def slow_blocks(path, **part):
    time.sleep(0.1)
    print("read", flush=True)
    return blocks(path, **part)
audio.blocks = slow_blocks
corpus, storage = sl.corpora.folder(sys.argv[1]), json.loads(sys.argv[2])
sl.extract(corpus, sl.Spectrogram(n_mels=20), n_jobs=1, **storage)
"""
    root = os.path.dirname(os.path.dirname(recordings.table.path[0]))
    command = [sys.executable, "-c", program, root, json.dumps(storage, default=str)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for _ in range(6):
            assert process.stdout.readline() == b"read\n"
        process.send_signal(signal.SIGKILL)
    before = contents()
    assert before
    assert_spectrograms(extract(recordings), recordings)
    assert before.items() < contents().items()


@on_disk
def test_stored_arrays_are_not_computed_again(recordings, extract, monkeypatch):
    expected = list(extract(recordings))
    monkeypatch.setattr(sl.Spectrogram, "from_file", None)
    np.testing.assert_equal(list(extract(recordings)), expected)


@on_disk
def test_only_damaged_files_are_made_again(recordings, extract, contents):
    features = extract(recordings)
    before = contents()
    cut, longer, missing, garbled, *_ = before
    os.truncate(cut, 200)
    garbled.write_bytes(garbled.read_bytes().replace(b"descr", b"other"))
    longer.write_bytes(longer.read_bytes() + b"x")
    missing.unlink()
    with pytest.raises(errors.StorageError, match=r"cannot read .*call siamlab\.extr"):
        list(features)
    assert_spectrograms(extract(recordings), recordings)
    assert_spectrograms(features, recordings)
    after = contents()
    changed = {path for path in after if after[path] != before[path]}
    assert changed == {cut, longer, missing, garbled}


@on_disk
def test_only_a_changed_recording_is_read_again(recordings, extract, contents, rng):
    extract(recordings)
    before = contents()
    soundfile.write(recordings.table.path[0], rng.uniform(-0.5, 0.5, 9600), 16000)
    assert_spectrograms(extract(recordings), recordings)
    changed = contents().items() - before.items()
    assert len(changed) == 1


@pytest.mark.parametrize("where", ["cache"])
def test_the_cache_depends_on_content(recordings, extract, contents, tmp_path):
    extract(recordings)
    (tmp_path / "corpus").rename(tmp_path / "moved")
    extract(sl.corpora.folder(tmp_path / "moved"))
    assert len(contents()) == 12
    assert sl.extract(sl.corpora.folder(tmp_path / "moved"))[0].shape[1] == 128


@pytest.mark.parametrize("where", ["cache"])
def test_parts_of_one_file_can_be_utterances(recordings, extract):
    table = recordings.table.iloc[[5, 5]].assign(start=[0.0, 0.25], duration=[0.2, 0.5])
    features = extract(sl.corpora.Corpus(table, "parts"))
    assert features.lengths.tolist() == [18, 48]


def test_transcripts_leave_out_pauses():
    phones = [("a", 0, 1), ("sil", 1, 2), ("b", 2, 3)]
    table = pd.DataFrame({"speaker": ["x", "y"], "phones": [phones, None]})
    features = sl.Features([np.zeros((3, 2))] * 2, table)
    assert features.transcripts() == [["a", "b"], []]


def test_only_a_corpus_is_extracted():
    message = r"must be a Corpus; got a str\. siamlab\.corpora\.recordings\(path\)"
    with pytest.raises(errors.ArgumentError, match=message):
        sl.extract("recordings")


def test_each_array_needs_a_row_of_the_table():
    with pytest.raises(errors.ArgumentError, match="2 arrays and 1 rows"):
        sl.Features([np.zeros((3, 2))] * 2, pd.DataFrame({"speaker": ["x"]}))
