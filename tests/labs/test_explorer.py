import io
from collections import Counter

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from labs import heard

import siamlab as sl
from siamlab.labs import Atlas, SpeakerExplorer, kept_neighbors, nearest


@pytest.fixture
def lab():
    embeddings, features, layout = heard()
    return SpeakerExplorer(embeddings, features, layout=layout)


def say(lab, **content):
    """What arrives from the browser."""
    lab.image._handle_custom_msg(content, [])


def test_the_nearest_are_those_of_a_slow_search(rng):
    x = rng.normal(size=(30, 4))
    near, distances = nearest(x, [3, 17], k=6, metric="euclidean")
    for row, found, far in zip([3, 17], near, distances, strict=True):
        everybody = sorted((np.linalg.norm(x[row] - y), i) for i, y in enumerate(x))
        others = [(d, i) for d, i in everybody if i != row][:6]
        assert found.tolist() == [i for _, i in others]
        np.testing.assert_allclose(far, [d for d, _ in others])


def test_nobody_is_his_own_neighbor_even_among_doubles():
    near, distances = nearest(np.ones((6, 3)), range(6), k=3)
    assert not (near == np.arange(6)[:, None]).any()
    np.testing.assert_allclose(distances, 0, atol=1e-12)


def test_as_many_neighbors_as_there_are_no_others_are_refused():
    with pytest.raises(sl.SiamlabError, match="k must be 1 to 2"):
        nearest(np.eye(3), [0], k=3)


@given(st.integers(0, 1000), st.integers(1, 9))
def test_the_share_kept_is_that_of_a_slow_count(seed, k):
    rng = np.random.default_rng(seed)
    near, on_map = (
        np.array([rng.permutation(12)[:k] for _ in range(5)]) for _ in range(2)
    )
    shared = sum(
        len(set(a) & set(b))
        for a, b in zip(near.tolist(), on_map.tolist(), strict=True)
    )
    assert kept_neighbors(near, on_map) == pytest.approx(shared / (5 * k))


def test_a_map_at_random_keeps_what_chance_gives(rng):
    x, points = rng.normal(size=(400, 10)), rng.normal(size=(400, 2))
    everybody = np.arange(400)
    kept = kept_neighbors(
        nearest(x, everybody, k=20)[0],
        nearest(points, everybody, k=20, metric="euclidean")[0],
    )
    assert kept == pytest.approx(20 / 399, abs=0.01)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "manhattan"])
def test_purity_is_that_of_clusters(metric):
    embeddings, features, layout = heard()
    view = Atlas(embeddings, features.speakers, layout=layout).view(metric=metric)
    purity = sl.clusters.neighbor_purity(embeddings, features.speakers, metric=metric)
    assert view.purity == pytest.approx(purity)
    assert view.purity.chance == pytest.approx(purity.chance)


def test_of_many_utterances_a_sample_is_asked(monkeypatch, rng):
    from siamlab.labs import _atlas

    monkeypatch.setattr(_atlas, "_ASKED", 300)
    who = np.arange(600) % 3
    x = rng.normal(size=(600, 8)) + 1.5 * rng.normal(size=(3, 8))[who]
    view = Atlas(x, who, layout=lambda x, **_: x[:, :2]).view()
    assert view.purity == pytest.approx(sl.clusters.neighbor_purity(x, who), abs=0.05)


def test_names_dealt_anew_bring_purity_down_to_chance_and_leave_the_map(lab):
    true = lab.found
    assert true.purity > true.purity.chance + 0.3
    lab.shuffled.value = True
    shuffled = lab.found
    assert shuffled.purity == pytest.approx(true.purity.chance, abs=0.12)
    assert shuffled.purity.chance == pytest.approx(true.purity.chance)
    assert shuffled.kept == true.kept
    np.testing.assert_array_equal(shuffled.points, true.points)
    assert sorted(shuffled.labels) == sorted(true.labels)


def test_the_neighbors_are_those_of_the_original_space(lab):
    embeddings, _, _ = heard()
    lab.set(utterance=7, metric="manhattan")
    far = np.abs(embeddings - embeddings[7]).sum(axis=1)
    far[7] = np.inf
    assert lab.found.neighbors == tuple(np.argsort(far)[:5])
    np.testing.assert_allclose(lab.found.distances, np.sort(far)[:5])
    assert lab.found.names[0] == "speaker 2 2"
    assert f"{lab.found.names[1]} ({lab.found.distances[0]:.3f})" in lab.readout.value


def test_whoever_is_around_on_the_map_is_counted(lab):
    lab.set(utterance=7, around=10)
    points, speakers = lab.found.points, heard()[1].speakers
    far = np.linalg.norm(points - points[7], axis=1)
    around = np.argsort(far)[:11]
    assert set(lab.found.selected) == set(around)
    assert dict(lab.found.counts) == Counter(speakers[around])
    numbers = [count for _, count in lab.found.counts]
    assert numbers == sorted(numbers, reverse=True)


def test_a_click_does_what_the_list_does(lab):
    embeddings, features, layout = heard()
    listed = SpeakerExplorer(embeddings, features, layout=layout)
    listed.utterance.value = 11
    say(lab, chosen=11)
    assert lab.utterance.value == 11
    assert lab.image.value == listed.image.value
    assert lab.sound.value == listed.sound.value


def test_a_lasso_selects_and_stays_on_the_next_map(lab):
    say(lab, selected=[0, 5, 6])
    assert lab.found.selected == (0, 5, 6)
    assert lab.found.counts == (("speaker 0", 2), ("speaker 1", 1))
    assert "selected <b>3</b>: speaker 0 2, speaker 1 1" in lab.readout.value
    lab.seed.value = 4
    assert lab.found.selected == (0, 5, 6)


def test_nobody_is_selected_after_a_click_beside_all_or_a_reset(lab):
    for undo in (lambda: say(lab, selected=[]), lab.reset):
        say(lab, selected=[0, 5, 6])
        undo()
        assert lab.found.selected == ()
        assert "selected" not in lab.readout.value


def test_the_slider_takes_over_from_the_lasso_and_back(lab):
    say(lab, selected=[0, 5, 6])
    lab.around.value = 3
    assert len(lab.found.selected) == 4
    lab.around.value = 0
    assert lab.found.selected == ()
    lab.around.value = 3
    say(lab, selected=[1])
    assert (lab.found.selected, lab.around.value) == ((1,), 0)


def test_the_chosen_recording_is_heard_and_the_first_only_on_request(lab):
    _, features, _ = heard()
    assert not lab.sound.autoplay
    lab.utterance.value = 6
    samples, _ = soundfile.read(io.BytesIO(lab.sound.value))
    row = features.table.iloc[6]
    expected, _ = sl.audio.read(row.path, start=row.start, duration=row.duration)
    np.testing.assert_allclose(samples, expected, atol=1e-4)
    assert lab.sound.autoplay
    assert row.text in lab.spoken.value


def test_a_recording_that_is_gone_is_said_and_the_map_goes_on(lab):
    lab._features.table.loc[6, "path"] = "gone.wav"
    lab.utterance.value = 6
    assert "gone.wav: does not exist" in lab.spoken.value
    assert lab.sound.value == b""
    assert lab.found.chosen == 6


def test_a_map_is_made_once_and_says_that_it_is_being_made(lab):
    made, layout = [], lab._layout

    def slow(x, **settings):
        made.append((settings, lab.readout.value))
        return layout(x, **settings)

    lab._layout = slow
    for seed in (1, 0, 1):
        lab.seed.value = seed
    lab.shuffled.value = True
    lab.utterance.value = 9
    ((settings, said),) = made
    assert settings == dict(n_neighbors=15, min_dist=0.1, metric="cosine", seed=1)
    assert "computing a map of 40 utterances" in said


def test_what_does_not_fit_is_refused():
    embeddings, features, layout = heard()
    with pytest.raises(sl.SiamlabError, match="got 39 and 40"):
        SpeakerExplorer(embeddings[1:], features, layout=layout)
    with pytest.raises(sl.SiamlabError, match="at least 4"):
        SpeakerExplorer(embeddings[:3], features[:3], layout=layout)
    embeddings[3, 0] = np.nan
    with pytest.raises(sl.SiamlabError, match="finite"):
        SpeakerExplorer(embeddings, features, layout=layout)


def test_names_are_no_html():
    embeddings, features, layout = heard()
    features.table["speaker"] = ["<b>", "x"] * 20
    lab = SpeakerExplorer(embeddings, features, layout=layout)
    assert "&lt;b&gt; 1" in lab.readout.value


def test_umap_is_what_makes_the_map():
    embeddings, features, _ = heard()
    lab = SpeakerExplorer(embeddings, features)
    np.testing.assert_array_equal(lab.found.points, sl.clusters.umap(embeddings))


def test_the_points_lie_on_the_picture_where_the_mouse_looks_for_them(lab):
    """All around the point of the chosen utterance is its black ring."""
    import matplotlib.image

    pixels = matplotlib.image.imread(io.BytesIO(lab.image.value))
    height, width = pixels.shape[:2]
    x, y = lab._picture.pixels(lab.found)[lab.found.chosen] * (width, height)
    radius = lab._picture._chosen.get_markersize() / 2 * 80 / 72  # points, pixels
    ring = [
        pixels[round(y + radius * np.sin(a)), round(x + radius * np.cos(a)), :3].max()
        for a in np.linspace(0, 2 * np.pi, 40)
    ]
    assert np.mean(np.array(ring) < 0.5) > 0.9


def test_with_anywidget_the_mouse_knows_names_and_places(lab):
    pytest.importorskip("anywidget", reason="the mouse needs the package anywidget")
    places = np.frombuffer(lab.image.places, np.float32).reshape(-1, 2)
    np.testing.assert_array_equal(places, lab._picture.pixels(lab.found))
    assert ((places > 0) & (places < 1)).all()
    assert len(lab.image.names) == 40
    assert lab.image.names[7].startswith("speaker 2 2: ")
