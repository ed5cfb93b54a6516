import numpy as np
import pytest
import soundfile

import siamlab as sl
from siamlab import corpora, errors


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("form", ["NIST", "WAV"])
def test_it_is_read_in_either_case_and_format(tmp_path, a_timit, upper, form):
    corpus = corpora.timit(a_timit(tmp_path, upper, form))
    table = corpus.table
    assert len(table) == 6
    assert table.speaker.unique().tolist() == ["FCJF0", "MDAC0"]
    assert table.sex.unique().tolist() == ["F", "M"]
    assert table.dialect.unique().tolist() == ["DR1", "DR2"]
    assert sorted(table.sentence.unique()) == ["SA1", "SI648", "SX37"]
    assert set(table.text) == {"She had your dark suit."}
    samples, rate = corpus[0]
    assert (len(samples), rate) == (16000, 16000)
    assert sl.extract(corpus)[0].shape == (98, 128)


def test_phones_and_words_have_their_times_in_seconds(tmp_path, a_timit):
    table = corpora.timit(a_timit(tmp_path)).table
    assert table.phones[0] == [
        ("sil", 0.0, 0.125),
        ("sh", 0.125, 0.3125),
        ("iy", 0.3125, 0.5625),
        ("sil", 0.5625, 0.59375),
        ("sil", 0.59375, 1.0),  # marked 40 samples beyond the end
    ]
    assert table.words[0] == [("she", 0.125, 0.5625)]


def test_pauses_may_be_named(tmp_path, a_timit):
    table = corpora.timit(a_timit(tmp_path), pauses=("h#",)).table
    assert table.phones[0][3][0] == "pau"


def test_one_part_may_be_asked_for(tmp_path, a_timit):
    a_timit(tmp_path)
    a_timit(tmp_path, part="test", speakers=("FDHC0",))
    assert corpora.timit(tmp_path, "test").table.speaker.unique().tolist() == ["FDHC0"]
    assert corpora.timit(tmp_path).table.speaker.nunique() == 3
    with pytest.raises(errors.CorpusError, match="subset must be"):
        corpora.timit(tmp_path, "dev")


def test_a_part_that_is_not_there_is_named(tmp_path, a_timit):
    with pytest.raises(errors.CorpusError, match="has no subset 'test'"):
        corpora.timit(a_timit(tmp_path), "test")


def test_a_sentence_that_is_there_twice_counts_once(tmp_path, a_timit):
    a_timit(tmp_path)
    for path in sorted(tmp_path.rglob("*.WAV")):
        samples, rate = soundfile.read(path)
        soundfile.write(f"{path}.wav", samples, rate, format="WAV")
    assert len(corpora.timit(tmp_path).table) == 6


def test_without_transcripts_it_is_still_a_corpus_of_speakers(tmp_path, a_timit):
    a_timit(tmp_path)
    for path in tmp_path.rglob("*.*"):
        if path.suffix != ".WAV":
            path.unlink()
    table = corpora.timit(tmp_path).table
    assert set(table.text) == {""}
    assert table.phones.isna().all()


@pytest.mark.parametrize("end", ["five", "²", "-5", "9" * 5000])
def test_a_broken_line_is_named(tmp_path, a_timit, end):
    a_timit(tmp_path)
    broken = tmp_path / "TRAIN" / "DR1" / "FCJF0" / "SA1.PHN"
    broken.write_text(f"0 2000 h#\n2000 {end} sh\n", "utf-8")
    with pytest.raises(errors.CorpusError, match=r"SA1\.PHN, line 2: expected"):
        corpora.timit(tmp_path)


def test_a_file_in_another_layout_is_named(tmp_path, a_timit):
    a_timit(tmp_path)
    stray = tmp_path / "TRAIN" / "SA1.WAV"
    soundfile.write(stray, np.zeros(100), 16000, format="WAV")
    with pytest.raises(errors.CorpusError, match="does not lie there"):
        corpora.timit(tmp_path)


def test_a_file_that_cannot_be_read_stays_in_the_table(tmp_path, a_timit):
    a_timit(tmp_path)
    (tmp_path / "TRAIN" / "DR1" / "FCJF0" / "SA1.WAV").write_bytes(b"no sound")
    corpus = corpora.timit(tmp_path)
    assert corpus.table.duration.isna().sum() == 1
    assert len(sl.extract(corpus).rejected) == 1
