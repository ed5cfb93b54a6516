"""What every corpus promises."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from siamlab import corpora, errors, extract

COLUMNS = ["speaker", "session", "path", "start", "duration", "text", "phones"]


class Tree:
    """Writes sounds, no two alike, and what lies beside them."""

    def __init__(self, root, encode):
        self.root, self.encode = root, encode
        self.rng = np.random.default_rng(0)

    def sound(self, name, rate=16000):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = self.rng.uniform(-0.5, 0.5, rate // 2 + self.rng.integers(rate))
        if path.suffix in (".m4a", ".webm"):
            self.encode(
                path, samples, rate, {".webm": "libopus"}.get(path.suffix, "aac")
            )
        else:
            soundfile.write(path, samples, rate)

    def text(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def a_folder(tree, ending):
    for speaker in ("Jürgen Groß", "Zoë"):
        for session in ("kitchen", "office"):
            for i in range(2):
                tree.sound(f"{speaker}/{session}/take {i}.{ending}", 48000)
    return corpora.folder(tree.root)


def a_mixture(tree):
    """Some in a folder of their speaker, some in none."""
    for name in ("Zoë/a.wav", "Zoë/b.wav", "loose.wav", "loose.flac"):
        tree.sound(name)
    return corpora.recordings(tree.root)


def a_table(tree):
    lines = ["Datei;speaker;session;start;duration;text;room"]
    for i, speaker in enumerate(("Jürgen", "Jürgen", "Zoë")):
        tree.sound(f"calls/{i}.flac")
        lines += [f"calls/{i}.flac;{speaker};{i};0;0,3;Hallo;Küche"]
        lines += [f"calls\\{i}.flac;{speaker};{i};0,3;;Welt;Küche"]
    tree.text("list.csv", "\ufeff" + "\r\n".join(lines) + "\r\n")
    return corpora.folder(tree.root / "list.csv", columns={"Datei": "path"})


def a_librispeech(tree):
    for reader, chapter in (("84", "1"), ("84", "2"), ("174", "3")):
        for i in range(2):
            name = f"{reader}-{chapter}-{i:04}"
            tree.sound(f"dev-clean/{reader}/{chapter}/{name}.flac")
    tree.text("SPEAKERS.TXT", "; comment\n84 | F | dev-clean | 8 | Christie\n")
    tree.text("dev-clean/84/1/84-1.trans.txt", "84-1-0000 GO DO YOU HEAR\n")
    return corpora.librispeech(tree.root, "dev-clean")


def a_voxceleb(tree, inside, ending):
    for speaker in ("id10270", "id10271"):
        for video in ("-aB_c", "zz"):
            tree.sound(f"{inside}/{speaker}/{video}/00001.{ending}")
    header = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n"
    tree.text("vox1_meta.csv", f"{header}id10270\tAnna\tf\tIreland\ttest\n")
    return corpora.voxceleb(tree.root)


def a_common_voice(tree):
    lines = ["client_id\tpath\tsentence\tage\tgender\taccents"]
    for i, speaker in enumerate(("ab", "ab", "cd")):
        tree.sound(f"clips/common_voice_de_{i}.mp3", 48000)
        lines += [f'{speaker * 64}\tcommon_voice_de_{i}.mp3\tEin "Wort\t\tmale\t']
    tree.text("validated.tsv", "\n".join(lines) + "\n")
    return corpora.common_voice(tree.root)


def digits(tree, pattern, read):
    for speaker in ("01", "02"):
        for digit in (0, 7):
            tree.sound(pattern.format(digit=digit, speaker=speaker), 8000)
    tree.text("data/audioMNIST_meta.txt", '{"01": {"age": 30, "gender": "male"}}')
    return read(tree.root)


def a_textgrid(tree):
    for speaker in ("anna", "ben"):
        for i in range(2):
            tree.sound(f"{speaker}/{i}.wav")
            # The short form: times of the file, tiers, intervals and labels.
            tree.text(
                f"{speaker}/{i}.TextGrid",
                'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n0.4\n'
                '<exists>\n1\n"IntervalTier"\n"phones"\n0\n0.4\n2\n'
                '0\n0.2\n"a"\n0.2\n0.4\n"<p:>"\n',
            )
    return corpora.textgrid(tree.root)


TREES = {
    "folder, wav": lambda tree: a_folder(tree, "wav"),
    "folder, flac": lambda tree: a_folder(tree, "flac"),
    "folder, ogg": lambda tree: a_folder(tree, "ogg"),
    "folder, mp3": lambda tree: a_folder(tree, "mp3"),
    "folder, m4a": lambda tree: a_folder(tree, "m4a"),
    "folder, webm": lambda tree: a_folder(tree, "webm"),
    "recordings": a_mixture,
    "table": a_table,
    "librispeech": a_librispeech,
    "voxceleb 1": lambda tree: a_voxceleb(tree, "wav", "wav"),
    "voxceleb 2": lambda tree: a_voxceleb(tree, "dev/aac", "m4a"),
    "common_voice": a_common_voice,
    "fsdd": lambda tree: digits(tree, "{digit}_{speaker}_0.wav", corpora.fsdd),
    "audiomnist": lambda tree: digits(
        tree, "data/{speaker}/{digit}_{speaker}_0.wav", corpora.audiomnist
    ),
    "textgrid": a_textgrid,
}
REAL = {
    "real librispeech": lambda data: corpora.librispeech(
        data / "librispeech-mini", "test-other"
    ),
    "real librispeech with texts": lambda data: corpora.librispeech(
        data / "librispeech-mini", "transcribed"
    ),
    "real fsdd": lambda data: corpora.fsdd(data / "fsdd-mini"),
}


@pytest.fixture(scope="module", params=["voices", "timit", *TREES, *REAL])
def corpus(request, tmp_path_factory):
    if request.param == "voices":
        return corpora.voices(n_speakers=3, n_utterances=2)
    if request.param in REAL:
        return REAL[request.param](request.getfixturevalue("data"))
    root = tmp_path_factory.mktemp("corpus")
    if request.param == "timit":
        return corpora.timit(request.getfixturevalue("a_timit")(root))
    return TREES[request.param](Tree(root, request.getfixturevalue("encode")))


def test_every_loader_has_a_tree_here():
    loaders = {
        name
        for name in corpora.__all__
        if name.islower() and name not in ("describe", "download", "voxceleb_trials")
    }
    here = {name.replace(",", " ").split()[0] for name in TREES}
    assert loaders == (here - {"table"}) | {"voices", "timit"}


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


def test_all_of_it_becomes_spectrograms(corpus):
    features = extract(corpus)
    assert features.rejected.empty
    assert len(features) == len(corpus)
    assert all(np.isfinite(each).all() for each in features)


def test_its_description_agrees_with_its_table(corpus):
    found = corpora.describe(corpus)
    np.testing.assert_allclose(
        found.utterances.seconds, corpus.table.duration, atol=1e-3
    )
    assert found.speakers.utterances.sum() == len(corpus)
    assert found.speakers.sessions.sum() == corpus.table.session.nunique()
    # The small TIMIT and real recordings, too: nothing of it is wrong.
    assert found.suspicious.empty


@pytest.mark.parametrize("name", TREES)
def test_a_file_that_cannot_be_read_is_kept_or_reported(tmp_path, encode, name):
    tree = Tree(tmp_path, encode)
    before = TREES[name](tree)
    path = before.table.path[1]
    Path(path).write_text("no sound")

    class Again(Tree):
        """Writes nothing: all is there."""

        def sound(self, name, rate=16000):
            pass

    after = TREES[name](Again(tmp_path, encode))
    if path in set(after.rejected.path):
        assert path not in set(after.table.path)
        return
    np.testing.assert_array_equal(
        after.table.duration.isna(), before.table.path == path
    )
    rejected = extract(after).rejected
    assert set(rejected.path) == {path}


def made_up(groups):
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
    corpus = corpora.Corpus(made_up([str(i // 2) for i in range(2 * n)]), "made up")
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
    corpus = corpora.Corpus(made_up([str(i) for i in range(30)]), "made up")
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
    corpus = corpora.Corpus(made_up(list("abcd")), "made up")
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
        corpora.Corpus(made_up(["a"]).drop(columns=["text", "phones"]), "made up")


def test_an_empty_table_is_named():
    with pytest.raises(errors.CorpusError, match="made up: no utterance was found"):
        corpora.Corpus(made_up(["a"]).iloc[:0], "made up")
