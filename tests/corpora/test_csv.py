"""A folder's table: `corpora.folder` on a CSV file."""

import contextlib
import csv
import io

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siamlab import corpora, errors


@pytest.fixture
def sounds(tmp_path):
    """Two files of a second, a third of them being elsewhere."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 16000)
    for name in ("a.wav", "b.wav", "calls/c.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, noise, 16000)
    return tmp_path


def written(folder, text, name="list.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_a_table_needs_a_path_and_a_speaker(sounds):
    path = written(sounds, "path,speaker\na.wav,Anna\ncalls/c.flac,Ben\n")
    table = corpora.folder(path).table
    assert table.speaker.tolist() == ["Anna", "Ben"]
    assert table.session.tolist() == ["Anna", "Ben"]
    assert table.path.tolist() == [
        str(sounds / "a.wav"),
        str(sounds / "calls" / "c.flac"),
    ]
    assert table.duration.tolist() == [1.0, 1.0]
    assert table.text.tolist() == ["", ""]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(sounds, encoding, separator, newline):
    lines = [
        ["path", "speaker", "session", "start", "duration", "text", "room"],
        ["a.wav", "Jürgen", "1", "0.25", "0.5", '"Hallo, du; ""da"""', "Küche"],
        ["a.wav", "NA", "1", "", "", "", ""],
        ["", "", "", "", "", "", ""],  # what is left of rows that were cleared
    ]
    text = newline.join(separator.join(cells) for cells in lines) + newline
    table = corpora.folder(written(sounds, text, encoding=encoding)).table
    assert len(table) == 2
    assert table.speaker.tolist() == ["Jürgen", "NA"]
    assert table.session.tolist() == ["Jürgen/1", "NA/1"]
    assert table.start.tolist() == [0.25, 0.0]
    assert table.duration.tolist() == [0.5, 1.0]
    assert table.text.tolist() == ['Hallo, du; "da"', ""]
    assert table.room.tolist() == ["Küche", ""]


def test_a_stretch_of_a_file_is_read_where_it_stands(sounds):
    text = "path;speaker;start;duration\na.wav;A;0,25;0,5\na.wav;A;0,75;\n"
    corpus = corpora.folder(written(sounds, text))
    whole, rate = soundfile.read(sounds / "a.wav", dtype="float32")
    for i, (first, last) in enumerate([(0.25, 0.75), (0.75, 1.0)]):
        samples, _ = corpus[i]
        np.testing.assert_array_equal(
            samples, whole[round(first * rate) : round(last * rate)]
        )


def test_a_duration_ends_with_the_file(sounds):
    text = "path,speaker,start,duration\na.wav,A,0.5,9\nb.wav,A,3,1\n"
    corpus = corpora.folder(written(sounds, text))
    assert corpus.table.duration[0] == 0.5
    assert np.isnan(corpus.table.duration[1])
    with pytest.raises(errors.AudioError, match="no samples from 3 s on"):
        corpus[1]


def test_other_names_of_columns_can_be_given(sounds):
    path = written(sounds, "Datei,Person,path\na.wav,Anna,x\n", name="list.tsv")
    with pytest.raises(errors.CorpusError, match="two columns would be called 'path'"):
        corpora.folder(path, columns={"Datei": "path", "Person": "speaker"})
    table = corpora.folder(
        path, columns={"Datei": "path", "Person": "speaker", "path": "note"}
    ).table
    assert table[["speaker", "note"]].to_numpy().tolist() == [["Anna", "x"]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file,speaker\na.wav,A\n", "no column 'path'; it has 'file', 'speaker'. Say"),
        ("path;who\na.wav;A\n", "no column 'speaker'; it has 'path', 'who'"),
        ("path,speaker\na.wav,A\nb.wav,\n", "no speaker in row 3; fill it in"),
        ("path,speaker\n\n,A\n\n,B\n", "no path in rows 3, 5; fill"),
        ("path,speaker\n" + "a.wav,\n" * 8, "in rows 2, 3, 4, 5, 6 and 3 more"),
        ("path,speaker,start\na.wav,A,soon\n", "start must be .* got 'soon' in row 2"),
        ("path,speaker,start\na.wav,A,-1\n", "start must be .* got '-1' in row 2"),
        ("path,speaker,duration\na.wav,A,0\n", "duration must be .* got '0' in row 2"),
        ("path,speaker,duration\na.wav,A,inf\n", "got 'inf' in row 2"),
        ("path,speaker\na.wav,A\na.wav,B\n", "row 3 came before"),
        ("path,speaker\na.wav,A,1\nb.wav,A,2\n", "more cells than its first line"),
        ("path,speaker\na.wav,A\nb.wav,A,2\n", "Expected 2 fields in line 3, saw 3"),
        ("path,speaker,phones\na.wav,A,x\n", "a column 'phones', which must hold"),
        ("path,speaker\nx.wav,A\ny.wav,B\n", r"none of the 2 files .* first .*x\.wav"),
        ("path,speaker\n", "no utterance was found"),
        ("", "cannot be read as a table: No columns"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(sounds, text, sentence):
    with pytest.raises(errors.CorpusError, match=sentence):
        corpora.folder(written(sounds, text))


def test_a_table_in_another_encoding_is_named(sounds):
    path = written(sounds, "path,speaker\na.wav,Jürgen\n", encoding="latin-1")
    with pytest.raises(errors.CorpusError, match="not in UTF-8"):
        corpora.folder(path)
    path = written(sounds, "path,speaker\na.wav,Anna\n", encoding="utf-16")
    with pytest.raises(errors.CorpusError, match="not in UTF-8"):
        corpora.folder(path)


def test_a_column_that_is_not_there_is_named(sounds):
    path = written(sounds, "path,speaker\na.wav,A\n")
    with pytest.raises(errors.CorpusError, match="no column 'file'; it has 'path'"):
        corpora.folder(path, columns={"file": "path"})
    with pytest.raises(errors.CorpusError, match="for CSV files only"):
        corpora.folder(sounds, columns={"file": "path"})


def test_a_file_that_cannot_be_read_stays_in_the_table(sounds):
    (sounds / "b.wav").write_text("no sound")
    text = "path,speaker\na.wav,A\nb.wav,B\ngone.wav,C\n"
    table = corpora.folder(written(sounds, text)).table
    assert table.speaker.tolist() == ["A", "B", "C"]
    assert table.duration.isna().tolist() == [False, True, True]


def test_a_name_that_no_file_can_have_stays_in_the_table(sounds):
    text = f"path,speaker\na.wav,A\n{'x' * 999}.wav,B\n"
    table = corpora.folder(written(sounds, text)).table
    assert table.duration.isna().tolist() == [False, True]


def test_paths_from_windows_are_found(sounds):
    path = written(sounds, "path,speaker\ncalls\\c.flac,A\n")
    assert corpora.folder(path).table.path.tolist() == [str(sounds / "calls/c.flac")]


CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    speakers=st.lists(CELLS, min_size=1, max_size=5),
    texts=st.lists(CELLS, min_size=5, max_size=5),
    separator=st.sampled_from(",;\t"),
)
def test_any_names_come_through(sounds, speakers, texts, separator):
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator)
    writer.writerow(["path", "speaker", "text", "start"])
    for i, (speaker, text) in enumerate(zip(speakers, texts, strict=False)):
        writer.writerow(["a.wav", speaker, text, i / 16])
    corpus = corpora.folder(written(sounds, file.getvalue()))
    assert corpus.table.speaker.tolist() == speakers
    assert corpus.table.text.tolist() == texts[: len(speakers)]
    assert corpus.table.index.equals(pd.RangeIndex(len(speakers)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.lists(
            st.sampled_from(
                ["path", "speaker", "start", "a.wav", ",", ";", "\t", "\n", "\r", '"']
                + ["\0", "1", "nan", "-", " ", "\ufeff", "..", "/", "\u2028"]
            ),
            max_size=25,
        ).map(lambda parts: ("path,speaker,start\n" + "".join(parts)).encode()),
    )
)
def test_anything_is_a_table_or_an_error_of_ours(sounds, content):
    path = sounds / "list.csv"
    path.write_bytes(content)
    with contextlib.suppress(errors.CorpusError):
        table = corpora.folder(path).table
        assert table.speaker.ne("").all()
