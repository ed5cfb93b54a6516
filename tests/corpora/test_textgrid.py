import unicodedata

import pytest
from sound_files import textgrid

from siamlab import corpora, errors

PHONES = [("h", 0.1, 0.2), ("a", 0.2, 0.35), ("l", 0.35, 0.4), ("oː", 0.4, 0.7)]
BELLS = ("bells", [("!", 0.5)])


@pytest.fixture
def write(tree):
    """Write a recording of one second and its TextGrid; returns the root."""

    def write(name, text, encoding="utf-8"):
        tree.sound(f"anna/{name}.wav", seconds=1.0)
        tree.text(f"anna/{name}.TextGrid", text, encoding)
        return tree.root

    return write


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]
)
@pytest.mark.parametrize("form", ["long", "short"])
def test_both_forms_are_read_in_every_encoding(write, form, encoding, newline):
    last = "ü" if encoding == "latin-1" else "oː"
    phones = [('"h"\n!', 1e-05, 0.2), *PHONES[1:3], (last, 0.4, 0.7)]
    text = textgrid(BELLS, ("phones", phones), form=form).replace("\n", newline)
    corpus = corpora.textgrid(write("Grüße [1]", text, encoding))
    assert corpus.table.phones[0] == phones
    assert corpus.table.speaker[0] == "anna"
    assert corpus.rejected.empty


def test_the_first_interval_tier_is_the_default(write):
    words = [("hallo", 0.1, 0.7)]
    root = write("a", textgrid(BELLS, ("words", words), ("phones", PHONES)))
    assert corpora.textgrid(root).table.phones[0] == words
    assert corpora.textgrid(root, tier="phones").table.phones[0] == PHONES
    with pytest.raises(errors.CorpusError, match="tier 'KAN'; it has words, phones"):
        corpora.textgrid(root, tier="KAN")


def test_labels_of_pauses_become_sil(write):
    marks = [("<p:>", 0.0, 0.2), ("a", 0.2, 0.4), ("sp", 0.4, 0.5), ("#", 0.5, 0.7)]
    root = write("a", textgrid(("phones", marks)))
    labels = [label for label, _, _ in corpora.textgrid(root).table.phones[0]]
    assert labels == ["sil", "a", "sil", "sil"]
    phones = corpora.textgrid(root, pauses=["#"]).table.phones[0]
    assert [label for label, _, _ in phones] == ["<p:>", "a", "sp", "sil"]


# What is replaced in a good TextGrid, by what, and the error.
UNUSABLE = [
    (" 0.35 ", " 0.1O ", "cannot be read .* line 17: expected a number; got '\"a"),
    (" 0.35 ", "", "line 17: expected a number; got '\"a\"'"),
    (" 0.7 ", " 0.4 ", r"'oː' from 0\.4 to 0\.4 s has no length"),
    (" 0.35 \n  text", " 0.36 \n  text", r"'l' from 0\.35 to 0\.4 s overlaps"),
    (" 0.1 ", " -0.1 ", r"'h' from -0\.1 to 0\.2 s begins before 0 s"),
    (" 0.1 ", " --undefined-- ", "'h' from nan to 0.2 s has no length"),
    (" 0.7 ", " 3.0 ", "the recording lasts 1 s"),
    ("size = 4", "size = 5", "breaks off where a number should be"),
    ("size = 4", "size = 3", "contains more than it declares"),
    ("size = 4", "size = -4", "contains more than it declares"),
    ('oː" ', "oː", "breaks off where a text should be"),
    ("TextGrid", "Collection", "and \"TextGrid\"; got .*'Collection'"),
    ("IntervalTier", "PitchTier", "got 'PitchTier'"),
    ('  File type = "ooTextFile"', "ooBinaryFile\x08", "in Praat's binary format"),
    ('"h"', "\x9f", "is not UTF-8, UTF-16 or Latin-1"),
]


@pytest.mark.parametrize(("old", "new", "message"), UNUSABLE)
def test_an_unusable_file_is_rejected_alone(write, old, new, message, capfd):
    text = textgrid(("phones", PHONES))
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
        ([BELLS], "no interval tier; it has none"),
        ([("phones", [("", 0, 1)])], "has no labels in tier 'phones'"),
    ],
)
def test_a_textgrid_without_labels_is_an_error(write, tiers, message):
    with pytest.raises(errors.CorpusError, match=message):
        corpora.textgrid(write("a", textgrid(*tiers)))


def test_a_fault_in_another_tier_does_not_matter(write):
    overlap, empty = [("x", 0, 0.3), ("y", 0.2, 1)], [("x", 0.3, 0.3)]
    tiers = [("", overlap), ("", empty), ("ph", PHONES), ("x", overlap), ("x", empty)]
    root = write("a", textgrid(*tiers))
    assert corpora.textgrid(root, tier="ph").table.phones[0] == PHONES
    with pytest.raises(errors.CorpusError, match="has several interval tiers 'x'"):
        corpora.textgrid(root, tier="x")


def test_intervals_may_be_in_any_order(write):
    root = write("a", textgrid(("phones", PHONES[::-1])))
    assert corpora.textgrid(root).table.phones[0] == PHONES


def test_overlaps_from_rounded_times_are_removed(write):
    rounded = [("h", -1e-10, 0.2005), ("a", 0.2, 0.35000001), ("l", 0.35, 0.4)]
    root = write("a", textgrid(("phones", rounded)))
    expected = [("h", 0.0, 0.2), ("a", 0.2, 0.35), ("l", 0.35, 0.4)]
    assert corpora.textgrid(root).table.phones[0] == expected


def test_a_recording_gets_the_textgrid_of_its_whole_name(write, tree):
    for name in ("a", "a.1", "b.2", "Grüße"):
        label = unicodedata.normalize("NFC", name)
        write(name, textgrid(("phones", [(label, 0, 1)])))
    decomposed = unicodedata.normalize("NFD", "anna/Grüße.TextGrid")
    (tree.root / "anna" / "Grüße.TextGrid").rename(tree.root / decomposed)
    tree.sound("anna/b.wav", seconds=1.0)
    tree.text("anna/c.TextGrid", textgrid(("phones", PHONES)))
    tree.text("anna/b.2.textgrid", textgrid(("phones", PHONES)))
    corpus = corpora.textgrid(tree.root)
    labels = [phones[0][0] for phones in corpus.table.phones]
    assert labels == ["Grüße", "a.1", "a"]
    reasons = corpus.rejected.set_index("path").reason
    assert "has 2 TextGrids" in reasons[str(tree.root / "anna/b.2.wav")]
    assert "has no TextGrids" in reasons[str(tree.root / "anna/b.wav")]
    assert corpus.skipped.path.tolist() == [str(tree.root / "anna/c.TextGrid")]


def test_speakers_are_the_first_folders_below_the_root(write, tree):
    text = textgrid(("phones", PHONES))
    for name in ("anna/1/a", "ben/1/a"):
        tree.sound(f"{name}.wav", seconds=1.0)
        tree.text(f"{name}.TextGrid", text)
    table = corpora.textgrid(tree.root).table
    assert table.speaker.tolist() == ["anna", "ben"]
    assert table.session.tolist() == ["anna/1", "ben/1"]
    alone = corpora.textgrid(tree.root / "anna" / "1").table
    assert alone.speaker.tolist() == alone.session.tolist() == ["1"]


def test_recordings_without_textgrids_are_an_error(tree):
    tree.sound("anna/a.wav")
    message = r"none of 1 recordings is usable.* no TextGrids; expected one, a\.T"
    with pytest.raises(errors.CorpusError, match=message):
        corpora.textgrid(tree.root)


def test_many_empty_lines_are_read_in_linear_time(write):
    """A regular expression took an hour: it searched all of them from each of them."""
    text = textgrid(("phones", PHONES)).replace("item []", "\n" * 500_000 + "item []")
    assert corpora.textgrid(write("a", text)).table.phones[0] == PHONES
