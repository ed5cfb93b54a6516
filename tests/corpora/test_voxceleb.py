import re

import pytest

import siamlab as sl
from siamlab import corpora, errors

VOX1 = (
    "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n"
    "id10270\tAnna\tf\tIreland\ttest\nid10271\tBen\tm\tUK\ttest\n"
)
VOX2 = "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n000012 ,m ,dev \n"
SOUNDS = "{id10270/-aB_c/00001,id10270/zz/00001,id10271/yy/00001,id10271/yy/00002}"
TRIALS = """1 id10270/-aB_c/00001.wav id10270/zz/00001.wav
0 id10270/-aB_c/00001.wav id10271/yy/00002.wav

1 id10271/yy/00002.wav id10271/yy/00001.wav
"""


@pytest.fixture
def vox1(tree):
    return tree.sounds(f"wav/{SOUNDS}.wav")


@pytest.mark.parametrize("folder", ["wav", "dev/aac", "."])
def test_recordings_are_found_in_any_folder(tree, folder):
    table = corpora.voxceleb(tree.sounds(f"{folder}/{SOUNDS}.wav").root).table
    assert table.speaker.tolist() == ["id10270"] * 2 + ["id10271"] * 2
    sessions = ["id10270/-aB_c", "id10270/zz", "id10271/yy", "id10271/yy"]
    assert table.session.tolist() == sessions
    assert table.sex.eq("").all()


def test_a_subset_is_a_folder(vox1):
    vox1.sounds("dev/aac/{id00012,id00015}/yy/{00001,00002}.m4a")
    assert len(corpora.voxceleb(vox1.root)) == 8
    corpus = corpora.voxceleb(vox1.root, "dev/aac")
    assert corpus.table.speaker.unique().tolist() == ["id00012", "id00015"]
    assert corpus.name == "voxceleb dev/aac"
    with pytest.raises(errors.CorpusError, match=r"no folder 'test'; its .* dev, wav"):
        corpora.voxceleb(vox1.root, "test")


@pytest.mark.parametrize("root", ["", "wav"])
def test_metadata_are_found_in_the_folders_above(vox1, root):
    vox1.text("vox1_meta.csv", VOX1)
    vox1.text("vox2_meta.csv", VOX2)
    vox1.sounds("wav/{id00012,id00015}/yy/00001.wav")
    table = corpora.voxceleb(vox1.root / root).table
    assert table.sex.tolist() == ["M", "", "F", "F", "M", "M"]
    assert table.nationality.tolist() == ["", "", "Ireland", "Ireland", "UK", "UK"]


KALDI = re.sub(
    "(.) (.*)", lambda m: f"{m[2]} {'target' if m[1] == '1' else 'nontarget'}", TRIALS
)


@pytest.mark.parametrize(("suffix", "lines"), [("wav", TRIALS), ("m4a", KALDI)])
def test_trials_are_rows_of_the_corpus(tree, suffix, lines):
    corpus = corpora.voxceleb(tree.sounds(f"wav/{SOUNDS}.{suffix}").root)
    trials = tree.text("veri_test2.txt", lines)
    first, second, y_true = corpora.voxceleb_trials(trials, corpus)
    assert first.tolist() == [0, 0, 3]
    assert second.tolist() == [1, 3, 2]
    assert y_true.tolist() == [True, False, True]


def test_trials_are_rows_of_features_without_rejected_recordings(vox1):
    vox1.text("wav/id10270/zz/00001.wav", "not a sound file")
    trials = vox1.text("list.txt", TRIALS.split("\n", 1)[1])
    features = sl.extract(corpora.voxceleb(vox1.root))
    first, second, _ = corpora.voxceleb_trials(trials, features)
    assert features.table.path[first[0]].endswith("id10270/-aB_c/00001.wav")
    assert features.table.path[second[0]].endswith("id10271/yy/00002.wav")


@pytest.mark.parametrize(
    ("rows", "trials", "message"),
    [
        ([0, 2], TRIALS, r"lacks 2 of the 4 recordings .* first is id10271/yy/00002\."),
        ([0], "", "is empty; expected lines of '1 id10270"),
        ([0], "1 a/b/c.wav a/b/d.wav\n1 a/b", "line 2: expected .*; got '1 a/b'"),
    ],
)
def test_the_error_says_what_is_wrong_with_trials(vox1, rows, trials, message):
    path = vox1.text("list.txt", trials)
    with pytest.raises(errors.CorpusError, match=message):
        corpora.voxceleb_trials(path, corpora.voxceleb(vox1.root).select(rows))
