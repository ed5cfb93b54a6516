import pytest

from siamlab import corpora, errors

IDS = ["ab" * 64, "ab" * 7 + "cd" * 57, "ef" * 64]
DURATIONS = "clip\tduration[ms]\ncommon_voice_de_0.mp3\t4321\n"


def tsv(rows):
    lines = ["client_id\tpath\tsentence\tup_votes\tage\tgender\taccents\tlocale"]
    rest = [
        'Er sagte "nein\t2\ttwenties\tfemale_feminine\tBayern, Franken\tde',
        "NA\t2\t\tmale\t\tde",
        "Straße\t2\tfifties\tother\t\tde",
    ]
    lines += [f"{IDS[i]}\tcommon_voice_de_{i}.mp3\t{rest[i]}" for i in rows]
    return "\n".join(lines) + "\n"


@pytest.fixture
def language(tree):
    tree.root /= "de"
    tree.sounds("clips/common_voice_de_{0,1,2}.mp3", sr=48000, seconds=0.5)
    tree.text("validated.tsv", tsv([0, 1, 2]))
    tree.text("test.tsv", tsv([2]))
    return tree


def test_speakers_and_texts_are_read(language):
    table = corpora.common_voice(language.root).table
    assert table.speaker.tolist() == [i[:16] for i in IDS]
    assert table.text.tolist() == ['Er sagte "nein', "NA", "Straße"]
    assert table.sex.tolist() == ["F", "M", ""]
    assert table.age.tolist() == ["twenties", "", "fifties"]
    assert table.accent.tolist() == ["Bayern, Franken", "", ""]
    assert (table.duration > 0.4).all()
    test = corpora.common_voice(language.root, "test").table
    assert test.speaker[0] == table.speaker[2]


def test_names_are_not_shortened_if_two_would_be_the_same(language):
    rows = tsv([0, 1, 2]).replace(IDS[1], "ab" * 8 + "cd" * 56)
    language.text("validated.tsv", rows)
    assert corpora.common_voice(language.root).table.speaker.nunique() == 3


def test_a_clip_with_a_known_duration_is_not_opened(language):
    language.text("clip_durations.tsv", f"{DURATIONS}common_voice_de_1.mp3\t0\n")
    language.text("clips/common_voice_de_0.mp3", "not a sound file")
    durations = corpora.common_voice(language.root).table.duration
    assert durations[0] == 4.321
    assert durations[1:].between(0.4, 0.7).all()


def test_a_missing_clip_has_no_duration(language):
    language.text("clip_durations.tsv", DURATIONS)
    (language.root / "clips" / "common_voice_de_0.mp3").unlink()
    table = corpora.common_voice(language.root).table
    assert table.duration.isna().tolist() == [True, False, False]
    language.text("test.tsv", tsv([0]))
    with pytest.raises(errors.CorpusError, match=r"none of the 1 clips .*Unpack"):
        corpora.common_voice(language.root, "test")


@pytest.mark.parametrize("mark", ["\r", "\n", "\r\n"])
def test_a_line_break_within_a_sentence_does_not_make_a_speaker(language, mark):
    rows = tsv([0, 1, 2]).replace("Straße", f"Straße{mark}und Platz")
    language.text("validated.tsv", f"{rows}{'ab' * 64}\tcut_off.mp3\tEr\n\t\n")
    corpus = corpora.common_voice(language.root)
    assert corpus.table.text.tolist() == ['Er sagte "nein', "NA", "Straße und Platz"]
    assert corpus.table.speaker.tolist() == [i[:16] for i in IDS]
    assert corpus.rejected.reason.tolist() == [
        "has 3 cells, but the header has 8; correct the row"
    ]


def test_old_releases_without_suffixes_are_read(language):
    old = tsv([0, 1, 2]).replace(".mp3", "").replace("accents", "accent")
    language.text("validated.tsv", old)
    table = corpora.common_voice(language.root).table
    assert table.duration.notna().all()
    assert table.accent[0] == "Bayern, Franken"


def test_the_error_says_what_is_missing(language):
    with pytest.raises(errors.CorpusError, match=r"no dev.tsv; its subsets: test, val"):
        corpora.common_voice(language.root, "dev")
    with pytest.raises(errors.CorpusError, match="subsets: none; its languages: de"):
        corpora.common_voice(language.root.parent)
