import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

import siamlab as sl
from siamlab import audio, errors

SPECTROGRAM = sl.Spectrogram(n_mels=20)


def extract(corpus, **arguments):
    return sl.extract(corpus, SPECTROGRAM, **arguments)


def assert_equal_arrays(features, expected):
    for a, b in zip(features, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def entries(cache):
    return sorted(cache.rglob("*.npy"))


@pytest.mark.parametrize("arguments", [{}, {"n_jobs": 1}, {"cache": False}])
def test_a_corpus_is_extracted_in_its_order(cache, recordings, arguments):
    features = extract(recordings, **arguments)
    assert repr(features) == "12 spectrograms, 3 speakers"
    assert features.speakers.tolist() == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    assert_equal_arrays(features, [SPECTROGRAM(*each) for each in recordings])
    assert len(entries(cache)) == (12 if arguments.get("cache", True) else 0)


def test_cached_arrays_are_not_computed_again(cache, recordings, monkeypatch, tmp_path):
    expected = list(extract(recordings))
    # The content of a file matters, not its name.
    (tmp_path / "corpus").rename(tmp_path / "moved")
    monkeypatch.setattr(audio, "read", None)
    assert_equal_arrays(extract(sl.corpora.folder(tmp_path / "moved")), expected)


def test_other_settings_and_other_content_are_other_entries(cache, recordings, rng):
    before = extract(recordings)
    assert sl.extract(recordings)[0].shape[1] == 128
    soundfile.write(recordings.table.path[2], rng.uniform(-0.5, 0.5, 9600), 16000)
    after = extract(recordings)
    np.testing.assert_array_equal(after[0], before[0])
    assert np.abs(after[2] - before[2]).max() > 1


def test_damaged_entries_are_computed_again(cache, recordings):
    features = extract(recordings)
    expected = list(features)
    cut, longer, header, missing, *_ = entries(cache)
    os.truncate(cut, 1000)
    longer.write_bytes(longer.read_bytes() + b"x")
    header.write_bytes(header.read_bytes().replace(b"shape", b"shop."))
    missing.unlink()
    with pytest.raises(errors.StorageError, match=r"cannot read .*call siamlab\.extr"):
        list(features)
    assert_equal_arrays(extract(recordings), expected)
    assert_equal_arrays(features, expected)


def test_a_killed_extraction_is_resumed(cache, recordings, tmp_path):
    program = """
import sys, time
import siamlab as sl
from siamlab import audio
read = audio.read
def slow_read(path, **part):
    time.sleep(0.1)
    print("read", flush=True)
    return read(path, **part)
audio.read = slow_read
sl.extract(sl.corpora.folder(sys.argv[1]), sl.Spectrogram(n_mels=20), n_jobs=1)
"""
    command = [sys.executable, "-c", program, tmp_path / "corpus"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for _ in range(6):
            assert process.stdout.readline() == b"read\n"
        process.send_signal(signal.SIGKILL)
    before = {path: path.stat().st_mtime_ns for path in entries(cache)}
    assert 0 < len(before) < 12
    expected = [SPECTROGRAM(*each) for each in recordings]
    assert_equal_arrays(extract(recordings), expected)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_unusable_recordings_are_reported_and_the_others_are_extracted(
    cache, recordings, capfd
):
    paths = recordings.table.path
    with_nan = np.where(np.arange(16000) == 77, np.nan, 0.1)
    os.truncate(paths[1], 8000)
    soundfile.write(paths[3], np.zeros(16000), 16000)
    soundfile.write(paths[4], with_nan, 16000, subtype="FLOAT")
    soundfile.write(paths[7], np.full(300, 0.1), 16000)
    reasons = ["truncated", "silent", "1 samples that are NaN", "at least 400 samples"]
    features = extract(recordings)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"4 of 12 recordings rejected ({paths[1]}: is truncated")
    bad = recordings.select([1, 3, 4, 7])
    assert features.rejected.path.tolist() == bad.table.path.tolist()
    for reason, expected in zip(features.rejected.reason, reasons, strict=True):
        assert expected in reason
    good = recordings.select([0, 2, 5, 6, 8, 9, 10, 11])
    assert features.table.path.tolist() == good.table.path.tolist()
    assert_equal_arrays(features, [SPECTROGRAM(*each) for each in good])
    with pytest.raises(errors.AudioError, match=r"01\.wav"):
        extract(recordings, strict=True)
    with pytest.raises(errors.AudioError, match="4 of 4 recordings rejected"):
        extract(bad)


def test_parts_of_one_file_can_be_utterances(cache, recordings):
    table = recordings.table.iloc[[5, 5]].assign(start=[0.0, 0.25], duration=[0.2, 0.5])
    features = extract(sl.corpora.Corpus(table, "parts"))
    assert features.lengths.tolist() == [18, 48]


@pytest.mark.parametrize("cached", [True, False])
def test_utterances_are_selected_cut_and_mapped(cache, recordings, cached):
    features = extract(recordings, cache=cached)
    chosen = features.select(features.speakers == "b").select([2, 0])
    assert chosen.table.path.tolist() == recordings.table.path[[6, 4]].tolist()
    assert len(features.select([])) == 0
    assert_equal_arrays(features[1:3], [features[1], features[2]])
    louder = features.map(lambda frames: frames + 6)
    np.testing.assert_array_equal(louder[3], features[3] + 6)
    for each in (features, chosen, louder):
        assert each.lengths.tolist() == [len(array) for array in each]
        np.testing.assert_array_equal(each.cut(1, 3, 5), each[1][3:8])
        np.testing.assert_array_equal(each.cut(0, 40, 999), each[0][40:])
        assert len(each.cut(0, 999, 5)) == 0


def test_transcripts_leave_out_pauses():
    phones = [("a", 0, 1), ("sil", 1, 2), ("b", 2, 3)]
    table = pd.DataFrame({"speaker": ["x", "y"], "phones": [phones, None]})
    features = sl.Features([np.zeros((3, 2))] * 2, table)
    assert features.transcripts() == [["a", "b"], []]


def test_each_array_needs_a_row_of_the_table():
    with pytest.raises(errors.ArgumentError, match="2 arrays and 1 rows"):
        sl.Features([np.zeros((3, 2))] * 2, pd.DataFrame({"speaker": ["x"]}))
