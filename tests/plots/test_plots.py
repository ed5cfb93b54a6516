from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import siamlab as sl
from siamlab import clusters, errors, metrics, plots

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def fast_umap(monkeypatch):
    """Replace UMAP by the first two dimensions."""
    monkeypatch.setattr(clusters, "umap", lambda x, **_: np.asarray(x)[:, :2])


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_speaker_map_shows_all_and_the_purity(labeled_embeddings, fast_umap):
    embeddings, speakers = labeled_embeddings
    ax = plots.speaker_map(embeddings, speakers, title="trained")
    purity = clusters.neighbor_purity(*labeled_embeddings)
    expected = f"neighbor purity {purity:.2f} (chance {purity.chance:.2f})"
    assert ax.get_title() == f"trained\n{expected}"
    assert [len(points.get_offsets()) for points in ax.collections] == [10] * 4
    assert sorted(text.get_text() for text in ax.texts) == ["a", "b", "c", "d"]


def test_names_at_the_same_place_are_written_above_each_other(rng, fast_umap):
    ax = plots.speaker_map(rng.normal(size=(80, 3)), np.tile(list("abcdefgh"), 10))
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_markers_of_40_speakers_differ(rng, fast_umap):
    ax = plots.speaker_map(rng.normal(size=(80, 4)), np.arange(40).repeat(2))
    markers = {
        (
            points.get_facecolor().tobytes(),
            points.get_edgecolor().tobytes(),
            points.get_paths()[0].vertices.tobytes(),
        )
        for points in ax.collections
    }
    assert len(markers) == 40
    assert not ax.texts  # they would cover the points


def test_a_det_curve_marks_the_equal_error_rate(rng):
    y_true = np.arange(400) < 200
    y_score = y_true + rng.normal(size=400)
    ax = plots.det_curve(y_true, y_score, label="noise")
    assert ax.texts[0].get_text() == f"EER {metrics.eer(y_true, y_score):.1%}"
    x, y = (line.item() for line in ax.lines[1].get_data())
    assert x == y


def test_score_histograms_have_equal_areas_and_count_their_pairs(labeled_embeddings):
    ax = plots.score_histogram(*metrics.pair_scores(*labeled_embeddings), threshold=0.3)
    for bars in ax.containers:
        area = sum(bar.get_height() * bar.get_width() for bar in bars)
        assert area == pytest.approx(1)
    assert legend(ax) == ["different speakers, 600 pairs", "same speaker, 180 pairs"]


def test_plots_use_the_given_axes():
    _, axes = plt.subplots(1, 2)
    assert plots.waveform(np.zeros(8000), 16000, ax=axes[1]) is axes[1]
    assert (axes[1].get_xlim(), axes[1].get_xlabel()) == ((0, 0.5), "time (s)")
    assert len(plt.get_fignums()) == 1


def test_a_spectrogram_has_time_on_the_right_and_low_bands_at_the_bottom():
    values = np.zeros((50, 8))
    values[40:, 0] = 1.0  # late, low
    ax = plots.spectrogram(values, hop_seconds=0.01)
    image = ax.images[0]
    assert image.get_array()[0, 45] == 1.0
    assert (image.origin, image.get_extent()) == ("lower", [0, 0.5, 0, 8])
    assert ax.get_xlabel() == "time (s)"
    with pytest.raises(errors.ArgumentError, match=r"\(time, mel\); got \(3,\)"):
        plots.spectrogram(np.zeros(3))


def test_frequencies_stand_at_their_bands():
    description = sl.Spectrogram(n_fft=512, n_mels=None, win_length=512)
    ax = plots.spectrogram(np.zeros((9, 257)), frequencies=description.frequencies)
    assert ax.get_ylabel() == "frequency (kHz)"
    assert len(ax.get_yticks()) >= 5
    for y, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True):
        # Bin k of 512 at 16 kHz is at 31.25 k Hz, in the middle of its row.
        assert (y - 0.5) * 31.25 == pytest.approx(1000 * float(text.get_text()))


def test_training_curves_count_epochs_from_one():
    ax = plots.training_curves({"raw": [3.0, 2.9], "scaled": [3.0, 1.0, 0.5]})
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2], [1, 2, 3]]


@pytest.fixture
def recognized():
    """Posteriors of "a", then "b", with blanks around them; vocabulary; phones."""
    vocabulary = sl.ctc.Vocabulary(("a", "b"), blank=0)
    best = [0, 1, 1, 0, 0, 2, 0]
    phones = [("a", 0.0, 0.3), ("b", 0.4, 0.7)]
    return 0.1 + 0.7 * np.eye(3)[best], vocabulary, phones


def test_a_lattice_has_the_first_label_on_top_and_shows_the_alignment(recognized):
    posteriors, _, phones = recognized
    logits = np.log(posteriors)
    states, _ = sl.ctc.lattice(logits, [1, 2], blank=0)
    alignment = sl.ctc.forced_alignment(logits, [1, 2], blank=0)
    ax = plots.ctc_lattice(
        states, ["a", "b"], hop_seconds=0.1, alignment=alignment, phones=phones
    )
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    bottom, top = ax.get_ylim()
    assert bottom > top
    path = [line for line in ax.lines if line.get_linewidth() == 3]
    assert [line.get_xdata()[0] for line in path] == pytest.approx([0.1, 0.5])
    with pytest.raises(errors.ArgumentError, match="for 1 names"):
        plots.ctc_lattice(states, ["a"], hop_seconds=0.1)


def test_a_corpus_plot_counts_speakers_and_utterances():
    description = SimpleNamespace(
        speakers=pd.DataFrame({"seconds": [3.0, 4.0]}, index=["anna", "ben"]),
        utterances=pd.DataFrame({"seconds": [1.0, 2.0, 4.0, np.nan]}),
    )
    axes = plots.corpus(description, bins=4)
    counts = [sum(bar.get_height() for bar in ax.patches) for ax in axes]
    assert counts == [2, 3]
    assert axes[1].get_legend_handles_labels()[1] == ["median 2 s"]
