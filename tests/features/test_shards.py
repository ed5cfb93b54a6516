import json
import os
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import siamlab as sl
from siamlab import errors
from siamlab.features import shards

SPECTROGRAM = sl.Spectrogram(n_mels=20)


def test_a_folder_of_shards_can_be_moved_and_opened(cache, recordings, folder, extract):
    written = extract(recordings)
    expected = list(written)
    moved = folder.rename(folder.with_name("moved"))
    features = pickle.loads(pickle.dumps(sl.Features.open(moved)))
    assert (features.spectrogram, features.folder) == (SPECTROGRAM, moved)
    pd.testing.assert_frame_equal(features.table, written.table)
    np.testing.assert_equal(list(features), expected)


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
    stored = json.loads(json.dumps(table.to_dict("list")))
    found = shards.table_from_json(stored)
    pd.testing.assert_frame_equal(found, table, check_exact=True)


def test_decibels_out_of_range_are_clipped():
    steps = shards.quantize(np.array([-400.0, 400.0], np.float32))
    assert steps.tolist() == [-32768, 32767]


@pytest.mark.parametrize("name", ["00001.npy", "00001.json"])
def test_a_damaged_shard_cannot_be_opened(cache, recordings, folder, extract, name):
    extract(recordings)
    os.truncate(folder / name, 20)
    with pytest.raises(errors.StorageError, match=r"00001.npy is missing .* to resume"):
        sl.Features.open(folder)
    extract(recordings)
    assert len(sl.Features.open(folder)) == 12


def test_a_folder_is_for_one_corpus(cache, recordings, folder, extract):
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
    bounds = shards.shard_rows(durations, SPECTROGRAM, shard_bytes)
    rows = [row for each in bounds for row in each]
    assert rows == list(range(len(durations)))
    longer = shards.shard_rows([*durations, 5.0], SPECTROGRAM, shard_bytes)
    assert longer[: len(bounds) - 1] == bounds[:-1]


def test_only_a_part_of_a_file_is_read(cache, recordings, folder, extract):
    features = extract(recordings)
    expected = features.cut(0, 3, 10)
    os.truncate(folder / "00000.npy", 128 + 13 * 20 * 2)  # frames, mel bands, bytes
    np.testing.assert_equal(features.cut(0, 3, 10), expected)
