"""A folder of files of every kind: each is read, rejected or passed over."""

import json

import numpy as np
import pytest
import soundfile

from siamlab import corpora
from siamlab.cli import main

GOOD = "{anna,Ben,Grüße}/{kitchen/1.wav,office/1.flac,a.1.WAV,a.ogg,take 2.m4a,b.mp3}"
HIDDEN = (
    "{.Trash-1/files,$RECYCLE.BIN,__MACOSX/anna,anna/@eaDir,.ipynb_checkpoints}/1.wav"
)
OTHERS = ["README.md", "anna/1.TextGrid", "anna/no suffix", "Ben/video.mp4", "x.part"]
OTHERS += ["anna/notes.txt", "Ben/notes.txt", "anna/._1.wav", ".DS_Store"]
BROKEN = (b"", b"<html>", b"RIFF", b"ID3", bytes(5000), b"PK\3\4")


@pytest.fixture
def mixed(tree):
    """A folder of files and a link, and the paths of those that can be read."""
    tree.sounds(GOOD, seconds=0.6)
    soundfile.write(tree.root / "Ben" / "silent.wav", np.zeros(8000), 16000)
    read = [str(path) for path in tree.root.rglob("*") if path.is_file()]
    tree.sounds(HIDDEN).sounds("{loose,lost}.wav")
    for name in OTHERS:
        tree.text(name, "")
    for i, content in enumerate((*BROKEN, tree.sound("x.wav").read_bytes()[:2000])):
        (tree.root / "anna" / f"bad{i}.mp3").write_bytes(content * 9)
        (tree.root / "Ben" / f"bad{i}.wav").write_bytes(content)
    (tree.root / "x.wav").unlink()
    (tree.root / "anna" / "gone.wav").symlink_to("nowhere.wav")
    return tree.root, read


def test_a_report_accounts_for_every_file(mixed, tmp_path, capsys):
    root, read = mixed
    every = [str(p) for p in root.rglob("*") if p.is_file() or p.is_symlink()]
    found = corpora.describe(corpora.folder(root))
    assert set(found.speakers.index) == {"anna", "Ben", "Grüße"}
    assert found.files.sum() == len(every)
    assert found.files["read"] == len(read)
    rejected, skipped = set(found.rejected.path), set(found.skipped.path)
    assert sorted([*read, *rejected, *skipped]) == sorted(every)
    assert found.rejected.reason.ne("").all()
    reasons = found.skipped.reason.value_counts()
    assert reasons["is hidden, or in the trash"] == 7
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
