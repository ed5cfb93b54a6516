import itertools
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
from siamlab.features import manifest, plan, shards, tables

SPECTROGRAM = sl.Spectrogram(n_mels=20)
SHARD_BYTES = 8000  # two or three utterances of those below


@pytest.fixture
def recordings(tmp_path, rng):
    """Twelve recordings of three speakers, as a corpus."""
    for i in range(12):
        path = tmp_path / "corpus" / "abc"[i // 4] / f"{i:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, rng.uniform(-0.5, 0.5, 8000 + 800 * i), 16000)
    return sl.corpora.folder(tmp_path / "corpus")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shards"


def sharded(corpus, folder, **others):
    return sl.extract(
        corpus, SPECTROGRAM, folder=folder, shard_bytes=SHARD_BYTES, **others
    )


def contents(folder):
    """Bytes and time of change of each shard."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.glob("*.npy")
    }


lengths = st.lists(st.integers(1, 9), min_size=1, max_size=20)


@settings(deadline=None, max_examples=50)
@given(lengths, st.data())
def test_however_utterances_are_cut_into_shards_they_come_back(
    tmp_path_factory, lengths, data
):
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    arrays = [rng.normal(-60, 30, (n, 3)).astype(np.float32) for n in lengths]
    n = len(arrays)
    cuts = sorted({0, n, *data.draw(st.sets(st.integers(1, n), max_size=5))})
    files, number, first = [], [], []
    for k, (a, b) in enumerate(itertools.pairwise(cuts)):
        path = folder / plan.file(k)
        shards.write(path, [shards.quantize(x) for x in arrays[a:b]], 3, {"k": k})
        assert shards.about(path)["k"] == k
        assert shards.whole(path)
        assert len(np.load(path)) == sum(lengths[a:b])
        files.append((path.name, shards.about(path)["checksum"]))
        number += [k] * (b - a)
        first += [sum(lengths[a:i]) for i in range(a, b)]
    found = shards.Shards(folder, files, 3, number, first, lengths)
    rows = data.draw(st.lists(st.integers(0, n - 1), max_size=8))
    some = pickle.loads(pickle.dumps(found.take(np.array(rows, int))))
    for each, expected in ((found, arrays), (some, [arrays[i] for i in rows])):
        assert [len(x) for x in expected] == each.lengths.tolist()
        for i, array in enumerate(expected):
            assert each[i].dtype == np.float32
            np.testing.assert_allclose(each[i], array, atol=0.00501)
            start, stop = data.draw(st.tuples(st.integers(0, 9), st.integers(0, 12)))
            np.testing.assert_array_equal(
                each.cut(i, start, stop), each[i][start : start + stop]
            )


@settings(deadline=None)
@given(st.data())
def test_a_byte_that_changed_anywhere_is_noticed(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("shards") / "0.npy"
    shards.write(path, [np.ones((4, 2), "<i2")], 2, {"lengths": [4]})
    content = bytearray(path.read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    content[where] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert not shards.whole(path)
    path.write_bytes(content[:where])
    assert not shards.whole(path)


@pytest.mark.parametrize("value", [-400.0, 400.0])
def test_what_is_out_of_range_stands_at_its_end(value):
    found = shards.quantize(np.array([[value]], np.float32)) / shards.PER_DB
    assert found[0, 0] in (shards.LOWEST, shards.HIGHEST)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "speaker": texts,
                "text": texts,
                "start": st.floats(allow_nan=False),
                "duration": st.floats(),
                "take": st.integers(-(2**40), 2**40),
                "studio": st.booleans(),
                "room": st.none() | texts,
                "phones": st.none()
                | st.lists(st.tuples(texts, st.floats(0, 9), st.floats(0, 9))),
                "marks": st.lists(texts),
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_table_comes_back_as_it_was(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    table = pd.DataFrame(rows)
    columns = json.loads(json.dumps(tables.write(path, table)))
    pd.testing.assert_frame_equal(tables.read(path, columns), table)


def test_shards_hold_what_arrays_hold(cache, recordings, folder):
    plain = sl.extract(recordings, SPECTROGRAM)
    for features in (sharded(recordings, folder), sl.Features.open(folder)):
        assert repr(features) == repr(plain)
        assert features.spectrogram == SPECTROGRAM
        pd.testing.assert_frame_equal(features.table, plain.table)
        np.testing.assert_array_equal(features.lengths, plain.lengths)
        for a, b in zip(features, plain, strict=True):
            np.testing.assert_allclose(a, b, atol=0.00501)
    assert len(contents(folder)) > 3
    assert not list(folder.glob("*.part"))


def test_shards_of_real_speech_hold_what_arrays_hold(cache, data, folder):
    corpus = sl.corpora.librispeech(data / "librispeech-mini", "test-other")
    encoder = sl.encoder()
    plain = sl.extract(corpus, encoder.spectrogram)
    features = sl.extract(corpus, encoder.spectrogram, folder=folder, shard_bytes=10**6)
    assert len(contents(folder)) == 8
    for a, b in zip(features, plain, strict=True):
        np.testing.assert_allclose(a, b, atol=0.00501)
    a, b = (np.asarray(sl.embed(encoder, x)) for x in (features, plain))
    assert (a * b).sum(axis=1).min() > 0.99999


def test_phones_and_further_columns_come_along(cache, folder):
    corpus = sl.corpora.voices(n_speakers=2, n_utterances=3)
    features = sl.extract(corpus, folder=folder)
    pd.testing.assert_frame_equal(features.table, corpus.table)
    assert features.transcripts() == sl.extract(corpus).transcripts()


def test_what_is_there_is_not_made_again(cache, recordings, folder, monkeypatch):
    sharded(recordings, folder)
    before = contents(folder)
    monkeypatch.setattr(audio, "read", None)
    assert len(sharded(recordings, folder)) == 12
    assert contents(folder) == before


@pytest.mark.parametrize("where", [10, 500, -40, -3])
def test_a_damaged_shard_alone_is_made_again(cache, recordings, folder, where):
    sharded(recordings, folder)
    before = contents(folder)
    path = folder / plan.file(1)
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    assert sl.features.damaged(folder) == [path.name]
    sharded(recordings, folder)
    after = contents(folder)
    assert {name for name in after if after[name] != before[name]} == {path.name}
    assert after[path.name][0] == before[path.name][0]
    assert sl.features.damaged(folder) == []


def test_a_recording_that_changed_changes_its_shard_alone(
    cache, recordings, folder, rng
):
    sharded(recordings, folder)
    before, old = contents(folder), sl.Features.open(folder)
    soundfile.write(recordings.table.path[0], rng.uniform(-0.5, 0.5, 9600), 16000)
    features = sharded(recordings, folder)
    np.testing.assert_allclose(features[0], SPECTROGRAM(*recordings[0]), atol=0.00501)
    after = contents(folder)
    assert [name for name in after if after[name] != before[name]] == [plan.file(0)]
    # Who had opened it before is told, rather than given other frames.
    with pytest.raises(errors.StorageError, match="made again meanwhile"):
        old[0]


def test_each_row_is_in_one_shard_or_rejected(cache, recordings, folder, capsys):
    for i in (0, 1, 2, 3, 7):  # the first shard has none left
        with open(recordings.table.path[i], "wb") as file:
            file.write(b"no sound")
    features = sharded(recordings, folder)
    assert capsys.readouterr().err.count("5 of 12 recordings rejected") == 1
    for found in (features, sl.Features.open(folder)):
        assert found.rejected.path.tolist() == [
            recordings.table.path[i] for i in (0, 1, 2, 3, 7)
        ]
        assert sorted([*found.table.path, *found.rejected.path]) == sorted(
            recordings.table.path
        )
        expected = SPECTROGRAM(*recordings[11])
        np.testing.assert_allclose(found[6], expected, atol=0.00501)
    entries = json.loads((folder / "manifest.json").read_text())["shards"]
    assert entries[0]["frames"] == 0
    for _ in range(2):  # made, and found
        with pytest.raises(errors.AudioError, match=r"00\.wav"):
            sharded(recordings, folder, strict=True)
    # It is tried again when it is another file.
    shutil.copy(recordings.table.path[4], recordings.table.path[0])
    assert len(sharded(recordings, folder).rejected) == 4


def test_a_row_that_is_in_no_shard_is_noticed(cache, recordings, folder):
    sharded(recordings, folder)
    made = plan.Plan(recordings, SPECTROGRAM, SHARD_BYTES)
    shutil.copy(folder / plan.file(0), folder / plan.file(1))
    with pytest.raises(errors.StorageError, match=r"00001.npy is not what a worker"):
        manifest.collect(made, folder, recordings)


def test_a_corpus_of_which_nothing_is_left_is_named(cache, recordings, folder):
    for path in recordings.table.path:
        os.truncate(path, 0)
    with pytest.raises(errors.AudioError, match="none is left"):
        sharded(recordings, folder)


def test_a_folder_is_for_one_corpus(cache, recordings, folder):
    sharded(recordings, folder)
    with pytest.raises(errors.StorageError, match="holds other spectrograms"):
        sharded(recordings.select(range(5)), folder)
    with pytest.raises(errors.StorageError, match="holds other spectrograms"):
        sl.extract(recordings, folder=folder)


def test_a_folder_that_is_not_finished_says_so(cache, recordings, folder):
    with pytest.raises(errors.StorageError, match="no finished spectrograms"):
        sl.Features.open(folder)
    sharded(recordings, folder)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(errors.StorageError, match=r"manifest.json is damaged"):
        sl.Features.open(folder)
    sharded(recordings, folder)
    with open(folder / "table.csv", "a") as file:
        file.write("x")
    with pytest.raises(errors.StorageError, match=r"table.csv is gone or damaged"):
        sl.Features.open(folder)
    assert sl.features.damaged(folder) == ["table.csv"]


def test_a_folder_can_move(cache, recordings, folder, tmp_path):
    expected = list(sharded(recordings, folder))
    folder.rename(tmp_path / "moved")
    shutil.rmtree(tmp_path / "corpus")
    for a, b in zip(sl.Features.open(tmp_path / "moved"), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_floor_that_is_out_of_range_is_named(recordings):
    with pytest.raises(errors.ArgumentError, match=r"-327.68 .* floor=-400"):
        plan.Plan(recordings, sl.Spectrogram(floor_db=-400))


def test_which_shard_a_row_is_in_depends_on_the_corpus_alone(recordings):
    few, many = (
        plan.Plan(recordings.select(np.arange(n)), SPECTROGRAM, SHARD_BYTES)
        for n in (9, 12)
    )
    # What is added behind leaves those in front as they are.
    assert few.rows[:-1] == many.rows[: len(few) - 1]
    assert many.cuts[0] == 0
    assert many.cuts[-1] == 12
    assert (np.diff(many.cuts) > 0).all()
    with pytest.raises(errors.ArgumentError, match="shard_bytes must be positive"):
        plan.Plan(recordings, SPECTROGRAM, 0)


def test_a_batch_reads_segments_and_not_recordings(cache, recordings, folder):
    features = sharded(recordings, folder)
    plain = sl.extract(recordings, SPECTROGRAM)
    touched = []
    cut = features._arrays.cut
    features._arrays.cut = lambda i, first, n: touched.append(n) or cut(i, first, n)
    for kind in (sl.sampling.SpeakerBatches, sl.sampling.PairBatches):
        a, b = (kind(x, frames=10, seed=1) for x in (features, plain))
        assert len(a) == len(b)
        assert not touched
        (x, y), (u, v) = a[0], b[0]
        np.testing.assert_allclose(np.stack(x), np.stack(u), atol=0.00501)
        np.testing.assert_array_equal(y, v)
        assert set(touched) == {10}
        touched.clear()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not limit open files")
def test_more_files_than_a_process_may_open_can_be_read(
    cache, recordings, folder, monkeypatch
):
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 60
    both = [sharded(recordings, folder), sl.extract(recordings, SPECTROGRAM)]
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = []
    monkeypatch.setattr(sl.features.arrays, "_open_files", lambda: 6)
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 8, hard))
    try:
        for pair in zip(*both, strict=True):  # in turn: the limit is for both
            opened.append([np.array(x) for x in pair])
            assert sum(len(x._arrays._open._open) for x in both) <= 3
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    for a, b in opened:
        np.testing.assert_allclose(a, b, atol=0.00501)


def test_a_shard_that_cannot_be_read_is_named(cache, recordings, folder):
    features = sharded(recordings, folder)
    first, second, *_ = (folder / plan.file(k) for k in range(3))
    first.unlink()
    second.unlink()
    second.mkdir()
    with pytest.raises(
        errors.StorageError, match=f"{first.name} is gone; make it again"
    ):
        features[0]
    of_second = int(np.flatnonzero(features._arrays._shard == 1)[0])
    with pytest.raises(
        errors.StorageError, match="there and cannot be opened: Is a dir"
    ):
        features[of_second]
