"""`common_voice` and `audiomnist`."""

import json

import numpy as np
import pytest
import soundfile

from siamlab import corpora, errors

IDS = ["ab" * 64, "ab" * 7 + "cd" * 57, "ef" * 64]


def clip(path, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, round(48000 * seconds))
    soundfile.write(path, noise, 48000)


@pytest.fixture
def language(tmp_path):
    root = tmp_path / "de"
    for i in range(3):
        clip(root / "clips" / f"common_voice_de_{i}.mp3")
    write(root / "validated.tsv", [0, 1, 2])
    write(root / "test.tsv", [2])
    return root


def write(path, which):
    rows = ["client_id\tpath\tsentence\tup_votes\tage\tgender\taccents\tlocale"]
    more = [
        'Er sagte "nein\t2\ttwenties\tfemale_feminine\tBayern, Franken\tde',
        "NA\t2\t\tmale\t\tde",
        "Straße\t2\tfifties\tother\t\tde",
    ]
    rows += [f"{IDS[i]}\tcommon_voice_de_{i}.mp3\t{more[i]}" for i in which]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_common_voice_takes_what_is_known_of_its_speakers(language):
    table = corpora.common_voice(language).table
    assert table.speaker.tolist() == [i[:16] for i in IDS]
    assert table.text.tolist() == ['Er sagte "nein', "NA", "Straße"]
    assert table.sex.tolist() == ["F", "M", ""]
    assert table.age.tolist() == ["twenties", "", "fifties"]
    assert table.accent.tolist() == ["Bayern, Franken", "", ""]
    assert (table.duration > 0.4).all()
    assert corpora.common_voice(language, "test").table.speaker[0] == table.speaker[2]


def test_speakers_whose_names_begin_alike_stay_two(language):
    content = (language / "validated.tsv").read_text()
    same = "ab" * 8 + "cd" * 56
    (language / "validated.tsv").write_text(content.replace(IDS[1], same))
    assert corpora.common_voice(language).table.speaker.nunique() == 3


def test_known_durations_are_taken_and_the_others_read(language):
    (language / "clip_durations.tsv").write_text(
        "clip\tduration[ms]\ncommon_voice_de_0.mp3\t4321\ncommon_voice_de_1.mp3\t0\n"
    )
    # What is known is not opened.
    (language / "clips" / "common_voice_de_0.mp3").write_text("no sound")
    durations = corpora.common_voice(language).table.duration
    assert durations[0] == 4.321
    assert 0.4 < durations[1] < 0.7
    assert 0.4 < durations[2] < 0.7


def test_clips_that_are_missing_have_no_duration(language):
    (language / "clip_durations.tsv").write_text(
        "clip\tduration[ms]\ncommon_voice_de_0.mp3\t4321\n"
    )
    (language / "clips" / "common_voice_de_0.mp3").unlink()
    assert corpora.common_voice(language).table.duration.isna().tolist() == [
        True,
        False,
        False,
    ]
    write(language / "test.tsv", [0])
    with pytest.raises(errors.CorpusError, match=r"none of the 1 clips .*Unpack"):
        corpora.common_voice(language, "test")


def test_endings_may_be_missing_in_old_releases(language):
    content = (language / "validated.tsv").read_text().replace(".mp3", "")
    (language / "validated.tsv").write_text(content.replace("accents", "accent"))
    table = corpora.common_voice(language).table
    assert table.duration.notna().all()
    assert table.accent[0] == "Bayern, Franken"


def test_what_common_voice_lacks_is_named(language):
    with pytest.raises(errors.CorpusError, match=r"no dev.tsv; there is test, valid"):
        corpora.common_voice(language, "dev")
    with pytest.raises(errors.CorpusError, match="holds the languages de; give"):
        corpora.common_voice(language.parent)
    (language / "other.tsv").write_text("path\tsentence\na\tb\n")
    with pytest.raises(errors.CorpusError, match="no column 'client_id'; it has path"):
        corpora.common_voice(language, "other")
    (language / "clips").rename(language / "elsewhere")
    with pytest.raises(errors.CorpusError, match="has no folder clips"):
        corpora.common_voice(language)


@pytest.fixture
def digits(tmp_path):
    for speaker in ("01", "28"):
        for digit in (0, 7):
            clip(tmp_path / "data" / speaker / f"{digit}_{speaker}_0.wav")
    people = {
        "01": {"accent": "german", "age": 30, "gender": "male"},
        "28": {"accent": "German", "age": 1234, "gender": "female"},
    }
    path = tmp_path / "data" / "audioMNIST_meta.txt"
    path.write_text(json.dumps(people))
    return tmp_path


@pytest.mark.parametrize("inside", ["", "data"])
def test_audiomnist_takes_what_is_known_of_its_speakers(digits, inside):
    table = corpora.audiomnist(digits / inside).table
    assert table.speaker.tolist() == ["01", "01", "28", "28"]
    assert table.session.tolist() == table.speaker.tolist()
    assert table.text.tolist() == ["zero", "seven"] * 2
    assert table.sex.tolist() == ["M", "M", "F", "F"]
    assert table.age.tolist()[:2] == [30.0, 30.0]
    assert table.age.isna().tolist() == [False, False, True, True]
    assert table.accent.tolist() == ["german", "german", "German", "German"]


def test_audiomnist_needs_no_metadata_but_no_damaged_ones(digits):
    path = digits / "data" / "audioMNIST_meta.txt"
    path.write_text('{"01": ')
    with pytest.raises(errors.CorpusError, match="is damaged"):
        corpora.audiomnist(digits)
    path.unlink()
    table = corpora.audiomnist(digits).table
    assert table.sex.eq("").all()
    assert table.age.isna().all()


def test_digits_in_somebody_elses_folder_are_named(digits):
    clip(digits / "data" / "01" / "3_02_0.wav")
    with pytest.raises(errors.CorpusError, match=r"3_02_0.wav does not lie there"):
        corpora.audiomnist(digits)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[1, 2]", "names no speakers"),
        (b"[" * 100_000, "is damaged"),
        (b'{"01": "\xff"}', "is not in UTF-8"),
    ],
)
def test_metadata_of_another_kind_are_named(digits, content, sentence):
    (digits / "data" / "audioMNIST_meta.txt").write_bytes(content)
    with pytest.raises(errors.CorpusError, match=sentence):
        corpora.audiomnist(digits)


def test_what_is_no_person_is_not_known(digits):
    people = {"01": None, "28": {"age": [1], "gender": ["male"], "accent": 3}}
    (digits / "data" / "audioMNIST_meta.txt").write_text(json.dumps(people))
    table = corpora.audiomnist(digits).table
    assert table.sex.eq("").all()
    assert table.age.isna().all()
