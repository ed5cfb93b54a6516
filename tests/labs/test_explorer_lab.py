"""The speaker explorer: neighbors in the original space and on the map, and sound."""

import base64
import io
from collections import Counter

import numpy as np
import pytest
import soundfile
from examples import speakers
from scipy.spatial.distance import cdist

import siamlab as sl
from siamlab import errors
from siamlab.labs.explorer import SpeakerExplorer

N_UTTERANCES = 40


def make():
    embeddings, features, layout = speakers()
    return SpeakerExplorer(embeddings, features, layout=layout)


def settings(rng):
    """Random values of the controls that need no other map."""
    n = int(rng.integers(0, 20))
    return {
        "utterance": int(rng.integers(N_UTTERANCES)),
        "selected": np.sort(rng.permutation(N_UTTERANCES)[:n]).tolist(),
        "shuffled": bool(rng.integers(2)),
        **{"n_neighbors": 15, "min_dist": 0.1, "seed": 0},
    }


def numbers(result):
    """What the view computes, too."""
    return {
        "purity": float(result.purity),
        "chance": result.purity.chance,
        "chanceKept": 5 / 39,
        "preserved": result.preserved,
        "neighbors": result.neighbors,
        "ranks": result.ranks,
        "counts": [n for _, n in result.counts],
    }


@pytest.fixture
def lab():
    return make()


def samples_of(address):
    content = base64.b64decode(address.partition(",")[2])
    return soundfile.read(io.BytesIO(content))


def test_shuffled_names_have_the_purity_of_chance_on_the_same_map(lab):
    true = lab.result
    assert true.purity > true.purity.chance + 0.3
    lab.shuffled = True
    shuffled = lab.result
    assert shuffled.purity == pytest.approx(true.purity.chance, abs=0.12)
    assert shuffled.preserved == true.preserved
    np.testing.assert_array_equal(shuffled.points, true.points)


def test_neighbors_are_found_in_the_original_space_and_ranked_on_the_map(lab):
    embeddings, features, _ = speakers()
    lab.set(utterance=7, selected=[0, 5, 6])
    distances = cdist(embeddings, embeddings, "cosine")[7]
    near = np.argsort(distances)[1:6]
    assert lab.result.neighbors == tuple(near)
    purity = sl.clusters.neighbor_purity(embeddings, features.speakers)
    assert lab.result.purity == pytest.approx(purity)
    assert lab.result.purity.chance == pytest.approx(purity.chance)
    assert lab.result.names[0] == "speaker 2 2"
    on_map = np.linalg.norm(lab.result.points - lab.result.points[7], axis=1)
    order = np.argsort(on_map).tolist()  # the first one is the utterance itself
    assert lab.result.ranks == tuple(order.index(i) for i in near)
    assert dict(lab.result.counts) == Counter(features.speakers[[0, 5, 6]])
    assert "selected: speaker 0 2, speaker 1 1" in lab.readout


def test_the_share_of_kept_neighbors_is_that_of_the_ranks(lab, monkeypatch):
    ranks = [lab._compute(**lab.values | {"utterance": i}).ranks for i in range(40)]
    kept = np.mean(np.array(ranks) <= 5, axis=1)
    assert lab.result.preserved == pytest.approx(kept.mean())
    monkeypatch.setattr("siamlab.labs.explorer._MAX_ROWS", 7)
    few = make()
    assert few.result.preserved == pytest.approx(kept[few._rows].mean())
    assert len(few._rows) == 7


def test_the_view_gets_each_new_map(lab):
    assert lab.data["settings"]["seed"] == 0
    first = lab.data["points"]["data"]
    lab.set(seed=4, selected=[1])
    assert lab.data["settings"]["seed"] == 4
    assert lab.data["points"]["data"] == lab.result.points.T.tobytes() != first
    assert lab.data["preserved"] == lab.result.preserved
    lab.reset()
    assert lab.data["points"]["data"] == first
    assert lab.result.counts == ()


def test_the_kernel_plays_the_chosen_recording(lab, monkeypatch):
    sent = []
    monkeypatch.setattr(lab, "send", sent.append)
    row = lab._table.iloc[6]
    expected, rate = sl.audio.read(row.path, start=row.start, duration=row.duration)
    lab._handle_custom_msg({"play": 6}, [])
    samples, sr = samples_of(sent[0]["sound"])
    assert sr == rate
    np.testing.assert_allclose(samples, expected, atol=1e-4)
    lab._table.loc[7, "path"] = "gone.wav"
    lab._handle_custom_msg({"play": 7}, [])
    assert sent[1] == {"sound": ""}


def test_a_page_has_short_sounds_of_all_speakers_first(lab, monkeypatch):
    samples, sr = samples_of(lab.data["sounds"]["0"])
    assert sr == 8000
    assert 1 < len(samples) / sr < 2
    assert len(lab.data["sounds"]) == N_UTTERANCES
    monkeypatch.setattr("siamlab.labs.explorer._MAX_BYTES", 16_000)
    few = {int(row) for row in make().data["sounds"]}
    assert {0, 1, 2, 3, 4} <= few < set(range(N_UTTERANCES))


def test_embeddings_and_utterances_must_fit():
    with pytest.raises(errors.ArgumentError, match=r"got \(40,\)"):
        SpeakerExplorer(np.eye(5), speakers()[1])
