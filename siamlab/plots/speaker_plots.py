"""Plots of embeddings and of pair scores."""

import numpy as np
from matplotlib import patheffects

from .. import clusters, metrics
from ..errors import ArgumentError
from ..metrics._validation import check_labels, check_scores
from .figure_style import COLORS, SPEAKER_COLORS, get_axes

MARKERS = "osD^v*PX"
# More names would cover the points.
MAX_LABELS = 16


def speaker_marker(i):
    """Color and marker of the i-th speaker; the first 56 are all different."""
    marker = MARKERS[(i // len(SPEAKER_COLORS)) % len(MARKERS)]
    return {"color": SPEAKER_COLORS[i % len(SPEAKER_COLORS)], "marker": marker}


def speaker_map(
    embeddings,
    speakers=None,
    *,
    n_neighbors=15,
    min_dist=0.1,
    metric="cosine",
    seed=0,
    k=5,
    title="",
    labels=True,
    ax=None,
):
    """Plot a UMAP map of utterances, colored by speaker.

    The title shows the neighbor purity and its chance level. The purity is computed
    from the embeddings, not from the map; see `clusters.neighbor_purity`.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like, optional
        Shape (utterances,). Not needed for the result of `siamlab.embed`, which has
        its own `speakers`.
    n_neighbors, min_dist, metric, seed
        As for `clusters.umap`.
    k : int
        Number of neighbors for the purity; at most the number of other utterances.
    title : str
        First line of the title.
    labels : bool
        Write each speaker's name above their points if there are at most 16.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The map, without ticks, because UMAP coordinates have no meaning.

    Raises
    ------
    ArgumentError
        If there are fewer than 4 utterances, shapes do not match, or there are no
        speakers.
    """
    if speakers is None:
        if not hasattr(embeddings, "speakers"):
            raise ArgumentError(
                "speaker_map needs the speaker of each embedding; pass `speakers`, or "
                "the embeddings that siamlab.embed returns for features of a corpus"
            )
        speakers = embeddings.speakers
    speakers = check_labels(speakers, len(embeddings), "speakers")
    points = clusters.umap(
        embeddings, n_neighbors=n_neighbors, min_dist=min_dist, metric=metric, seed=seed
    )
    k = min(k, len(points) - 1)
    purity = clusters.neighbor_purity(embeddings, speakers, k=k, metric=metric)
    ax = get_axes(ax, (7, 5))
    names = np.unique(speakers)
    for i, name in enumerate(names):
        x, y = points[speakers == name].T
        style = speaker_marker(i)
        color = style.pop("color")
        # Every second use of a color is hollow.
        hollow = (i // len(SPEAKER_COLORS)) % 2
        face, edge, width = ("white", color, 1.4) if hollow else (color, "white", 0.3)
        style |= {"facecolor": face, "edgecolor": edge, "linewidth": width}
        ax.scatter(x, y, s=28, **style)
    line = f"neighbor purity {purity:.2f} (chance {purity.chance:.2f})"
    ax.set_title(f"{title}\n{line}" if title else line)
    ax.set(xlabel="UMAP 1", ylabel="UMAP 2", xticks=[], yticks=[])
    ax.margins(0.06)
    ax.set_aspect("equal", adjustable="datalim")
    if labels and len(names) <= MAX_LABELS:
        groups = [points[speakers == name] for name in names]
        tops = [(np.median(x), np.quantile(y, 0.9)) for x, y in (g.T for g in groups)]
        _write_names(ax, np.array(tops), names)
    return ax


def _write_names(ax, tops, names):
    """Write names above their groups, moved up where they would cover each other."""
    low, high = ax.get_ylim()
    height, width = (high - low) / 20, np.ptp(ax.get_xlim()) / 6
    outline = [patheffects.withStroke(linewidth=2.5, foreground="white")]
    placed: list[tuple] = []
    for i in np.argsort(tops[:, 1], kind="stable"):
        x, y = tops[i] + (0, 0.7 * height)
        for other_x, other_y in placed:
            if abs(x - other_x) < width and abs(y - other_y) < height:
                y = other_y + height
        placed.append((x, y))
        style = {"color": speaker_marker(i)["color"], "path_effects": outline}
        ax.text(x, y, str(names[i]), ha="center", va="center", fontsize=9, **style)
    ax.update_datalim(placed)
    ax.autoscale_view()


def score_histogram(y_true, y_score, *, threshold=None, bins=50, ax=None):
    """Plot the score distributions of same-speaker and different-speaker pairs.

    Parameters
    ----------
    y_true : array_like of bool
        1 for the same speaker, shape (pairs,).
    y_score : array_like
        Similarities, shape (pairs,).
    threshold : float, optional
        Score at which to draw a vertical line.
    bins : int
        Number of bins.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Two histograms of area 1 each, so that the few same-speaker pairs are visible.

    Raises
    ------
    ArgumentError
        If shapes differ, or a score is not finite.
    """
    y_true, y_score = check_scores(y_true, y_score, both_classes=False)
    ax = get_axes(ax, (7, 3.5))
    low, high = score_range(y_score)
    edges = np.linspace(low, high, bins + 1)
    for label, mask, color, hatch in (
        ("different speakers", ~y_true, COLORS["different speakers"], ""),
        ("same speaker", y_true, COLORS["same speaker"], "///"),
    ):
        ax.hist(
            y_score[mask],
            edges,
            density=True,
            alpha=0.55,
            color=color,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=f"{label}, {np.count_nonzero(mask):,} pairs",
        )
    if threshold is not None:
        ax.axvline(threshold, color="black", linestyle="--", linewidth=1.2)
    ax.set(xlabel="score (cosine similarity)", ylabel="density")
    ax.legend()
    return ax


def score_range(y_score):
    """Lowest and highest score, or an interval around the scores if all are equal."""
    low, high = float(np.min(y_score)), float(np.max(y_score))
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    return low, high


def det_curve(y_true, y_score, *, label=None, ax=None):
    """Plot the detection error tradeoff (DET) curve (Martin et al., 1997).

    Parameters
    ----------
    y_true : array_like of bool
        1 for the same speaker, shape (pairs,).
    y_score : array_like
        Similarities, shape (pairs,).
    label : str, optional
        Label for the legend.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Both error rates in percent, on normal deviate scales, where normally
        distributed scores give a straight line. The equal error rate is marked.

    Raises
    ------
    ArgumentError
        As for `metrics.eer`.
    """
    from scipy.stats import norm

    fpr, fnr, _ = metrics.det_curve(y_true, y_score)
    eer = metrics.eer(y_true, y_score)
    ax = get_axes(ax, (4.5, 4.5))
    # Rates of 0 and 1 would be at infinity.
    smallest = 0.5 / max(len(fpr), 2)

    def to_axis(error_rate):
        return norm.ppf(np.clip(error_rate, smallest, 1 - smallest))

    (line,) = ax.plot(to_axis(fpr), to_axis(fnr), label=label)
    ax.plot(to_axis(eer), to_axis(eer), "o", color=line.get_color())
    ax.annotate(
        f"EER {eer:.1%}", [to_axis(eer)] * 2, (6, 6), textcoords="offset points"
    )
    ticks = np.array([0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999])
    names = [f"{100 * tick:g}" for tick in ticks]
    ax.set_xticks(norm.ppf(ticks), names)
    ax.set_yticks(norm.ppf(ticks), names)
    limits = norm.ppf((0.0008, 0.97))
    ax.set(xlim=limits, ylim=limits, aspect="equal")
    ax.set(xlabel="false acceptance rate (%)", ylabel="false rejection rate (%)")
    return ax
