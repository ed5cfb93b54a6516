import pytest

from siamlab import corpora, errors

PHONES = [("h", 0.1, 0.2), ("a", 0.2, 0.35), ("l", 0.35, 0.4), ("oː", 0.4, 0.7)]


def interval_tier(name, intervals, end=1.0):
    """The name, the class and the intervals of a tier, gaps filled with ""."""
    filled, at = [], 0.0
    for label, start, stop in [*intervals, ("", end, end)]:
        filled += [("", at, start)] if start > at else []
        filled += [(label, start, stop)] if stop > start or label else []
        at = stop
    return name, "IntervalTier", filled, end


POINTS = ("bells", "TextTier", [("!", 0.5)], 1.0)


def long_form(*tiers):
    lines = [
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 1'
    ]
    lines += [f"tiers? <exists>\nsize = {len(tiers)}\nitem []:"]
    for i, (name, kind, items, end) in enumerate(tiers, 1):
        word = "intervals" if kind == "IntervalTier" else "points"
        lines += [
            f'    item [{i}]:\n        class = "{kind}"\n        name = "{name}"',
            f"        xmin = 0\n        xmax = {end}",
            f"        {word}: size = {len(items)}",
        ]
        for k, (label, *times) in enumerate(items, 1):
            keys = ("xmin", "xmax") if len(times) == 2 else ("number",)
            lines += [f"        {word} [{k}]:"]
            lines += [
                f"            {key} = {t}" for key, t in zip(keys, times, strict=True)
            ]
            lines += [
                f'            {"text" if len(times) == 2 else "mark"} = "{label}"'
            ]
    return "\n".join(lines) + "\n"


def short_form(name, kind, items, end):
    lines = ['File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<exists>\n1']
    lines += [f'"{kind}"\n"{name}"\n0\n{end}\n{len(items)}']
    lines += [f'{start}\n{stop}\n"{label}"' for label, start, stop in items]
    return "\n".join(lines) + "\n"


PLAIN = long_form(interval_tier("phones", PHONES))
SHORT = short_form(*interval_tier("phones", PHONES))


@pytest.fixture
def write(tree):
    def write(name, content, encoding="utf-8"):
        tree.sound(f"anna/{name}.wav", seconds=1.0)
        if content is not None:
            tree.text(f"anna/{name}.TextGrid", content, encoding)
        return tree.root

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("content", [PLAIN, SHORT], ids=["long", "short"])
def test_both_forms_are_read_in_every_encoding(write, content, encoding):
    corpus = corpora.textgrid(write("Grüße [1]", content, encoding))
    assert corpus.table.phones[0] == PHONES
    assert corpus.table.speaker[0] == "anna"
    assert corpus.rejected.empty


def test_the_first_interval_tier_is_the_default(write):
    words = interval_tier("words", [("hallo", 0.1, 0.7)])
    root = write("a", long_form(POINTS, words, interval_tier("phones", PHONES)))
    assert corpora.textgrid(root).table.phones[0] == [("hallo", 0.1, 0.7)]
    assert corpora.textgrid(root, tier="phones").table.phones[0] == PHONES
    with pytest.raises(errors.CorpusError, match="tier 'KAN'; it has words, phones"):
        corpora.textgrid(root, tier="KAN", strict=True)


def test_labels_of_pauses_become_sil(write):
    marks = [("<p:>", 0.0, 0.2), ("a", 0.2, 0.4), ("sp", 0.4, 0.5), ("#", 0.5, 0.7)]
    root = write("a", long_form(interval_tier("phones", marks)))
    labels = [label for label, _, _ in corpora.textgrid(root).table.phones[0]]
    assert labels == ["sil", "a", "sil", "sil"]
    phones = corpora.textgrid(root, pauses=["#"]).table.phones[0]
    assert [label for label, _, _ in phones] == ["<p:>", "a", "sp", "sil"]


BAD = {
    "no TextGrid": (None, "has no TextGrid; expected bad.TextGrid"),
    "no interval tier": (long_form(POINTS), "no interval tier; its tiers: bells"),
    "no labels": (
        long_form(interval_tier("phones", [])),
        "has no labels in tier 'phones'",
    ),
    "not a TextGrid": ("Hallo", "cannot be read as a TextGrid"),
    "JSON": ('"Hallo"', "cannot be read as a TextGrid"),
    "open brackets": ("[" * 100_000, "cannot be read as a TextGrid"),
    "overlap": (
        long_form(interval_tier("phones", [("a", 0.1, 0.5), ("b", 0.3, 0.6)])),
        "Two intervals in the same tier overlap in time",
    ),
    "NaN": (
        SHORT.replace("0.1\n0.2\n", "0.1\nnan\n"),
        "the interval 'h' from 0.1 to nan s has no length",
    ),
    "negative time": (
        long_form(interval_tier("phones", [("a", -0.2, 0.5)])),
        r"has a negative time \(xmin = -0\.2\)",
    ),
    "too long": (
        long_form(interval_tier("phones", [("a", 0.1, 3.0)], end=3.0)),
        "the recording lasts 1 s",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_unusable_file_is_reported_and_the_others_are_read(write, kind, capfd):
    content, message = BAD[kind]
    write("good", PLAIN)
    root = write("bad", content)
    corpus = corpora.textgrid(root)
    assert corpus.table.path.str.endswith("good.wav").tolist() == [True]
    assert corpus.rejected.path.str.endswith("bad.wav").tolist() == [True]
    assert corpus.rejected.reason.str.contains(message).all()
    assert "bad.TextGrid" in corpus.rejected.reason[0]
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("1 of 2 recordings rejected (")
    with pytest.raises(errors.CorpusError, match=message):
        corpora.textgrid(root, strict=True)


def test_many_empty_lines_are_read_in_linear_time(write):
    """A regular expression took an hour: it searched all of them from each of them."""
    root = write("a", PLAIN.replace("item []", "\n" * 500_000 + "item []"))
    assert corpora.textgrid(root).table.phones[0] == PHONES


def test_a_folder_of_unusable_files_is_an_error(write):
    with pytest.raises(errors.CorpusError, match="none of 1 recordings is usable"):
        corpora.textgrid(write("bad", "Hallo"))


def test_an_unreadable_recording_is_reported(write):
    root = write("a", PLAIN)
    write("bad", PLAIN)
    (root / "anna" / "bad.wav").write_text("Hallo")
    corpus = corpora.textgrid(root)
    assert corpus.rejected.reason.str.contains("is not a sound file").all()
