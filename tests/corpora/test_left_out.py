"""A folder of files of every kind: each is read, rejected or passed over."""

import json
import os
import unicodedata

import numpy as np
import pytest
import soundfile

from siamlab import corpora
from siamlab.cli import main

SPEAKERS = "anna,Ben,_cleo,Grüße,id-04"
GOOD = [
    "{" + SPEAKERS + "}/{kitchen,office}/{1,2,3}.{wav,flac,mp3}",
    "{" + SPEAKERS + "}/{a.1.WAV,a.ogg,take 2.m4a,b.aiff}",
]
HIDDEN = (
    "{.Trash-1000/files,$RECYCLE.BIN,__MACOSX/anna,anna/@eaDir,.ipynb_checkpoints}"
    "/{1,2,3}.wav"
)
OTHERS = [f"{name}/notes{end}" for name in ("anna", "Ben") for end in (".txt", ".docx")]
OTHERS += ["README.md", "anna/1.TextGrid", "anna/no suffix", "Ben/video.mp4", "x.part"]
LINKS = {
    "anna/all": "..",
    "Ben/above": "../..",
    "Ben/guest": "../anna",
    "Ben/copy.wav": "../anna/kitchen/1.wav",
    "twice": "anna/kitchen",
    "anna/gone.wav": "nowhere.wav",
}


@pytest.fixture
def mixed(tree):
    """A folder of 200 files and links, and the paths of those that can be read."""
    for names in GOOD:
        tree.sounds(names, seconds=0.6)
    read = {path for path in tree.root.rglob("*") if path.is_file()}
    tree.sounds(HIDDEN).sounds("{loose,lost}.wav")
    for name in (*OTHERS, "anna/._1.wav", ".DS_Store", "Ben/empty.wav"):
        tree.text(name, "")
    whole = tree.sound("Ben/cut.wav").read_bytes()
    for i, content in enumerate((b"<html>", b"RIFF", b"ID3", bytes(5000), b"PK\3\4")):
        (tree.root / "anna" / f"bad{i}.mp3").write_bytes(content * 9)
        (tree.root / "Ben" / f"bad{i}.wav").write_bytes(content)
    (tree.root / "Ben" / "cut.wav").write_bytes(whole[:2000])
    for name, target in LINKS.items():
        (tree.root / name).symlink_to(target)
    decomposed = unicodedata.normalize("NFD", "Grüße/Mac.wav")
    read.add(tree.sound(decomposed))
    soundfile.write(tree.root / "Ben" / "silent.wav", np.zeros(8000), 16000)
    read.add(tree.root / "Ben" / "silent.wav")
    n = len(entries(tree.root))
    read |= {tree.sound(f"id-04/more/{i}.wav", seconds=0.6) for i in range(n, 200)}
    return tree.root, {str(path) for path in read}


def entries(root):
    """All files and links below a folder."""
    found = []
    for folder, folders, files in os.walk(root):
        links = [each for each in folders if os.path.islink(os.path.join(folder, each))]
        found += [os.path.join(folder, name) for name in (*files, *links)]
    return found


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_report_accounts_for_every_file(mixed, tmp_path, capsys):
    root, read = mixed
    assert len(entries(root)) == 200
    found = corpora.describe(corpora.folder(root))
    assert set(found.speakers.index) == {*SPEAKERS.split(",")}
    assert found.files.sum() == 200
    assert found.files["read"] == len(read)
    rejected, skipped = set(found.rejected.path), set(found.skipped.path)
    assert sorted([*read, *rejected, *skipped]) == sorted(entries(root))
    assert found.rejected.reason.ne("").all()
    reasons = found.skipped.reason.value_counts()
    assert reasons["is hidden, or in the trash"] == 17
    assert reasons["is not a sound file, by its suffix .txt"] == 2
    counts = f"{len(read)} read, {len(rejected)} rejected, {len(skipped)} p"
    assert counts in repr(found)
    capsys.readouterr()
    assert main(["corpus", "--data", str(root)]) == 0
    printed = capsys.readouterr().out
    assert all(path in printed for path in (rejected | skipped))
    silent = {str(root / "Ben" / "silent.wav")}
    loose = {str(root / "loose.wav"), str(root / "lost.wav")}
    output = str(tmp_path.with_suffix(".npz"))
    embed = ["embed", root, "--output", output]
    for arguments in (embed, ["evaluate", "--data", root]):
        assert main([*map(str, arguments), "--json"]) == 0
        summary = json.loads(capsys.readouterr().out)
        assert {row["path"] for row in summary["skipped"]} == skipped
        left_out = {row["path"] for row in summary["rejected"]}
        assert left_out | loose == rejected | silent
