import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from siamlab import clusters, errors, metrics, plots

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture
def clouds(rng):
    centres = 4 * np.eye(3, 8).repeat(8, axis=0)
    return centres + rng.normal(size=(24, 8)), np.array(list("abc")).repeat(8)


def test_a_speaker_map_shows_every_utterance_and_its_worth(clouds):
    ax = plots.speaker_map(*clouds, title="trained")
    purity = clusters.neighbour_purity(*clouds)
    expected = f"neighbour purity {purity:.2f} (chance {purity.chance:.2f})"
    assert ax.get_title() == f"trained\n{expected}"
    assert [len(each.get_offsets()) for each in ax.collections] == [8, 8, 8]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list("abc")
    # Coordinates mean nothing.
    assert not len(ax.get_xticks())
    assert not len(ax.get_yticks())


def test_speakers_of_a_map_can_be_told_apart(rng):
    speakers = np.arange(40).repeat(2)
    ax = plots.speaker_map(rng.normal(size=(80, 4)), speakers)
    looks = {
        (each.get_facecolor().tobytes(), each.get_paths()[0].vertices.tobytes())
        for each in ax.collections
    }
    assert len(looks) == 40
    assert ax.get_legend() is None  # longer than the picture is high


def test_a_spectrogram_has_time_to_the_right_and_low_bands_below():
    frames = np.zeros((50, 8))
    frames[40:, 0] = 1.0  # late, low
    ax = plots.spectrogram(frames, hop=0.01)
    image = ax.images[0]
    assert image.get_array().shape == (8, 50)
    assert image.origin == "lower"
    assert image.get_extent() == [0, 0.5, 0, 8]
    assert image.get_array()[0, 45] == 1.0
    assert ax.get_xlabel() == "time (s)"


def test_a_spectrogram_of_another_shape_is_named():
    with pytest.raises(errors.ArgumentError, match=r"\(frames, bands\); got \(3,\)"):
        plots.spectrogram(np.zeros(3))


def test_a_waveform_is_over_seconds():
    ax = plots.waveform(np.zeros(8000), 16000)
    assert ax.get_xlim() == (0, 0.5)
    assert ax.get_xlabel() == "time (s)"


def test_a_dendrogram_marks_each_leaf_with_its_speaker(clouds):
    ax = plots.dendrogram(*clouds, cut=0.5)
    marks = [np.asarray(each.get_offsets())[:, 0] for each in ax.collections[-3:]]
    assert sorted(np.concatenate(marks)) == [5.0 + 10 * i for i in range(24)]
    # Clouds far apart: each speaker's leaves are neighbours.
    assert all(np.ptp(mark) == 70 for mark in marks)


def test_histograms_have_equal_areas_and_say_how_many_pairs(clouds):
    scores, same = metrics.pair_scores(*clouds)
    ax = plots.score_histogram(scores, same, threshold=0.3)
    areas = [
        sum(b.get_height() * b.get_width() for b in bars) for bars in ax.containers
    ]
    assert areas == pytest.approx([1, 1])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["different speakers, 192 pairs", "same speaker, 84 pairs"]


def test_a_det_curve_marks_the_equal_error_rate(rng):
    same = np.arange(400) < 200
    scores = same + rng.normal(size=400)
    ax = plots.det(scores, same, label="noise")
    assert ax.texts[0].get_text() == f"EER {metrics.eer(scores, same):.1%}"
    x, y = (line.item() for line in ax.lines[1].get_data())
    assert x == y


def test_pictures_are_drawn_where_they_are_asked_for(clouds):
    _, axes = plt.subplots(1, 2)
    assert plots.waveform(np.zeros(9), 9, ax=axes[0]) is axes[0]
    assert plots.dendrogram(*clouds, ax=axes[1]) is axes[1]
    assert len(plt.get_fignums()) == 1


def test_the_style_of_the_course_can_be_put_on():
    with plt.style.context([]):
        plots.style()
        assert mpl.rcParams["axes.spines.top"] is False
