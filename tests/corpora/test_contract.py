"""What every corpus promises."""

import pickle

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from siamlab import corpora, errors

COLUMNS = ["speaker", "session", "path", "start", "duration", "text", "phones"]


def a_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("folder")
    rng = np.random.default_rng(0)
    for speaker in ("Jürgen Groß", "Zoë"):
        for session in ("kitchen", "office"):
            for i in range(2):
                path = root / speaker / session / f"take {i}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, rng.uniform(-0.5, 0.5, 8000), 16000)
    return root


@pytest.fixture(
    scope="module", params=["voices", "folder", "librispeech", "fsdd", "timit"]
)
def corpus(request, tmp_path_factory):
    if request.param == "voices":
        return corpora.voices(speakers=3, utterances=2)
    if request.param == "folder":
        return corpora.folder(a_folder(tmp_path_factory))
    if request.param == "timit":
        write = request.getfixturevalue("a_timit")
        return corpora.timit(write(tmp_path_factory.mktemp("timit")))
    data = request.getfixturevalue("data")
    if request.param == "librispeech":
        return corpora.librispeech(data / "librispeech-mini", "test-other")
    return corpora.fsdd(data / "fsdd-mini")


def test_its_table_has_the_columns_in_order(corpus):
    table = corpus.table
    assert table.columns[: len(COLUMNS)].tolist() == COLUMNS
    assert table.index.tolist() == list(range(len(corpus)))
    for column in ("speaker", "session", "path", "text"):
        assert table[column].map(type).eq(str).all()
    assert (table.start >= 0).all()
    assert (table.duration > 0).all()
    assert not table.duplicated(["path", "start"]).any()


def test_a_session_belongs_to_one_speaker(corpus):
    assert (corpus.table.groupby("session").speaker.nunique() == 1).all()


def test_phones_lie_in_order_within_their_utterance(corpus):
    for phones, duration in zip(
        corpus.table.phones, corpus.table.duration, strict=True
    ):
        if phones is None:
            continue
        _, starts, ends = zip(*phones, strict=True)
        assert starts[0] >= 0
        assert ends[-1] <= duration + 1e-3
        assert all(a < b for a, b in zip(starts, ends, strict=True))
        assert all(b <= a for b, a in zip(ends, starts[1:], strict=False))


def test_an_utterance_is_mono_float32_within_full_scale(corpus):
    for i in (0, len(corpus) - 1, -1):
        samples, rate = corpus[i]
        assert samples.dtype == np.float32
        assert samples.ndim == 1
        assert 0 < np.abs(samples).max() <= 1
        assert len(samples) / rate == pytest.approx(
            corpus.table.duration.iloc[i], abs=1e-3
        )


def test_it_says_what_it_is_in_a_line(corpus):
    line = repr(corpus)
    assert f"{len(corpus)} utterances" in line
    assert f"{corpus.table.speaker.nunique()} speakers" in line


def test_it_survives_pickling(corpus):
    again = pickle.loads(pickle.dumps(corpus))
    pd.testing.assert_frame_equal(again.table, corpus.table)


@pytest.mark.parametrize("by", ["speaker", "session", "utterance"])
def test_its_parts_share_nothing_and_lose_nothing(corpus, by):
    if by != "utterance" and corpus.table[by].nunique() < 2:
        pytest.fail("each corpus here has two of everything")
    parts = corpus.split(by=by, fractions=(0.5, 0.5), seed=1)
    paths = [path for part in parts for path in part.table.path]
    assert sorted(paths) == sorted(corpus.table.path)
    if by != "utterance":
        groups = [set(part.table[by]) for part in parts]
        assert not groups[0] & groups[1]


def a_table(groups):
    n = len(groups)
    return pd.DataFrame(
        {
            "speaker": groups,
            "session": groups,
            "path": [f"{i}.wav" for i in range(n)],
            "start": 0.0,
            "duration": 1.0,
            "text": "",
            "phones": None,
        }
    )


@given(
    st.integers(3, 40),
    st.lists(st.floats(0.01, 1), min_size=1, max_size=3),
    st.integers(0, 5),
)
def test_any_fractions_give_parts_of_about_their_size(n, shares, seed):
    fractions = np.array(shares) / max(sum(shares), 1)
    corpus = corpora.Corpus(a_table([str(i // 2) for i in range(2 * n)]), "made up")
    parts = corpus.split(fractions=fractions, seed=seed)
    sizes = [part.table.speaker.nunique() for part in parts]
    assert all(size >= 1 for size in sizes)
    assert sum(sizes) <= n
    if np.isclose(fractions.sum(), 1):
        assert sum(sizes) == n
    for size, fraction in zip(sizes, fractions, strict=True):
        assert abs(size - fraction * n) <= 2
    again = corpus.split(fractions=fractions, seed=seed)
    for a, b in zip(parts, again, strict=True):
        assert a.table.path.tolist() == b.table.path.tolist()


def test_another_seed_deals_another_way():
    corpus = corpora.Corpus(a_table([str(i) for i in range(30)]), "made up")
    first, second = (corpus.split(seed=seed)[1].table.speaker for seed in (0, 1))
    assert set(first) != set(second)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"by": "room"}, "got 'room'"),
        ({"fractions": (0.8, 0.4)}, r"sum to 1 at most; got \(0.8, 0.4\)"),
        ({"fractions": (1.5, -0.5)}, "must be positive"),
        ({"fractions": (0.2,) * 5}, "5 parts by speaker need as many speakers"),
    ],
)
def test_a_split_that_cannot_be_is_named(arguments, sentence):
    corpus = corpora.Corpus(a_table(list("abcd")), "made up")
    with pytest.raises(errors.ArgumentError, match=sentence):
        corpus.split(**arguments)


def test_utterances_can_be_selected(corpus):
    mask = corpus.table.index % 2 == 0
    assert corpus.select(mask).table.path.tolist() == corpus.table.path[::2].tolist()
    assert (
        corpus.select([1, 0]).table.path.tolist() == corpus.table.path[[1, 0]].tolist()
    )


def test_a_table_without_a_column_is_named():
    with pytest.raises(errors.CorpusError, match="missing: text, phones"):
        corpora.Corpus(a_table(["a"]).drop(columns=["text", "phones"]), "made up")


def test_an_empty_table_is_named():
    with pytest.raises(errors.CorpusError, match="made up: no utterance was found"):
        corpora.Corpus(a_table(["a"]).iloc[:0], "made up")
