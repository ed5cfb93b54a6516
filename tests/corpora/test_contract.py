"""The contract of every corpus: columns, sessions, phones, samples, splits."""

import numpy as np
import pandas as pd
import pytest
from sound_files import textgrid
from sound_folders import Tree

from siamlab import corpora, errors, extract

COLUMNS = ["speaker", "session", "path", "start", "duration", "text", "phones"]


TEXTGRID = textgrid(("phones", [("a", 0, 0.2), ("<p:>", 0.2, 0.4)]), end=0.4)
CLIPS = "".join(
    f"{speaker * 64}\t{i}.mp3\tHallo\t\tmale\t\n"
    for i, speaker in enumerate(("ab", "ab", "cd"))
)
# Name: function, its sound files (with braces for alternatives), text files.
CORPORA = {
    f"folder, {suffix}": (
        corpora.folder,
        "{Jürgen Groß,Zoë}/{kitchen,office}/{take 0,take 1}." + suffix,
    )
    for suffix in ("wav", "flac", "ogg", "mp3", "m4a", "webm")
} | {
    "recordings": (corpora.recordings, "{Zoë/a,Zoë/b,loose,other}.wav"),
    "librispeech": (
        lambda root: corpora.librispeech(root, "dev"),
        "dev/{84/1/84-1,84/2/84-2,174/3/174-3}-000{0,1}.flac",
    ),
    "voxceleb, 1": (corpora.voxceleb, "wav/{id10270,id10271}/{-aB_c,zz}/00001.wav"),
    "voxceleb, 2": (corpora.voxceleb, "aac/{id10270,id10271}/{a,b}/00001.m4a"),
    "common_voice": (
        corpora.common_voice,
        "clips/{0,1,2}.mp3",
        {"validated.tsv": f"client_id\tpath\tsentence\tage\tgender\taccents\n{CLIPS}"},
    ),
    "fsdd": (corpora.fsdd, "recordings/{0,7}_{01,02}_0.wav"),
    "audiomnist": (corpora.audiomnist, "data/{01/0_01,01/7_01,02/0_02}_0.wav"),
    "textgrid": (
        corpora.textgrid,
        "{anna/0,anna/1,ben/2}.wav",
        {f"{name}.TextGrid": TEXTGRID for name in ("anna/0", "anna/1", "ben/2")},
    ),
}


def write(tree, name):
    """Write a small corpus; returns the function that reads it."""
    read, sounds, *texts = CORPORA[name]
    tree.sounds(sounds)
    for path, text in (texts[0] if texts else {}).items():
        tree.text(path, text)
    return read


REAL = {
    "librispeech, real": ("librispeech-mini", corpora.librispeech, "test-other"),
    "fsdd, real": ("fsdd-mini", corpora.fsdd),
}


@pytest.fixture(scope="module", params=["voices", "timit", *CORPORA, *REAL])
def corpus(request, tmp_path_factory):
    if request.param == "voices":
        return corpora.voices(n_speakers=3, n_utterances=2)
    if request.param in REAL:
        folder, read, *subset = REAL[request.param]
        return read(request.getfixturevalue("data") / folder, *subset)
    root = tmp_path_factory.mktemp("corpus")
    if request.param == "timit":
        return corpora.timit(request.getfixturevalue("a_timit")(root))
    return write(Tree(root), request.param)(root)


def test_every_corpus_is_tested_here():
    functions = {name for name in corpora.__all__ if name.islower()}
    tested = {name.split(",")[0] for name in CORPORA} | {"voices", "timit"}
    assert functions - {"describe", "download", "voxceleb_trials"} == tested


def test_the_table_has_valid_columns_in_order(corpus):
    table = corpus.table
    assert table.columns[: len(COLUMNS)].tolist() == COLUMNS
    assert table.index.tolist() == list(range(len(corpus)))
    for column in ("speaker", "session", "path", "text"):
        assert table[column].map(type).eq(str).all()
    assert (table.start >= 0).all()
    assert (table.duration > 0).all()
    assert not table.duplicated(["path", "start"]).any()
    assert (table.groupby("session").speaker.nunique() == 1).all()
    line = repr(corpus)
    assert f"{len(corpus)} utterances, {table.speaker.nunique()} speakers" in line


def test_phones_are_in_order_within_their_utterance(corpus):
    table = corpus.table[corpus.table.phones.notna()]
    for phones, duration in zip(table.phones, table.duration, strict=True):
        times = np.array([(start, end) for _, start, end in phones])
        assert (times[:, 0] < times[:, 1]).all()
        assert (times[:-1, 1] <= times[1:, 0]).all()
        assert times[0, 0] >= 0
        assert times[-1, 1] <= duration + 1e-3


def test_an_utterance_is_mono_float32_within_full_scale(corpus):
    for i in (0, -1):
        samples, sr = corpus[i]
        duration = corpus.table.duration.iloc[i]
        assert (samples.dtype, samples.ndim) == (np.float32, 1)
        assert 0 < np.abs(samples).max() <= 1
        assert len(samples) / sr == pytest.approx(duration, abs=1e-3)


@pytest.mark.parametrize("by", ["speaker", "session", "utterance"])
def test_the_parts_of_a_split_are_disjoint_and_complete(corpus, by):
    parts = corpus.split(by=by, fractions=(0.5, 0.5), seed=1)
    paths = [path for part in parts for path in part.table.path]
    assert sorted(paths) == sorted(corpus.table.path)
    if by != "utterance":
        first, second = (set(part.table[by]) for part in parts)
        assert not first & second


def test_utterances_can_be_selected(corpus):
    paths = corpus.table.path
    assert corpus.select(paths.index % 2 == 0).table.path.tolist() == list(paths[::2])
    assert corpus.select([1, 0]).table.path.tolist() == [paths[1], paths[0]]
    assert corpus[1:].table.path.tolist() == list(paths[1:])


def test_every_utterance_becomes_a_spectrogram(corpus):
    features = extract(corpus)
    assert features.rejected.empty
    assert len(features) == len(corpus)
    assert all(np.isfinite(each).all() for each in features)


def test_a_description_agrees_with_the_table_and_suspects_no_good_file(corpus):
    found = corpora.describe(corpus)
    seconds, expected = found.utterances.seconds, corpus.table.duration
    np.testing.assert_allclose(seconds, expected, atol=1e-3)
    # One speaker of FSDD has an offset.
    assert found.suspicious.reason.str.startswith("offset").all()


@pytest.mark.parametrize("name", CORPORA)
def test_an_unreadable_file_is_listed_or_reported(tree, name):
    read = write(tree, name)
    before = read(tree.root).table
    bad = before.path[1]
    (tree.root / bad).write_text("not a sound file")
    after = read(tree.root)
    if bad in set(after.rejected.path):
        assert bad not in set(after.table.path)
    else:
        assert (after.table.duration.isna() == (before.path == bad)).all()
        assert set(extract(after).rejected.path) == {bad}


META = "data/audioMNIST_meta.txt"
# Corpus, a file that it contains, the content of that file, and the error.
INVALID = [
    ("librispeech", "dev/84/1/84-1.trans.txt", "SCHÖN", r"trans\.txt cannot be read"),
    ("voxceleb, 1", "vox1_meta.csv", "speaker,sex", "the columns .*; got speaker"),
    ("common_voice", "validated.tsv", "path\na", "no column 'client_id'; it has path"),
    ("audiomnist", META, '{"01": ', "is damaged"),
    ("audiomnist", META, "[1, 2]", "is damaged"),
    ("audiomnist", META, '{"01": "ä"}', "cannot be read as text in UTF-8"),
]


@pytest.mark.parametrize(("name", "file", "content", "message"), INVALID)
def test_a_file_that_does_not_belong_is_an_error(tree, name, file, content, message):
    read = write(tree, name)
    tree.text(file, content, "latin-1")
    with pytest.raises(errors.CorpusError, match=message):
        read(tree.root)


MISPLACED = {
    "librispeech": "dev/84/1/85-1-0000.flac",
    "voxceleb, 1": "noise.wav",
    "fsdd": "recordings/seven.wav",
    "audiomnist": "data/01/3_02_0.wav",
    "folder, wav": "loose.wav",
}


def rejected_alone(tree, read, file):
    """Add a file that changes no row; return the rows, and why the file is rejected."""
    before = read(tree.root).table
    added = tree.sound(file)
    corpus = read(tree.root)
    assert corpus.table.equals(before)
    ((path, reason),) = corpus.rejected.to_numpy()
    assert path == str(added)
    return before, reason


@pytest.mark.parametrize("name", MISPLACED)
def test_a_misplaced_file_is_rejected_and_the_others_are_read(tree, name, capfd):
    read = write(tree, name)
    before, reason = rejected_alone(tree, read, MISPLACED[name])
    assert "; expected " in reason
    assert capfd.readouterr().err.startswith(f"1 of {len(before) + 1} recordings rej")
    for file in before.path:
        (tree.root / file).unlink()
    with pytest.raises(errors.CorpusError, match="none of 1 recordings is usable"):
        read(tree.root)


SECOND_FILES = {
    "librispeech": "dev/84/1/84-1-0000.wav",
    "voxceleb, 1": "wav2/id10270/zz/00001.m4a",
    "fsdd": "recordings/more/0_01_0.wav",
    "audiomnist": "data/more/01/0_01_0.wav",
}


@pytest.mark.parametrize("name", SECOND_FILES)
def test_a_second_file_of_a_recording_is_rejected(tree, name):
    _, reason = rejected_alone(tree, write(tree, name), SECOND_FILES[name])
    assert reason.startswith("is a second file of the recording in ")


def made_up(speakers):
    table = pd.DataFrame({"speaker": list(speakers), "session": list(speakers)})
    table["path"] = [f"{i}.wav" for i in range(len(speakers))]
    return table.assign(start=0.0, duration=1.0, text="", phones=None)


@pytest.mark.parametrize(
    ("fractions", "n_speakers"),
    [
        ((1.0,), [10]),
        ((0.8, 0.2), [8, 2]),
        ((0.98, 0.01, 0.01), [8, 1, 1]),
        ((0.1, 0.5), [1, 5]),
    ],
)
def test_the_parts_of_a_split_have_the_given_sizes(fractions, n_speakers):
    corpus = corpora.Corpus(made_up("0123456789" * 2), "made up")
    parts = corpus.split(fractions=fractions)
    assert [part.table.speaker.nunique() for part in parts] == n_speakers
    assert [len(part) for part in parts] == [2 * n for n in n_speakers]


def test_the_split_depends_on_the_seed_alone():
    """The notebooks' numbers depend on it."""
    corpus = corpora.Corpus(made_up("0123456789"), "made up")
    for seed, expected in ((0, ["1", "8"]), (1, ["3", "6"])):
        _, test = corpus.split(by="speaker", fractions=(0.8, 0.2), seed=seed)
        assert test.table.speaker.tolist() == expected


IMPOSSIBLE_SPLITS = {
    "got 'room'": {"by": "room"},
    r"sum of at most 1; got \(0.8, 0.4\)": {"fractions": (0.8, 0.4)},
    "by speaker into 5 parts needs at least 5": {"fractions": (0.2,) * 5},
}


@pytest.mark.parametrize(("message", "arguments"), IMPOSSIBLE_SPLITS.items())
def test_an_impossible_split_is_an_error(arguments, message):
    corpus = corpora.Corpus(made_up("abcd"), "made up")
    with pytest.raises(errors.ArgumentError, match=message):
        corpus.split(**arguments)


def test_an_incomplete_or_empty_table_is_an_error():
    table = made_up("a")
    with pytest.raises(errors.CorpusError, match="missing: text, phones"):
        corpora.Corpus(table.drop(columns=["text", "phones"]), "made up")
    with pytest.raises(errors.CorpusError, match="made up: no utterances were found"):
        corpora.Corpus(table.iloc[:0], "made up")
