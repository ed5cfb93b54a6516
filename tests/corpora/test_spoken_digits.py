"""`fsdd` and `audiomnist`."""

import json

import pytest

from siamlab import corpora


@pytest.mark.parametrize("folder", ["", "data"])
def test_audiomnist_reads_its_metadata(tree, folder):
    tree.sounds("data/{01/0_01,01/7_01,28/0_28,28/7_28}_0.wav")
    people = {
        "01": {"accent": "german", "age": 30, "gender": "male"},
        "28": {"accent": "German", "age": 1234, "gender": "female"},
    }
    tree.text("data/audioMNIST_meta.txt", json.dumps(people))
    table = corpora.audiomnist(tree.root / folder).table
    assert table.speaker.tolist() == ["01", "01", "28", "28"]
    assert table.session.tolist() == table.speaker.tolist()
    assert table.text.tolist() == ["zero", "seven"] * 2
    assert table.sex.tolist() == ["M", "M", "F", "F"]
    assert table.age.tolist()[:2] == [30.0, 30.0]
    assert table.age.isna().tolist() == [False, False, True, True]
    assert table.accent.tolist() == ["german", "german", "German", "German"]


def test_fsdd_reads_speakers_and_digits_from_names(data):
    table = corpora.fsdd(data / "fsdd-mini").table
    assert table.speaker.nunique() == 6
    digits = "zero one two three four five six seven eight nine"
    assert set(table.text) == set(digits.split())
