import numpy as np
import pytest
import soundfile

from siamlab import corpora, errors

PHONES = [("h", 0.1, 0.2), ("a", 0.2, 0.35), ("l", 0.35, 0.4), ("oː", 0.4, 0.7)]
LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1
tiers? <exists>
size = {n}
item []:
{tiers}"""


def an_interval_tier(number, name, intervals, end=1.0):
    """An interval tier in the long form, gaps filled with empty labels."""
    filled, at = [], 0.0
    for label, start, stop in intervals:
        if start > at:
            filled.append(("", at, start))
        filled.append((label, start, stop))
        at = stop
    if at < end:
        filled.append(("", at, end))
    lines = [
        f"    item [{number}]:",
        '        class = "IntervalTier"',
        f'        name = "{name}"',
        "        xmin = 0",
        f"        xmax = {end}",
        f"        intervals: size = {len(filled)}",
    ]
    for i, (label, start, stop) in enumerate(filled, 1):
        lines += [
            f"        intervals [{i}]:",
            f"            xmin = {start}",
            f"            xmax = {stop}",
            f'            text = "{label}"',
        ]
    return "\n".join(lines) + "\n"


def a_point_tier(number, name):
    return (
        f"    item [{number}]:\n"
        '        class = "TextTier"\n'
        f'        name = "{name}"\n'
        "        xmin = 0\n        xmax = 1\n        points: size = 1\n"
        '        points [1]:\n            number = 0.5\n            mark = "!"\n'
    )


def long_form(*tiers):
    return LONG.format(n=len(tiers), tiers="".join(tiers))


SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
1
<exists>
1
"IntervalTier"
"phones"
0
1
6
0
0.1
""
0.1
0.2
"h"
0.2
0.35
"a"
0.35
0.4
"l"
0.4
0.7
"oː"
0.7
1
""
"""


@pytest.fixture
def write(tmp_path):
    def write(name, content, encoding="utf-8", seconds=1.0):
        folder = tmp_path / "anna"
        folder.mkdir(exist_ok=True)
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, round(16000 * seconds))
        soundfile.write(folder / f"{name}.wav", noise, 16000)
        if content is not None:
            (folder / f"{name}.TextGrid").write_bytes(content.encode(encoding))
        return tmp_path

    return write


PLAIN = long_form(an_interval_tier(1, "phones", PHONES))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("content", [PLAIN, SHORT], ids=["long", "short"])
def test_both_forms_are_read_in_every_encoding(write, content, encoding):
    corpus = corpora.textgrid(write("Grüße [1]", content, encoding))
    assert corpus.table.phones[0] == PHONES
    assert corpus.table.speaker[0] == "anna"
    assert len(corpus.rejected) == 0


def test_the_first_interval_tier_is_taken_and_points_are_passed_over(write):
    words = an_interval_tier(2, "words", [("hallo", 0.1, 0.7)])
    content = long_form(
        a_point_tier(1, "bells"), words, an_interval_tier(3, "phones", PHONES)
    )
    root = write("a", content)
    assert corpora.textgrid(root).table.phones[0] == [("hallo", 0.1, 0.7)]
    assert corpora.textgrid(root, tier="phones").table.phones[0] == PHONES


def test_pauses_of_many_tools_become_one(write):
    marks = [("<p:>", 0.0, 0.2), ("a", 0.2, 0.4), ("sp", 0.4, 0.5), ("#", 0.5, 0.7)]
    root = write("a", long_form(an_interval_tier(1, "phones", marks)))
    labels = [label for label, _, _ in corpora.textgrid(root).table.phones[0]]
    assert labels == ["sil", "a", "sil", "sil"]
    phones = corpora.textgrid(root, pauses=["#"]).table.phones[0]
    assert [label for label, _, _ in phones] == ["<p:>", "a", "sp", "sil"]


BAD = {
    "no TextGrid": (None, "has no TextGrid beside it; expected bad.TextGrid"),
    "no interval tier": (long_form(a_point_tier(1, "bells")), "only bells"),
    "nothing labeled": (
        long_form(an_interval_tier(1, "phones", [])),
        "nothing is labeled in tier 'phones'",
    ),
    "not a TextGrid": ("Hallo", "cannot be read as a TextGrid"),
    "overlap": (
        long_form(an_interval_tier(1, "phones", [("a", 0.1, 0.5), ("b", 0.3, 0.6)])),
        "Two intervals in the same tier overlap in time",
    ),
    "no number": (
        SHORT.replace("0.1\n0.2\n", "0.1\nnan\n"),
        "the interval 'h' from 0.1 to nan s is no span",
    ),
    "a text of JSON": ('"Hallo"', "cannot be read as a TextGrid"),
    "brackets without end": ("[" * 100_000, "cannot be read as a TextGrid"),
    "negative": (
        long_form(an_interval_tier(1, "phones", [("a", -0.2, 0.5)])),
        r"has a negative time \(xmin = -0\.2\)",
    ),
    "too long": (
        long_form(an_interval_tier(1, "phones", [("a", 0.1, 3.0)], end=3.0)),
        "the recording lasts 1 s",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_and_the_others_come_out(write, kind, capfd):
    content, sentence = BAD[kind]
    write("good", PLAIN)
    root = write("bad", content)
    corpus = corpora.textgrid(root)
    assert corpus.table.path.str.endswith("good.wav").tolist() == [True]
    assert corpus.rejected.path.str.endswith("bad.wav").tolist() == [True]
    assert corpus.rejected.reason.str.contains(sentence).all()
    assert "bad.TextGrid" in corpus.rejected.reason[0]
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("1 of 2 recordings rejected (")
    with pytest.raises(errors.CorpusError, match=sentence):
        corpora.textgrid(root, strict=True)


def test_many_empty_lines_are_read_at_once(write):
    """So many took an hour: each was searched to the end of all."""
    root = write("a", PLAIN.replace("item []", "\n" * 500_000 + "item []"))
    assert corpora.textgrid(root).table.phones[0] == PHONES


def test_a_folder_of_bad_files_alone_is_an_error(write):
    with pytest.raises(errors.CorpusError, match="none of 1 recordings can be used"):
        corpora.textgrid(write("bad", "Hallo"))


def test_a_tier_that_is_not_there_is_named_with_those_that_are(write):
    with pytest.raises(
        errors.CorpusError, match="no interval tier 'KAN'; it has phones"
    ):
        corpora.textgrid(write("a", PLAIN), tier="KAN", strict=True)


def test_a_recording_that_is_none_is_named(write):
    root = write("a", PLAIN)
    write("bad", PLAIN)
    (root / "anna" / "bad.wav").write_text("Hallo")
    corpus = corpora.textgrid(root)
    assert corpus.rejected.reason.str.contains("is no sound file").all()
