"""Your own recordings: `folder` and `recordings`."""

import numpy as np
import pytest
import soundfile

from siamlab import corpora, errors


@pytest.fixture
def sounds(tree):
    """A folder with three files of one second."""
    return tree.sounds("{a.wav,b.wav,calls/c.flac}", seconds=1.0)


def table_of(tree, text, encoding="utf-8", **settings):
    return corpora.folder(tree.text("list.csv", text, encoding), **settings).table


def test_folders_are_speakers_and_the_folders_in_them_are_sessions(tree):
    tree.sounds("{anna/kitchen/1.wav,anna/office/1.wav,ben/1.WAV}")
    tree.text("anna/kitchen/notes.txt", "")
    tree.sound("anna/kitchen/._1.wav")  # left behind by macOS
    table = corpora.folder(tree.root).table
    assert table.speaker.tolist() == ["anna", "anna", "ben"]
    assert table.session.tolist() == ["anna/kitchen", "anna/office", "ben"]


def test_recordings_need_no_speakers(tree):
    paths = [tree.sound("a.wav"), tree.sound("ben/b.wav")]
    table = corpora.recordings(tree.root).table
    assert table.speaker.tolist() == ["", "ben"]
    assert table.session.tolist() == ["a.wav", "ben"]
    assert corpora.recordings(paths[1]).table.path.tolist() == [str(paths[1])]


def test_a_folder_without_speakers_is_an_error(tree):
    tree.text("anna/notes.txt", "")
    with pytest.raises(errors.CorpusError, match=r"no sound files in .*ROOT/SPEAKER"):
        corpora.folder(tree.root)
    tree.sound("a.wav")
    with pytest.raises(errors.CorpusError, match=r"a.wav is not in a speaker's folder"):
        corpora.folder(tree.root)


@pytest.mark.parametrize("read", [corpora.folder, corpora.recordings, corpora.fsdd])
@pytest.mark.parametrize("name", ["nowhere", "a" * 300, "a\0b"])
def test_a_folder_that_does_not_exist_is_an_error(tmp_path, read, name):
    with pytest.raises(errors.CorpusError, match="does not exist; expected"):
        read(f"{tmp_path}/{name}")


def test_a_csv_file_needs_a_path_and_a_speaker(sounds):
    table = table_of(sounds, "path,speaker\na.wav,Anna\ncalls\\c.flac,Ben\n")
    assert table.speaker.tolist() == table.session.tolist() == ["Anna", "Ben"]
    assert table.path[0] == str(sounds.root / "a.wav")
    # With the slashes of Windows:
    assert table.path[1] == str(sounds.root / "calls" / "c.flac")
    assert table.duration.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize(("separator", "newline"), [(",", "\n"), (";", "\r\n")])
def test_the_csv_files_of_spreadsheets_are_read(sounds, encoding, separator, newline):
    lines = [
        ["path", "speaker", "session", "start", "duration", "text", "room"],
        ["a.wav", "Jürgen", "1", "0.25", "0.5", '"Hallo, du; ""da"""', "Küche"],
        ["a.wav", "NA", "1", "", "", "", ""],
        ["", "", "", "", "", "", ""],  # left of a row that was cleared
    ]
    text = newline.join(separator.join(cells) for cells in lines) + newline
    table = table_of(sounds, text, encoding)
    assert table.speaker.tolist() == ["Jürgen", "NA"]
    assert table.session.tolist() == ["Jürgen/1", "NA/1"]
    assert table.start.tolist() == [0.25, 0.0]
    assert table.duration.tolist() == [0.5, 1.0]
    assert table.text.tolist() == ['Hallo, du; "da"', ""]
    assert table.room.tolist() == ["Küche", ""]


def test_a_row_may_be_a_part_of_a_file(sounds):
    # With decimal commas.
    rows = ["path;speaker;start;duration", "a.wav;A;0,25;0,5", "a.wav;A;0,75;9"]
    corpus = corpora.folder(sounds.text("list.csv", "\n".join(rows)))
    whole, _ = soundfile.read(sounds.root / "a.wav", dtype="float32")
    np.testing.assert_array_equal(corpus[0][0], whole[4000:12000])
    np.testing.assert_array_equal(corpus[1][0], whole[12000:])


def test_columns_can_be_renamed(sounds):
    columns = {"Datei": "path", "Person": "speaker"}
    table = table_of(sounds, "Datei,Person\na.wav,Anna\n", columns=columns)
    assert table.speaker.tolist() == ["Anna"]
    with pytest.raises(errors.CorpusError, match="two columns would be named 'path'"):
        table_of(sounds, "Datei,Person,path\na.wav,Anna,x\n", columns=columns)
    with pytest.raises(errors.CorpusError, match="no column 'Datei'; it has 'path'"):
        table_of(sounds, "path,speaker\na.wav,Anna\n", columns=columns)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,speaker\na.wav,A\n", "no column 'path'; it has 'file', 'speaker'. Name"),
        ("path,speaker\na.wav,A\nb.wav,\n", "no speaker in row 3"),
        ("path,speaker,start\na.wav,A,soon\n", "start must be .* got 'soon' in row 2"),
        ("path,speaker\na.wav,A\na.wav,B\n", "row 3: an earlier row"),
        ("path,speaker\na.wav,A,1\nb.wav,A,2\n", "more cells than its header"),
        ("path,speaker,phones\na.wav,A,x\n", "a column 'phones', but phones need"),
        ("path,speaker\nx.wav,A\ny.wav,B\n", r"none of the 2 files .* first .*x\.wav"),
        ("", "cannot be read as a table: No columns"),
        ("path,speaker\na.wav,J\udcfcrgen\n", "not encoded in UTF-8"),
    ],
)
def test_the_error_says_what_is_wrong_with_a_csv_file(sounds, text, message):
    path = sounds.root / "list.csv"
    path.write_text(text, "utf-8", errors="surrogateescape")
    with pytest.raises(errors.CorpusError, match=message):
        corpora.folder(path)


@pytest.mark.parametrize("bad", ["b.wav", "missing.wav"])
def test_an_unreadable_file_stays_in_the_table(sounds, bad):
    sounds.text("b.wav", "not a sound file")
    table = table_of(sounds, f"path,speaker\na.wav,A\n{bad},B\n")
    assert table.duration.isna().tolist() == [False, True]
