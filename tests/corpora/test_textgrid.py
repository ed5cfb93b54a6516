import pytest
from praatio import textgrid as praat

from siamlab import corpora, errors

PHONES = [("h", 0.1, 0.2), ("a", 0.2, 0.35), ("l", 0.35, 0.4), ("oː", 0.4, 0.7)]
FORMS = ("long_textgrid", "short_textgrid")


@pytest.fixture
def make(tmp_path_factory):
    """The text of a TextGrid with a point tier and interval tiers, from praatio."""
    path = tmp_path_factory.mktemp("textgrid") / "a.TextGrid"

    def make(form=FORMS[0], end=1.0, **tiers):
        grid = praat.Textgrid()
        grid.addTier(praat.PointTier("bells", [(0.5, "!")], 0, end))
        for name, phones in tiers.items():
            intervals = [(start, stop, label) for label, start, stop in phones]
            grid.addTier(praat.IntervalTier(name, intervals, 0, end))
        grid.save(str(path), form, includeBlankSpaces=True)
        return path.read_text("utf-8")

    return make


@pytest.fixture
def write(tree):
    """Write a recording of one second and its TextGrid; returns the root."""

    def write(name, text, encoding="utf-8"):
        tree.sound(f"anna/{name}.wav", seconds=1.0)
        tree.text(f"anna/{name}.TextGrid", text, encoding)
        return tree.root

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("form", FORMS)
def test_both_forms_are_read_in_every_encoding(make, write, form, encoding):
    corpus = corpora.textgrid(write("Grüße [1]", make(form, phones=PHONES), encoding))
    assert corpus.table.phones[0] == PHONES
    assert corpus.table.speaker[0] == "anna"
    assert corpus.rejected.empty


def test_the_first_interval_tier_is_the_default(make, write):
    words = [("hallo", 0.1, 0.7)]
    root = write("a", make(words=words, phones=PHONES))
    assert corpora.textgrid(root).table.phones[0] == words
    assert corpora.textgrid(root, tier="phones").table.phones[0] == PHONES
    with pytest.raises(errors.CorpusError, match="tier 'KAN'; it has words, phones"):
        corpora.textgrid(root, tier="KAN", strict=True)


def test_labels_of_pauses_become_sil(make, write):
    marks = [("<p:>", 0.0, 0.2), ("a", 0.2, 0.4), ("sp", 0.4, 0.5), ("#", 0.5, 0.7)]
    root = write("a", make(phones=marks))
    labels = [label for label, _, _ in corpora.textgrid(root).table.phones[0]]
    assert labels == ["sil", "a", "sil", "sil"]
    phones = corpora.textgrid(root, pauses=["#"]).table.phones[0]
    assert [label for label, _, _ in phones] == ["<p:>", "a", "sp", "sil"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("xmax", "", "cannot be read as a TextGrid"),
        ("xmax = 0.35", "xmax = 0.45", "intervals in the same tier overlap in time"),
        ("xmin = 0.1", "xmin = -0.1", r"has a negative time \(xmin = -0\.1\)"),
        ("xmax = 0.7", "xmax = 3.0", "the recording lasts 1 s"),
    ],
)
def test_an_unusable_file_is_reported_and_the_others_are_read(
    make, write, old, new, message, capfd
):
    text = make(phones=PHONES)
    write("good", text)
    root = write("bad", text.replace(old, new))
    corpus = corpora.textgrid(root)
    assert corpus.table.path.str.endswith("good.wav").tolist() == [True]
    assert corpus.rejected.path.str.endswith("bad.wav").tolist() == [True]
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("1 of 2 recordings rejected (")
    with pytest.raises(errors.CorpusError, match=rf"bad\.TextGrid.*{message}"):
        corpora.textgrid(root, strict=True)


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ({}, "no interval tier; its tiers: bells"),
        ({"phones": [("", 0, 1)]}, "has no labels in tier 'phones'"),
    ],
)
def test_a_textgrid_without_labels_is_an_error(make, write, tiers, message):
    with pytest.raises(errors.CorpusError, match=message):
        corpora.textgrid(write("a", make(**tiers)))


def test_recordings_without_textgrids_are_an_error(tree):
    tree.sound("anna/a.wav")
    with pytest.raises(errors.CorpusError, match="none of 1 recordings is usable"):
        corpora.textgrid(tree.root)
    with pytest.raises(errors.CorpusError, match="no TextGrid; expected a"):
        corpora.textgrid(tree.root, strict=True)


def test_many_empty_lines_are_read_in_linear_time(make, write):
    """A regular expression took an hour: it searched all of them from each of them."""
    text = make(phones=PHONES).replace("item []", "\n" * 500_000 + "item []")
    assert corpora.textgrid(write("a", text)).table.phones[0] == PHONES
