import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile

import siamlab as sl
from siamlab import clusters, errors, metrics, plots

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture
def clouds(rng):
    centers = 4 * np.eye(3, 8).repeat(8, axis=0)
    return centers + rng.normal(size=(24, 8)), np.array(list("abc")).repeat(8)


def test_a_speaker_map_shows_every_utterance_and_its_worth(clouds):
    ax = plots.speaker_map(*clouds, title="trained")
    purity = clusters.neighbor_purity(*clouds)
    expected = f"neighbor purity {purity:.2f} (chance {purity.chance:.2f})"
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
    ax = plots.spectrogram(frames, hop_seconds=0.01)
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
    # Clouds far apart: each speaker's leaves are neighbors.
    assert all(np.ptp(mark) == 70 for mark in marks)


def test_histograms_have_equal_areas_and_say_how_many_pairs(clouds):
    y_true, y_score = metrics.pair_scores(*clouds)
    ax = plots.score_histogram(y_true, y_score, threshold=0.3)
    areas = [
        sum(b.get_height() * b.get_width() for b in bars) for bars in ax.containers
    ]
    assert areas == pytest.approx([1, 1])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["different speakers, 192 pairs", "same speaker, 84 pairs"]


def test_a_det_curve_marks_the_equal_error_rate(rng):
    y_true = np.arange(400) < 200
    y_score = y_true + rng.normal(size=400)
    ax = plots.det_curve(y_true, y_score, label="noise")
    assert ax.texts[0].get_text() == f"EER {metrics.eer(y_true, y_score):.1%}"
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


def test_bands_can_be_marked_with_their_frequencies():
    description = sl.Spectrogram(n_fft=512, n_mels=None, win_length=512)
    ax = plots.spectrogram(np.zeros((9, 257)), frequencies=description.frequencies)
    assert ax.get_ylabel() == "frequency (kHz)"
    for place, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True):
        # Bin k of 512 at 16 kHz lies at 31.25 k Hz, in the middle of its row.
        assert (place - 0.5) * 31.25 == pytest.approx(1000 * float(text.get_text()))
    assert len(ax.get_yticks()) >= 5


def test_a_histogram_counts_all_values_and_marks_the_padding(rng):
    arrays = [rng.normal(-40, 10, size=(n, 8)) for n in (30, 50)]
    ax = plots.value_histogram(arrays, padding=0.0, label="dB")
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["padding"]
    assert ax.get_xlabel() == "dB"
    assert plots.value_histogram(arrays[0]).get_legend() is None


def test_training_curves_count_epochs_from_one():
    ax = plots.training_curves({"raw": [3.0, 2.9], "scaled": [3.0, 1.0, 0.5]})
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2], [1, 2, 3]]
    assert len({line.get_marker() for line in ax.lines}) == 2


@pytest.fixture
def heard():
    """Posteriors of "a", then "b", with blanks around, and the truth."""
    symbols = sl.ctc.Vocabulary(("a", "b"), blank=0)
    best = [0, 1, 1, 0, 0, 2, 0]
    phones = [("a", 0.0, 0.3), ("b", 0.4, 0.7)]
    return 0.1 + 0.7 * np.eye(3)[best], symbols, phones


def test_outputs_are_named_at_their_peaks_beside_the_truth(heard):
    posteriors, symbols, phones = heard
    ax = plots.phone_outputs(posteriors, symbols, hop_seconds=0.1, phones=phones)
    peaks = {text.get_text(): text.xy for text in ax.texts if hasattr(text, "xy")}
    assert peaks["a"] == pytest.approx((0.15, 0.8))
    assert peaks["b"] == pytest.approx((0.55, 0.8))
    truth = [text.get_text() for text in ax.texts if not hasattr(text, "xy")]
    assert truth == ["a", "b"]
    assert ax.get_legend().get_texts()[0].get_text() == "blank"
    with pytest.raises(errors.ArgumentError, match=r"\(frames, 3\).*got \(7, 2\)"):
        plots.phone_outputs(posteriors[:, :2], symbols, hop_seconds=0.1)


def test_a_lattice_reads_downwards_with_the_best_path_on_it(heard):
    posteriors, _, phones = heard
    logits = np.log(posteriors)
    states, _ = sl.ctc.lattice(logits, [1, 2], blank=0)
    best = sl.ctc.forced_alignment(logits, [1, 2], blank=0)
    ax = plots.ctc_lattice(
        states, ["a", "b"], hop_seconds=0.1, alignment=best, phones=phones
    )
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    low, high = ax.get_ylim()
    assert low > high  # the first label is on top
    path = [line for line in ax.lines if line.get_linewidth() == 3]
    assert [line.get_xdata()[0] for line in path] == pytest.approx([0.1, 0.5])
    with pytest.raises(errors.ArgumentError, match="1 names need"):
        plots.ctc_lattice(states, ["a"], hop_seconds=0.1)


def test_a_corpus_is_drawn_by_speaker_and_by_utterance(tmp_path, rng):
    for name, seconds in {"anna/a": 1, "anna/b": 2, "ben/a": 4}.items():
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, rng.uniform(-0.5, 0.5, 8000 * seconds), 8000)
    (tmp_path / "ben" / "b.wav").write_text("cannot be read, and has no length")
    description = sl.corpora.describe(sl.corpora.folder(tmp_path))
    given = plt.subplots(1, 2)[1]
    speakers, utterances = plots.corpus(description, bins=4, ax=given)
    assert (speakers, utterances) == tuple(given)
    assert sum(bar.get_height() for bar in speakers.patches) == 2
    assert sum(bar.get_height() for bar in utterances.patches) == 3
    assert "(s)" in speakers.get_xlabel()
    assert utterances.get_legend_handles_labels()[1] == ["median 2 s"]
    assert plots.corpus(description)[0].figure is not speakers.figure
