"""Your own recordings: `folder` and `recordings`."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
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
    with pytest.raises(errors.CorpusError, match="is not in a speaker's folder"):
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
    rows = ["path;speaker;start;duration", "a.wav;A;0,25;0,5", "a.wav;A;0,75;0,6"]
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


INVALID_TABLES = {
    "no column 'path'; it has 'file', 'speaker'. Name": "file,speaker\na.wav,A\n",
    "no speaker in row 3": "path,speaker\na.wav,A\nb.wav,\n",
    "start must be .* got 'soon' in row 2": "path,speaker,start\na.wav,A,soon\n",
    "row 2: has 3 cells, but the header": "path,speaker\na.wav,A,1\nb.wav,A,2\n",
    "row 2: contains a whole row in one": 'path,speaker\na.wav,"A\nb.wav,B"\n',
    "line 2 cannot be read as a table in UTF-8: unexpected": 'path,speaker\na.wav,"A\n',
    "a column 'begin'. If it is the start": "path,speaker,begin\na.wav,A,1\n",
    "end and duration contradict each": "path,speaker,start,end\na.wav,A,1,0.5\n",
    "contradict each other in row 2": "path,speaker,end,duration\na.wav,A,1,0.5\n",
    "ends at 16000 s; correct the row": "path,speaker,end\na.wav,A,16000\n",
    "a column 'phones', but phones need": "path,speaker,phones\na.wav,A,x\n",
    r"none of the 2 files .* first .*x\.wav": "path,speaker\nx.wav,A\ny.wav,B\n",
    "no column 'path'": "",
    "no utterances were found": "path,speaker\n",
    "cannot be read as a table in UTF-8": "path,speaker\na.wav,J\udcfcrgen\n",
}


@pytest.mark.parametrize(("message", "text"), INVALID_TABLES.items())
def test_the_error_says_what_is_wrong_with_a_csv_file(sounds, text, message):
    path = sounds.root / "list.csv"
    path.write_text(text, "utf-8", errors="surrogateescape")
    with pytest.raises(errors.CorpusError, match=message):
        corpora.folder(path)


def test_broken_and_repeated_rows_are_rejected_and_the_others_are_read(sounds, capfd):
    rows = [
        "path,speaker,text",
        "a.wav,A,Guten",
        "Morgen,2",
        "./a.wav,B,x",
        "b.wav,C,y",
    ]
    corpus = corpora.folder(sounds.text("list.csv", "\n".join(rows)))
    assert corpus.table.speaker.tolist() == ["A", "C"]
    row, repeated = corpus.rejected.itertuples(index=False)
    assert row.path.endswith("list.csv, row 3")
    assert row.reason == "has 2 cells, but the header has 3; correct the row"
    assert repeated.reason.startswith("is listed twice with the same start")
    assert capfd.readouterr().err.startswith("2 of 4 recordings rejected (")


def test_rows_may_have_an_end_in_place_of_a_duration(sounds):
    text = "path,speaker,start,end\na.wav,A,0.1,0.4\na.wav,B,0.5,1.3\n"
    table = table_of(sounds, text)
    assert table.duration.tolist() == pytest.approx([0.3, 0.5])
    assert "end" not in table


def test_a_table_that_pandas_has_written_is_read_again(sounds):
    table = corpora.voices(n_speakers=2, n_utterances=1).table
    others = table_of(sounds, "path,speaker,session\na.wav,A,1\nb.wav,B,\n")
    table = pd.concat([table[others.columns], others], ignore_index=True)
    table.to_csv(sounds.root / "again.csv")
    again = corpora.folder(sounds.root / "again.csv").table
    pd.testing.assert_frame_equal(again, table)


@pytest.fixture
def linked(sounds):
    """Links of every kind into, out of and above a folder with two speakers."""
    root = sounds.root / "root"
    sounds.sounds("root/{anna,ben}/1.wav").sounds("other/{cleo/1,cleo/2}.wav")
    for name, target in {
        "anna/all": "..",
        "ben/above": "../..",
        "ben/anna": "../anna",
        "cleo": "../other/cleo",
        "guest": "../other/cleo",
        "ben/2.wav": "../anna/1.wav",
        "ben/gone.wav": "nowhere.wav",
        "ben/loop.wav": "loop.wav",
        "ben/3.wav": "../../a.wav",
        "ben/4.wav": "../../a.wav",
    }.items():
        (root / name).symlink_to(target)
    os.link(root / "anna" / "1.wav", root / "hard.wav")
    os.mkfifo(root / "anna" / "pipe.wav")
    return root


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_recording_is_read_once_whatever_links_lead_to_it(linked):
    corpus = corpora.folder(linked)
    read = sorted(str(Path(p).relative_to(linked)) for p in corpus.table.path)
    once = ["anna/1.wav", "ben/1.wav", "ben/3.wav", "cleo/1.wav", "cleo/2.wav"]
    assert read == sorted([*once, "ben/gone.wav", "ben/loop.wav"])
    skipped = dict(corpus.skipped.itertuples(index=False))
    assert {str(Path(p).relative_to(linked)): r for p, r in skipped.items()} == {
        "anna/all": f"is a link to {linked}, which is read there",
        "anna/pipe.wav": "is not a file",
        "ben/2.wav": f"is the same file as {linked}/anna/1.wav",
        "ben/4.wav": f"is the same file as {linked}/ben/3.wav",
        "ben/above": "is a link to a folder above",
        "ben/anna": f"is a link to {linked}/anna, which is read there",
        "guest": f"is a link to {linked}/cleo, which is read there",
        "hard.wav": f"is the same file as {linked}/anna/1.wav",
    }


def test_names_in_either_form_of_unicode_are_the_same_speaker(tree):
    forms = [unicodedata.normalize(form, "Grüße") for form in ("NFC", "NFD")]
    tree.sounds("{" + ",".join(f"{name}/{i}" for i, name in enumerate(forms)) + "}.wav")
    assert set(corpora.folder(tree.root).table.speaker) == {forms[0]}
    rows = f"path,speaker\n{forms[1]}/0.wav,{forms[0]}\n{forms[0]}/1.wav,{forms[1]}\n"
    table = table_of(tree, rows)
    assert set(table.speaker) == {forms[0]}
    assert table.duration.notna().all()


def test_a_missing_file_stays_in_the_table(sounds):
    table = table_of(sounds, "path,speaker\na.wav,A\nmissing.wav,B\n")
    assert table.duration.isna().tolist() == [False, True]
