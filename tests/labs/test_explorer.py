import io
from collections import Counter

import numpy as np
import pytest
import soundfile
from examples import explorer, speakers

import siamlab as sl
from siamlab.labs.explorer import SpeakerExplorer


@pytest.fixture
def lab():
    return explorer()


def send(lab, **content):
    """Handle a message of the browser."""
    lab.image._handle_custom_msg(content, [])


def test_shuffled_names_have_the_purity_of_chance_on_the_same_map(lab):
    true = lab.result
    assert true.purity > true.purity.chance + 0.3
    lab.shuffled.value = True
    shuffled = lab.result
    assert shuffled.purity == pytest.approx(true.purity.chance, abs=0.12)
    assert shuffled.preserved == true.preserved
    np.testing.assert_array_equal(shuffled.points, true.points)
    assert sorted(shuffled.labels) == sorted(true.labels)


def test_neighbors_are_found_in_the_original_space_and_selected_on_the_map(lab):
    embeddings, features, _ = speakers()
    lab.set(utterance=7, metric="manhattan", around=10)
    distances = np.abs(embeddings - embeddings[7]).sum(axis=1)
    distances[7] = np.inf
    assert lab.result.neighbors == tuple(np.argsort(distances)[:5])
    np.testing.assert_allclose(lab.result.distances, np.sort(distances)[:5])
    purity = sl.clusters.neighbor_purity(
        embeddings, features.speakers, metric="manhattan"
    )
    assert lab.result.purity == pytest.approx(purity)
    assert lab.result.purity.chance == pytest.approx(purity.chance)
    assert lab.result.names[0] == "speaker 2 2"
    assert f"{lab.result.names[1]} ({lab.result.distances[0]:.3f})" in lab.readout.value
    on_map = np.linalg.norm(lab.result.points - lab.result.points[7], axis=1)
    around = np.argsort(on_map)[:11]
    assert set(lab.result.selected) == set(around)
    assert dict(lab.result.counts) == Counter(features.speakers[around])


def test_a_lasso_selects_until_something_else_does(lab):
    send(lab, selected=[0, 5, 6])
    lab.seed.value = 4
    assert lab.result.selected == (0, 5, 6)
    assert "selected <b>3</b>: speaker 0 2, speaker 1 1" in lab.readout.value
    lab.around.value = 3
    assert len(lab.result.selected) == 4
    send(lab, selected=[1])
    assert (lab.result.selected, lab.around.value) == ((1,), 0)
    for clear in (lambda: send(lab, selected=[]), lab.reset):
        send(lab, selected=[0, 5, 6])
        clear()
        assert lab.result.selected == ()


def test_the_chosen_recording_is_played_on_request(lab):
    assert not lab.sound.autoplay
    lab.utterance.value = 6
    samples, _ = soundfile.read(io.BytesIO(lab.sound.value))
    row = lab._features.table.iloc[6]
    expected, _ = sl.audio.read(row.path, start=row.start, duration=row.duration)
    np.testing.assert_allclose(samples, expected, atol=1e-4)
    assert lab.sound.autoplay
    assert row.text in lab.transcript.value
    lab._features.table.loc[7, "path"] = "gone.wav"
    lab.utterance.value = 7
    assert "gone.wav" in lab.transcript.value
    assert lab.sound.value == b""
    assert lab.result.chosen == 7


def test_names_are_escaped_in_the_readout():
    embeddings, features, layout = speakers()
    features.table["speaker"] = ["<b>", "x"] * 20
    lab = SpeakerExplorer(embeddings, features, layout=layout)
    assert "&lt;b&gt; 1" in lab.readout.value
