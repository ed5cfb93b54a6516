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
from siamlab import audio, errors
from siamlab.features import shards

SPECTROGRAM = sl.Spectrogram(n_mels=20)
SHARD_BYTES = 8000  # two or three utterances


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shards"


def extract(corpus, folder, **arguments):
    arguments = {"shard_bytes": SHARD_BYTES, **arguments}
    return sl.extract(corpus, SPECTROGRAM, folder=folder, **arguments)


def contents(folder):
    """Bytes and modification time of each shard."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.glob("*.npy")
    }


def changed(before, folder):
    """Names of the shards that differ from those before, or were written again."""
    after = contents(folder)
    return sorted(name for name in after if after[name] != before.get(name))


def test_shards_contain_the_same_spectrograms_and_table(cache, recordings, folder):
    plain = sl.extract(recordings, SPECTROGRAM)
    written = extract(recordings, folder)
    assert len(contents(folder)) > 3
    for features in (
        written,
        sl.Features.open(folder),
        pickle.loads(pickle.dumps(written)),
    ):
        assert repr(features) == repr(plain)
        assert features.spectrogram == SPECTROGRAM
        assert features.folder == folder
        pd.testing.assert_frame_equal(features.table, plain.table)
        np.testing.assert_array_equal(features.lengths, plain.lengths)
        for a, b in zip(features, plain, strict=True):
            assert a.dtype == np.float32
            np.testing.assert_allclose(a, b, atol=0.00501)
    chosen = features.select([9, 2, 4]).select([1, 0])
    for i, row in enumerate((2, 9)):
        np.testing.assert_array_equal(chosen[i], features[row])
        np.testing.assert_array_equal(chosen.cut(i, 7, 5), features[row][7:12])


def test_shards_of_real_speech_give_the_same_embeddings(cache, data, folder):
    corpus = sl.corpora.librispeech(data / "librispeech-mini", "test-other")
    encoder = sl.encoder()
    plain = sl.extract(corpus, encoder.spectrogram)
    features = sl.extract(corpus, encoder.spectrogram, folder=folder, shard_bytes=10**6)
    a, b = (np.asarray(sl.embed(encoder, x)) for x in (features, plain))
    assert (a * b).sum(axis=1).min() > 0.99999


def test_phones_are_stored_in_the_table(cache, folder):
    corpus = sl.corpora.voices(n_speakers=2, n_utterances=3)
    features = sl.extract(corpus, folder=folder)
    pd.testing.assert_frame_equal(features.table, corpus.table)
    assert features.transcripts() == sl.extract(corpus).transcripts()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
tables = st.lists(
    st.fixed_dictionaries(
        {
            "speaker": texts,
            "start": st.floats(allow_nan=False),
            "duration": st.floats(),
            "take": st.integers(-(2**40), 2**40),
            "studio": st.booleans(),
            "room": st.none() | texts,
            "phones": st.none()
            | st.lists(st.tuples(texts, st.floats(0, 9), st.floats(0, 9))),
        }
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=50)
@given(tables)
def test_a_table_is_stored_to_the_last_digit(rows):
    table = pd.DataFrame(rows)
    text = json.dumps(shards.encode_table(table))
    pd.testing.assert_frame_equal(shards.decode_table(json.loads(text)), table)


def test_decibels_out_of_range_are_clipped():
    steps = shards.quantize(np.array([-400.0, 400.0], np.float32))
    assert steps.tolist() == [-32768, 32767]


def test_complete_shards_are_not_made_again(cache, recordings, folder, monkeypatch):
    extract(recordings, folder)
    before = contents(folder)
    monkeypatch.setattr(audio, "read", None)
    assert len(extract(recordings, folder)) == 12
    assert changed(before, folder) == []


def test_an_interrupted_extraction_is_resumed(cache, recordings, folder, monkeypatch):
    read = audio.read

    def limited_read(path, **part):
        if path == recordings.table.path[6]:
            raise KeyboardInterrupt
        return read(path, **part)

    monkeypatch.setattr(audio, "read", limited_read)
    with pytest.raises(KeyboardInterrupt):
        extract(recordings, folder, n_jobs=1)
    before = contents(folder)
    assert before
    with pytest.raises(errors.StorageError, match="no finished spectrograms"):
        sl.Features.open(folder)
    (folder / "00000.npy.123.part").write_bytes(b"left by a killed worker")
    monkeypatch.setattr(audio, "read", read)
    assert len(extract(recordings, folder)) == 12
    assert not set(changed(before, folder)) & set(before)
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("damage", ["cut", "longer", "header", "gone", "no index"])
def test_only_a_damaged_shard_is_made_again(cache, recordings, folder, damage):
    features = extract(recordings, folder)
    expected, before = list(features), contents(folder)
    path = folder / "00001.npy"
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "no index":
        path.with_suffix(".json").write_text("{")
    else:
        header = content.replace(b"(", b"[")
        path.write_bytes(
            {"cut": content[:200], "longer": content + b"x", "header": header}[damage]
        )
    if damage in ("cut", "gone"):
        with pytest.raises(errors.StorageError, match=r"00001\.npy"):
            list(features)
    if damage in ("cut", "gone", "longer"):
        with pytest.raises(errors.StorageError, match=r"00001\.npy is missing"):
            sl.Features.open(folder)
    again = extract(recordings, folder)
    assert changed(before, folder) == ["00001.npy"]
    for each in (again, features):
        for a, b in zip(each, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_changed_recording_changes_only_its_shard(cache, recordings, folder, rng):
    extract(recordings, folder)
    before = contents(folder)
    soundfile.write(recordings.table.path[0], rng.uniform(-0.5, 0.5, 9600), 16000)
    features = extract(recordings, folder)
    np.testing.assert_allclose(features[0], SPECTROGRAM(*recordings[0]), atol=0.00501)
    assert changed(before, folder) == ["00000.npy"]


def test_each_row_is_in_one_shard_or_rejected(cache, recordings, folder, capsys):
    bad = recordings.table.path[[0, 1, 2, 3, 7]].tolist()  # all of the first shard
    for path in bad:
        os.truncate(path, 20)
    features = extract(recordings, folder)
    assert capsys.readouterr().err.count("5 of 12 recordings rejected") == 1
    for found in (features, sl.Features.open(folder)):
        assert found.rejected.path.tolist() == bad
        assert sorted([*found.table.path, *bad]) == sorted(recordings.table.path)
        expected = SPECTROGRAM(*recordings[11])
        np.testing.assert_allclose(found[6], expected, atol=0.00501)
    for path in (folder, folder.with_name("new")):  # found, and made
        with pytest.raises(errors.AudioError, match=r"00\.wav"):
            extract(recordings, path, strict=True)
    # A recording that was replaced is tried again.
    shutil.copy(recordings.table.path[4], recordings.table.path[0])
    assert len(extract(recordings, folder).rejected) == 4


def test_a_corpus_without_usable_recordings_is_refused(cache, recordings, folder):
    for path in recordings.table.path:
        os.truncate(path, 0)
    with pytest.raises(errors.AudioError, match="none of the 12 recordings"):
        extract(recordings, folder)


def test_a_folder_is_for_one_corpus_and_one_spectrogram(cache, recordings, folder):
    extract(recordings, folder)
    for corpus, spectrogram in (
        (recordings.select(range(5)), SPECTROGRAM),
        (recordings, sl.Spectrogram()),
    ):
        with pytest.raises(errors.StorageError, match="contains other spectrograms"):
            sl.extract(corpus, spectrogram, folder=folder, shard_bytes=SHARD_BYTES)


def test_a_folder_can_be_moved_without_its_recordings(cache, recordings, folder):
    expected = list(extract(recordings, folder))
    moved = folder.with_name("moved")
    folder.rename(moved)
    shutil.rmtree(folder.parent / "corpus")
    for a, b in zip(sl.Features.open(moved), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    (moved / "manifest.json").write_text('{"lengths": [1]}')
    with pytest.raises(errors.StorageError, match=r"manifest.json is damaged"):
        sl.Features.open(moved)


@given(st.lists(st.floats(0.1, 9) | st.just(np.nan), min_size=1), st.integers(1, 10**5))
def test_the_bounds_of_shards_depend_on_the_rows_before_alone(durations, shard_bytes):
    bounds = shards.shard_bounds(durations, SPECTROGRAM, shard_bytes)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == len(durations)
    assert all(first < stop for first, stop in bounds)
    assert [stop for _, stop in bounds[:-1]] == [first for first, _ in bounds[1:]]
    longer = shards.shard_bounds([*durations, 5.0], SPECTROGRAM, shard_bytes)
    assert longer[: len(bounds) - 1] == bounds[:-1]


@pytest.mark.parametrize(
    ("settings", "shard_bytes", "message"),
    [
        ({}, 0, "shard_bytes must be positive; got 0"),
        ({"floor_db": -400}, 10, r"store -327.68 .* floor_db=-400"),
    ],
)
def test_settings_that_shards_cannot_store_are_refused(settings, shard_bytes, message):
    with pytest.raises(errors.ArgumentError, match=message):
        shards.shard_bounds([1.0], sl.Spectrogram(**settings), shard_bytes)


@pytest.mark.parametrize("in_shards", [True, False])
def test_a_batch_reads_segments_and_not_recordings(
    cache, recordings, folder, monkeypatch, in_shards
):
    features = (
        extract(recordings, folder)
        if in_shards
        else sl.extract(recordings, SPECTROGRAM)
    )
    batches = sl.sampling.SpeakerBatches(
        features, n_speakers=3, n_segments=2, n_frames=10, seed=1
    )
    sizes, fromfile = [], np.fromfile

    def counted(path, dtype, count, **arguments):
        sizes.append(count)
        return fromfile(path, dtype, count, **arguments)

    monkeypatch.setattr(np, "fromfile", counted)
    batches[0]
    assert sizes == [10 * 20] * 6


@pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="counts by Linux's /proc"
)
def test_reading_leaves_no_file_open(cache, recordings, folder):
    before = len(os.listdir("/proc/self/fd"))
    arrays = [
        array
        for features in (
            extract(recordings, folder),
            sl.extract(recordings, SPECTROGRAM),
        )
        for array in features
    ]
    assert len(arrays) == 24
    assert len(os.listdir("/proc/self/fd")) == before
