import pytest

from siamlab import corpora


def test_texts_and_sexes_are_read(tree):
    tree.sounds("dev-clean/84/121123/84-121123-{0000,0001}.flac")
    text = "84-121123-0000 GO DO YOU HEAR\n"
    tree.text("dev-clean/84/121123/84-121123.trans.txt", text)
    # The encoding of the readers' names does not matter.
    tree.text("SPEAKERS.TXT", "; ID\n84   | F | dev-clean | 8.02 | Zoë\n", "latin-1")
    table = corpora.librispeech(tree.root, subset="dev-clean").table
    assert table.text.tolist() == ["GO DO YOU HEAR", ""]
    assert table.sex.tolist() == ["F", "F"]
    assert table.session.unique().tolist() == ["84-121123"]


def test_real_texts_are_read(data):
    table = corpora.librispeech(data / "librispeech-mini", "transcribed").table
    assert len(table) == 21
    assert table.text.str.fullmatch(r"[A-Z' ]+").all()


@pytest.mark.parametrize("suffix", ["mp3", "wav"])
def test_the_root_may_be_a_subset_and_the_files_of_another_format(tree, suffix):
    tree.sound(f"dev/84/1/84-1-0000.{suffix}")
    assert len(corpora.librispeech(tree.root, None)) == 1
    assert len(corpora.librispeech(tree.root / "dev", None)) == 1
