import numpy as np
import pytest
import soundfile

from siamlab import corpora, errors


def sound(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
    soundfile.write(path, noise, 16000)


def test_librispeech_reads_texts_and_sexes(tmp_path):
    chapter = tmp_path / "dev-clean" / "84" / "121123"
    sound(chapter / "84-121123-0000.flac")
    sound(chapter / "84-121123-0001.flac")
    (chapter / "84-121123.trans.txt").write_text("84-121123-0000 GO DO YOU HEAR\n")
    (tmp_path / "SPEAKERS.TXT").write_text(
        "; comment\n84   | F | dev-clean        |  8.02 | Christie Nowak\n"
    )
    table = corpora.librispeech(tmp_path, subset="dev-clean").table
    assert table.text.tolist() == ["GO DO YOU HEAR", ""]
    assert table.sex.tolist() == ["F", "F"]
    assert table.session.unique().tolist() == ["84-121123"]


def test_librispeech_reads_real_transcripts(data):
    table = corpora.librispeech(data / "librispeech-mini", "transcribed").table
    assert len(table) == 21
    assert table.text.str.fullmatch(r"[A-Z' ]+").all()


@pytest.mark.parametrize("ending", ["mp3", "wav"])
def test_librispeech_may_have_been_written_anew(tmp_path, ending):
    sound(tmp_path / "dev" / "84" / "1" / f"84-1-0000.{ending}")
    assert len(corpora.librispeech(tmp_path, None)) == 1
    assert len(corpora.librispeech(tmp_path / "dev", None)) == 1


def test_a_text_in_another_encoding_is_named_where_it_matters(tmp_path):
    chapter = tmp_path / "dev" / "84" / "1"
    sound(chapter / "84-1-0000.flac")
    (tmp_path / "SPEAKERS.TXT").write_text("84 | F | dev | 8.0 | Zoë\n", "latin-1")
    assert corpora.librispeech(tmp_path, "dev").table.sex.tolist() == ["F"]
    (chapter / "84-1.trans.txt").write_text("84-1-0000 SCHÖN\n", "latin-1")
    with pytest.raises(
        errors.CorpusError, match=r"trans\.txt is not in UTF-8 \(byte 13"
    ):
        corpora.librispeech(tmp_path, "dev")


@pytest.mark.parametrize(
    "read", [corpora.folder, corpora.recordings, corpora.librispeech]
)
@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "a/" * 3000])
def test_a_name_that_no_file_can_have_is_that_of_none(tmp_path, read, name):
    with pytest.raises(errors.CorpusError, match="does not exist"):
        read(f"{tmp_path}/{name}")


def test_a_subset_that_is_not_there_is_named_with_those_that_are(tmp_path):
    sound(tmp_path / "dev-clean" / "84" / "121123" / "84-121123-0000.flac")
    with pytest.raises(
        errors.CorpusError, match=r"no subset 'train-clean-100'; there is dev-clean"
    ):
        corpora.librispeech(tmp_path)


def test_a_file_in_another_layout_is_named(tmp_path):
    sound(tmp_path / "dev-clean" / "84" / "121123" / "85-121123-0000.flac")
    with pytest.raises(errors.CorpusError, match=r"85-121123-0000\.flac does not lie"):
        corpora.librispeech(tmp_path, "dev-clean")


def test_digits_are_read_from_their_names(data):
    table = corpora.fsdd(data / "fsdd-mini").table
    assert table.speaker.nunique() == 6
    assert set(table.text) == set(
        "zero one two three four five six seven eight nine".split()
    )


def test_digits_with_other_names_are_named(tmp_path):
    sound(tmp_path / "seven.wav")
    with pytest.raises(errors.CorpusError, match=r"expected .*DIGIT_SPEAKER_INDEX.wav"):
        corpora.fsdd(tmp_path)


@pytest.mark.parametrize("read", [corpora.folder, corpora.fsdd, corpora.librispeech])
def test_a_folder_that_is_not_there_is_named(tmp_path, read):
    with pytest.raises(errors.CorpusError, match="does not exist; expected"):
        read(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(errors.CorpusError, match="is a file; expected"):
        read(tmp_path / "file")


def test_a_folder_without_sound_is_named(tmp_path):
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "notes.txt").touch()
    with pytest.raises(errors.CorpusError, match=r"no sound file below .*ROOT/SPEAKER"):
        corpora.folder(tmp_path)


def test_sounds_in_nobodys_folder_are_named(tmp_path):
    sound(tmp_path / "a.wav")
    with pytest.raises(errors.CorpusError, match=r"a.wav lies in no speaker's folder"):
        corpora.folder(tmp_path)


def test_folders_are_speakers_and_folders_in_them_sessions(tmp_path):
    for place in ("anna/kitchen/1.wav", "anna/office/1.wav", "ben/1.WAV"):
        sound(tmp_path / place)
    (tmp_path / "anna" / "kitchen" / "notes.txt").touch()
    sound(tmp_path / "anna" / "kitchen" / "._1.wav")  # left behind by macOS
    table = corpora.folder(tmp_path).table
    assert table.speaker.tolist() == ["anna", "anna", "ben"]
    assert table.session.tolist() == ["anna/kitchen", "anna/office", "ben"]
