import numpy as np
import pytest
import soundfile

import siamlab as sl
from siamlab import corpora, errors, metrics

VOX1 = (
    "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n"
    "id10270\tAnna\tf\tIreland\ttest\nid10271\tBen\tm\tUK\ttest\n"
)
VOX2 = "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n000012 ,m ,dev \n"
LIST = """1 id10270/-aB_c/00001.wav id10270/zz/00001.wav
0 id10270/-aB_c/00001.wav id10271/yy/00002.wav

1 id10271/yy/00002.wav id10271/yy/00001.wav
"""


@pytest.fixture
def vox1(tmp_path):
    return written(tmp_path / "vox1")


def written(root, inside="wav", ending="wav", speakers=("id10270", "id10271")):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4, 8000))
    places = [f"{speakers[0]}/-aB_c/00001", f"{speakers[0]}/zz/00001"]
    places += [f"{speakers[1]}/yy/00001", f"{speakers[1]}/yy/00002"]
    for place, samples in zip(places, noise, strict=True):
        path = root / inside / f"{place}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, 16000, format="WAV")
    return root


@pytest.mark.parametrize("inside", ["wav", "dev/aac", "", "vox1_test_wav/wav"])
def test_it_is_found_wherever_it_lies(tmp_path, inside):
    table = corpora.voxceleb(written(tmp_path, inside)).table
    assert table.speaker.tolist() == ["id10270"] * 2 + ["id10271"] * 2
    assert table.session.unique().tolist() == [
        "id10270/-aB_c",
        "id10270/zz",
        "id10271/yy",
    ]
    assert table.sex.eq("").all()


def test_a_subset_is_a_folder(vox1):
    written(vox1, "dev/aac", "m4a", speakers=("id00012", "id00015"))
    assert len(corpora.voxceleb(vox1)) == 8
    for subset, first in (
        ("wav", "id10270"),
        ("dev", "id00012"),
        ("dev/aac", "id00012"),
    ):
        corpus = corpora.voxceleb(vox1, subset)
        assert corpus.table.speaker[0] == first
        assert corpus.name == f"voxceleb {subset}"
    with pytest.raises(
        errors.CorpusError, match=r"no folder 'test'; there is dev, wav"
    ):
        corpora.voxceleb(vox1, "test")


@pytest.mark.parametrize("read", ["", "wav", "wav/.."])
def test_sexes_and_nationalities_come_from_the_metadata(vox1, read):
    (vox1 / "vox1_meta.csv").write_text(VOX1)
    (vox1 / "vox2_meta.csv").write_text(VOX2)
    table = corpora.voxceleb(vox1 / read).table
    assert table.sex.tolist() == ["F", "F", "M", "M"]
    assert table.nationality.tolist() == ["Ireland"] * 2 + ["UK"] * 2


def test_metadata_of_voxceleb_2_have_no_nationality(tmp_path):
    written(tmp_path, "dev/aac", "m4a", speakers=("id00012", "id00015"))
    (tmp_path / "vox2_meta.csv").write_text(VOX2)
    table = corpora.voxceleb(tmp_path / "dev" / "aac").table
    assert table.sex.tolist() == ["M", "M", "", ""]
    assert table.nationality.eq("").all()


def test_metadata_that_are_something_else_are_named(vox1):
    (vox1 / "vox1_meta.csv").write_text("speaker,sex\nid10270,f\n")
    with pytest.raises(
        errors.CorpusError, match=r"expected the columns .*; got speaker"
    ):
        corpora.voxceleb(vox1)


def test_a_recording_that_is_there_twice_is_named(vox1):
    written(vox1, "aac", "m4a")
    with pytest.raises(errors.CorpusError, match=r"id10270/-aB_c/00001 is there twice"):
        corpora.voxceleb(vox1)
    assert len(corpora.voxceleb(vox1, "aac")) == 4


def test_a_file_elsewhere_is_named(vox1):
    soundfile.write(vox1 / "noise.wav", np.zeros(9), 8000)
    with pytest.raises(errors.CorpusError, match=r"noise.wav does not lie there"):
        corpora.voxceleb(vox1)


@pytest.mark.parametrize("ending", ["wav", "m4a"])
def test_trials_are_rows_of_the_corpus(tmp_path, ending):
    corpus = corpora.voxceleb(written(tmp_path, ending=ending))
    (tmp_path / "veri_test2.txt").write_text(LIST)
    first, second, same = corpora.voxceleb_trials(tmp_path / "veri_test2.txt", corpus)
    assert first.tolist() == [0, 0, 3]
    assert second.tolist() == [1, 3, 2]
    assert same.tolist() == [True, False, True]
    speakers = corpus.table.speaker.to_numpy()
    np.testing.assert_array_equal(speakers[first] == speakers[second], same)


def test_an_error_rate_of_trials_is_that_of_their_pairs_alone(vox1, rng):
    (vox1 / "list.txt").write_text(LIST)
    corpus = corpora.voxceleb(vox1)
    features = sl.extract(corpus)
    first, second, same = corpora.voxceleb_trials(vox1 / "list.txt", features)
    embeddings = rng.normal(size=(4, 8))
    scores = metrics.trial_scores(embeddings, first, second)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    slow = [unit[i] @ unit[j] for i, j in zip(first, second, strict=True)]
    np.testing.assert_allclose(scores, slow)
    assert metrics.eer(same, scores) == metrics.eer(same, slow)


def test_rows_of_trials_follow_what_extraction_rejected(vox1):
    (vox1 / "wav/id10270/zz/00001.wav").write_text("no sound")
    (vox1 / "list.txt").write_text(LIST.split("\n", 1)[1])
    features = sl.extract(corpora.voxceleb(vox1))
    first, second, _ = corpora.voxceleb_trials(vox1 / "list.txt", features)
    assert len(features) == 3
    assert features.table.path[first[0]].endswith("id10270/-aB_c/00001.wav")
    assert features.table.path[second[0]].endswith("id10271/yy/00002.wav")


def test_recordings_of_trials_that_are_missing_are_counted(vox1):
    (vox1 / "list.txt").write_text(LIST)
    some = corpora.voxceleb(vox1).select([0, 2])
    with pytest.raises(
        errors.CorpusError,
        match=r"2 of the 4 recordings .* first is id10271/yy/00002;",
    ):
        corpora.voxceleb_trials(vox1 / "list.txt", some)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty; expected lines of '1 id10270"),
        ("1 a/b/c.wav\n", "line 1: expected .*; got '1 a/b/c.wav'"),
        ("1 a/b/c.wav a/b/d.wav\ntarget a/b/c.wav a/b/d.wav\n", "line 2: expected"),
    ],
)
def test_what_is_no_list_of_trials_is_named(vox1, text, sentence):
    (vox1 / "list.txt").write_text(text)
    with pytest.raises(errors.CorpusError, match=sentence):
        corpora.voxceleb_trials(vox1 / "list.txt", corpora.voxceleb(vox1))
    with pytest.raises(errors.CorpusError, match="cannot be read as a list of trials"):
        corpora.voxceleb_trials(vox1 / "nowhere.txt", corpora.voxceleb(vox1))


def test_a_corpus_with_a_recording_twice_has_no_trials(vox1):
    (vox1 / "list.txt").write_text(LIST)
    doubled = corpora.voxceleb(vox1).select([0, 0, 1, 2, 3])
    with pytest.raises(errors.CorpusError, match="several rows"):
        corpora.voxceleb_trials(vox1 / "list.txt", doubled)
