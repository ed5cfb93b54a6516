import json
import os
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab import errors
from siamlab.features import shards

SPECTROGRAM = sl.Spectrogram(n_mels=20)


@pytest.fixture
def changed(contents):
    """Names of the shards that were written after some contents, when called."""
    return lambda before: {
        name for name, content in contents().items() if before.get(name) != content
    }


def test_shards_contain_the_same_spectrograms_and_table(
    cache, recordings, folder, extract, contents
):
    plain = sl.extract(recordings, SPECTROGRAM)
    written = extract(recordings)
    assert len(contents()) > 3
    moved = folder.rename(folder.with_name("moved"))
    features = pickle.loads(pickle.dumps(sl.Features.open(moved)))
    assert repr(features) == repr(written) == repr(plain)
    assert (features.spectrogram, features.folder) == (SPECTROGRAM, moved)
    pd.testing.assert_frame_equal(features.table, plain.table)
    np.testing.assert_array_equal(features.lengths, plain.lengths)
    for a, b in zip(features, plain, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, atol=0.00501)
    chosen = features.select([9, 2, 4]).select([1, 0])
    for i, row in enumerate((2, 9)):
        np.testing.assert_array_equal(chosen.cut(i, 7, 5), features[row][7:12])


def test_shards_of_speech_give_the_same_embeddings_and_phones(cache, folder):
    corpus = sl.corpora.voices(n_speakers=1, n_utterances=3)
    plain, features = sl.extract(corpus), sl.extract(corpus, folder=folder)
    assert features.transcripts() == plain.transcripts()
    a, b = (np.asarray(sl.embed(each)) for each in (features, plain))
    assert (a * b).sum(axis=1).min() > 0.99999


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
phones = st.lists(st.tuples(texts, st.floats(0, 9), st.floats(0, 9)))
columns = {
    "speaker": texts,
    "duration": st.floats(),
    "take": st.integers(-(2**40), 2**40),
    "studio": st.booleans(),
    "room": st.none() | texts,
    "phones": st.none() | phones,
}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=5))
def test_a_table_is_stored_to_the_last_digit(rows):
    table = pd.DataFrame(rows)
    stored = json.loads(json.dumps(shards.table_to_json(table)))
    found = shards.table_from_json(stored)
    pd.testing.assert_frame_equal(found, table, check_exact=True)


def test_decibels_out_of_range_are_clipped():
    steps = shards.quantize(np.array([-400.0, 400.0], np.float32))
    assert steps.tolist() == [-32768, 32767]


def test_an_interrupted_extraction_is_resumed(
    cache, recordings, folder, extract, contents, changed, monkeypatch
):
    from_file = sl.Spectrogram.from_file

    def interrupted(self, path, *part):
        if path == recordings.table.path[6]:
            raise KeyboardInterrupt
        return from_file(self, path, *part)

    with monkeypatch.context() as patch:
        patch.setattr(sl.Spectrogram, "from_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            extract(recordings, n_jobs=1)
    before = contents()
    assert before
    with pytest.raises(errors.StorageError, match=r"npy is missing .* to resume"):
        sl.Features.open(folder)
    assert len(extract(recordings)) == 12
    assert not changed(before) & set(before)
    monkeypatch.setattr(sl.Spectrogram, "from_file", None)
    assert len(extract(recordings)) == 12  # nothing is computed again


@pytest.mark.parametrize("damage", ["cut", "longer", "gone", "index"])
def test_only_a_damaged_shard_is_made_again(
    cache, recordings, folder, extract, contents, changed, damage
):
    features = extract(recordings)
    expected, before = list(features), contents()
    path = folder / "00001.npy"
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "index":
        path.with_suffix(".json").write_text("{")
    else:
        path.write_bytes(content[:200] if damage == "cut" else content + b"x")
    with pytest.raises(errors.StorageError, match=r"00001\.npy is missing or damaged"):
        sl.Features.open(folder)
    extract(recordings)
    assert changed(before) == {"00001.npy"}
    for a, b in zip(features, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_changed_recording_changes_only_its_shard(
    cache, recordings, extract, contents, changed, rng
):
    extract(recordings)
    before = contents()
    soundfile.write(recordings.table.path[0], rng.uniform(-0.5, 0.5, 9600), 16000)
    features = extract(recordings)
    np.testing.assert_allclose(features[0], SPECTROGRAM(*recordings[0]), atol=0.00501)
    assert changed(before) == {"00000.npy"}


def test_each_row_is_in_one_shard_or_rejected(
    cache, recordings, folder, extract, capsys
):
    bad = recordings.table.path[[0, 1, 2, 3, 7]].tolist()  # all of the first shard
    for path in bad:
        os.truncate(path, 20)
    extract(recordings)
    assert capsys.readouterr().err.count("5 of 12 recordings rejected") == 1
    features = sl.Features.open(folder)
    assert features.rejected.path.tolist() == bad
    assert sorted([*features.table.path, *bad]) == sorted(recordings.table.path)
    expected = SPECTROGRAM(*recordings[11])
    np.testing.assert_allclose(features[6], expected, atol=0.00501)
    # A recording that was replaced is tried again.
    shutil.copy(recordings.table.path[4], recordings.table.path[0])
    assert len(extract(recordings).rejected) == 4


def test_a_folder_is_for_one_corpus_and_one_spectrogram(
    cache, recordings, folder, extract
):
    with pytest.raises(errors.StorageError, match="contains no spectrograms"):
        sl.Features.open(folder)
    extract(recordings)
    with pytest.raises(errors.StorageError, match="contains other spectrograms"):
        extract(recordings.select(range(5)))
    with pytest.raises(errors.StorageError, match="contains other spectrograms"):
        sl.extract(recordings, folder=folder, shard_bytes=8000)
    (folder / "corpus.json").unlink()
    with pytest.raises(errors.StorageError, match="contains other spectrograms"):
        extract(recordings)


@given(st.lists(st.floats(0.1, 9) | st.just(np.nan), min_size=1), st.integers(1, 10**5))
def test_the_bounds_of_shards_do_not_depend_on_later_rows(durations, shard_bytes):
    bounds = shards.shard_bounds(durations, SPECTROGRAM, shard_bytes)
    rows = [row for first, stop in bounds for row in range(first, stop)]
    assert rows == list(range(len(durations)))
    longer = shards.shard_bounds([*durations, 5.0], SPECTROGRAM, shard_bytes)
    assert longer[: len(bounds) - 1] == bounds[:-1]


def test_a_part_of_an_utterance_is_read_without_the_rest(
    cache, recordings, extract, monkeypatch
):
    features = extract(recordings)
    sizes, frombuffer = [], np.frombuffer

    def counted(content, dtype):
        sizes.append(len(content))
        return frombuffer(content, dtype)

    monkeypatch.setattr(np, "frombuffer", counted)
    features.cut(5, 3, 10)
    assert sizes == [10 * 20 * 2]  # frames, mel bands, bytes
