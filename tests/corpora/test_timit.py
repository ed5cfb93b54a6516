import pytest
import soundfile

from siamlab import corpora, errors


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("form", ["NIST", "WAV"])
def test_either_case_and_format_is_read(tmp_path, a_timit, upper, form):
    corpus = corpora.timit(a_timit(tmp_path, upper, form))
    table = corpus.table
    assert len(table) == 6
    assert table.speaker.unique().tolist() == ["FCJF0", "MDAC0"]
    assert table.sex.unique().tolist() == ["F", "M"]
    assert table.dialect.unique().tolist() == ["DR1", "DR2"]
    assert sorted(table.sentence.unique()) == ["SA1", "SI648", "SX37"]
    assert set(table.text) == {"She had your dark suit."}
    samples, sr = corpus[0]
    assert (len(samples), sr) == (16000, 16000)


def test_phones_and_words_have_times_in_seconds(tmp_path, a_timit):
    table = corpora.timit(a_timit(tmp_path)).table
    assert table.phones[0] == [
        ("sil", 0.0, 0.125),
        ("sh", 0.125, 0.3125),
        ("iy", 0.3125, 0.5625),
        ("sil", 0.5625, 0.59375),
        ("sil", 0.59375, 1.0),  # its label ends 40 samples after the recording
    ]
    assert table.words[0] == [("she", 0.125, 0.5625)]
    table = corpora.timit(tmp_path, pauses=("h#",)).table
    assert table.phones[0][3][0] == "pau"


def test_a_subset_can_be_read(tmp_path, a_timit):
    a_timit(tmp_path)
    with pytest.raises(
        errors.CorpusError, match=r"no folder 'test'; its folders: TRAIN"
    ):
        corpora.timit(tmp_path, "test")
    a_timit(tmp_path, part="test", speakers=("FDHC0",))
    assert corpora.timit(tmp_path, "test").table.speaker.unique().tolist() == ["FDHC0"]
    assert corpora.timit(tmp_path).table.speaker.nunique() == 3


def test_second_and_misplaced_files_are_rejected_and_labels_may_be_missing(
    tmp_path, a_timit
):
    a_timit(tmp_path)
    for path in sorted(tmp_path.rglob("*.*")):
        if path.suffix == ".WAV":
            samples, sr = soundfile.read(path)
            soundfile.write(f"{path}.wav", samples, sr, format="WAV")
        else:
            path.unlink()
    soundfile.write(tmp_path / "TRAIN" / "SA1.WAV", samples, sr)
    corpus = corpora.timit(tmp_path)
    assert corpus.rejected.reason.str.startswith("is a second file of").sum() == 6
    assert corpus.rejected.reason.str.startswith("does not fit the layout").sum() == 1
    table = corpus.table
    assert len(table) == 6
    assert set(table.text) == {""}
    assert table.phones.isna().all()


@pytest.mark.parametrize("line", ["9 five sh", "9 ² sh"])
def test_an_invalid_line_is_an_error(tmp_path, a_timit, line):
    labels = a_timit(tmp_path) / "TRAIN/DR1/FCJF0/SA1.PHN"
    labels.write_text(f"0 9 h#\n{line}", "utf-8")
    with pytest.raises(errors.CorpusError, match=r"SA1\.PHN, line 2: expected"):
        corpora.timit(tmp_path)
