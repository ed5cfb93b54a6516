"""Pictures of embeddings and of their scores."""

import numpy as np

from .. import clusters, metrics
from ..errors import ArgumentError
from ..metrics._validation import check_labels, check_scores
from .common import axes

# Told apart by people with any color vision (Okabe and Ito, 2008); the yellow is
# left out, too pale on white.
_COLOURS = "#0072B2 #E69F00 #009E73 #CC79A7 #D55E00 #56B4E9 #000000".split()
_MARKERS = "osD^v*PX"
_SAME, _DIFFERENT = "#0072B2", "#D55E00"
# A legend of more speakers than this is longer than the picture is high.
_LEGEND = 16


def _look(i):
    """Color and marker of the i-th speaker: 56 can be told apart."""
    marker = _MARKERS[(i // len(_COLOURS)) % len(_MARKERS)]
    return {"color": _COLOURS[i % len(_COLOURS)], "marker": marker}


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
    legend=True,
    ax=None,
):
    """Draw a UMAP map of utterances, colored by speaker.

    Its title says what share of each utterance's nearest neighbors are the same
    speaker, in the space of the embeddings and not on the map, and what chance
    would give: see `clusters.neighbor_purity`.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like, optional
        Shape (utterances,); those that the embeddings know by default.
    neighbors, min_dist, metric, seed
        As for `clusters.umap`.
    k : int
        Number of neighbors for the purity; fewer where there are not as many.
    title : str
        In front of the purity.
    legend : bool
        Name the speakers, where they are no more than 16.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Without ticks: coordinates of a UMAP map mean nothing.

    Raises
    ------
    ArgumentError
        If there are fewer than 4 utterances, or shapes do not fit.
    """
    if speakers is None:
        if not hasattr(embeddings, "speakers"):
            raise ArgumentError(
                "whose embeddings are these? Hand over the speakers as well, or what "
                "siamlab.embed gave for a corpus"
            )
        speakers = embeddings.speakers
    speakers = check_labels(speakers, len(embeddings), "speakers")
    points = clusters.umap(
        embeddings, n_neighbors=n_neighbors, min_dist=min_dist, metric=metric, seed=seed
    )
    k = min(k, len(points) - 1)
    purity = clusters.neighbor_purity(embeddings, speakers, k=k, metric=metric)
    ax = axes(ax, (7, 5))
    names = np.unique(speakers)
    for i, name in enumerate(names):
        mine = points[speakers == name]
        ax.scatter(
            *mine.T, label=str(name), s=28, linewidth=0.3, edgecolor="white", **_look(i)
        )
    line = f"neighbor purity {purity:.2f} (chance {purity.chance:.2f})"
    ax.set_title(f"{title}\n{line}" if title else line)
    ax.set(xlabel="UMAP 1", ylabel="UMAP 2", xticks=[], yticks=[])
    ax.set_aspect("equal", adjustable="datalim")
    if legend and len(names) <= _LEGEND:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def dendrogram(
    embeddings, speakers, *, linkage="average", metric="cosine", cut=None, ax=None
):
    """Draw the tree of a hierarchical clustering, with a mark for each speaker.

    Parameters
    ----------
    embeddings : array_like
        Shape (utterances, dim).
    speakers : array_like
        Shape (utterances,).
    linkage, metric : str
        As for `clusters.tree`.
    cut : float, optional
        Distance at which to draw a line.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Utterances to the right, distances upwards; each leaf bears the mark that
        its speaker has in `speaker_map`.
    """
    from scipy.cluster import hierarchy

    speakers = check_labels(speakers, len(embeddings), "speakers")
    joins = clusters.tree(embeddings, linkage=linkage, metric=metric)
    ax = axes(ax, (11, 3.5))
    drawn = hierarchy.dendrogram(
        joins,
        ax=ax,
        no_labels=True,
        color_threshold=0.0,
        above_threshold_color="0.45",
    )
    # scipy puts leaf i at 5 + 10 i.
    place = 5.0 + 10.0 * np.arange(len(speakers))
    leaves = speakers[drawn["leaves"]]
    below = -0.03 * ax.get_ylim()[1]
    for i, name in enumerate(np.unique(speakers)):
        x = place[leaves == name]
        ax.scatter(x, np.full(len(x), below), s=22, clip_on=False, **_look(i))
    if cut is not None:
        ax.axhline(cut, color=_DIFFERENT, linestyle="--", linewidth=1)
    ax.set(xlabel="utterances, marked by speaker", ylabel=f"{metric} distance")
    ax.set_ylim(2 * below, None)
    ax.grid(visible=False)
    return ax


def score_histogram(y_true, y_score, *, threshold=None, bins=50, ax=None):
    """Draw how scores of same and of different speakers are spread.

    Parameters
    ----------
    y_true : array_like of bool
        1 for the same speaker, shape (pairs,).
    y_score : array_like
        Similarities, shape (pairs,).
    threshold : float, optional
        Where to draw a line.
    bins : int
        Number of bars.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Each histogram has area 1: same pairs are few and would not be seen.
    """
    y_true, y_score = check_scores(y_true, y_score, both_classes=False)
    ax = axes(ax, (7, 3.5))
    edges = np.histogram_bin_edges(y_score, bins)
    for label, mask, color, hatch in (
        ("different speakers", ~y_true, _DIFFERENT, ""),
        ("same speaker", y_true, _SAME, "///"),
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
    ax.set(xlabel="score (cosine)", ylabel="density")
    ax.legend()
    return ax


def det_curve(y_true, y_score, *, label=None, ax=None):
    """Draw the detection error trade-off (Martin et al., 1997).

    Parameters
    ----------
    y_true : array_like of bool
        1 for the same speaker, shape (pairs,).
    y_score : array_like
        Similarities, shape (pairs,).
    label : str, optional
        For a legend.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Both errors in per cent, on axes on which normally distributed scores make
        a straight line; the equal error rate is marked.
    """
    from scipy.stats import norm

    accepts, rejects, _ = metrics.det_curve(y_true, y_score)
    rate = metrics.eer(y_true, y_score)
    ax = axes(ax, (4.5, 4.5))
    # The ends lie at infinity.
    least = 0.5 / max(len(accepts), 2)
    x, y = (norm.ppf(np.clip(r, least, 1 - least)) for r in (accepts, rejects))
    (line,) = ax.plot(x, y, label=label)
    center = norm.ppf(np.clip(rate, least, 1 - least))
    ax.plot(center, center, "o", color=line.get_color())
    ax.annotate(f"EER {rate:.1%}", (center, center), (6, 6), textcoords="offset points")
    ticks = np.array([0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95])
    names = [f"{100 * t:g}" for t in ticks]
    ax.set_xticks(norm.ppf(ticks), names)
    ax.set_yticks(norm.ppf(ticks), names)
    lowest = norm.ppf(0.0008)
    ax.set(xlim=(lowest, norm.ppf(0.97)), ylim=(lowest, norm.ppf(0.97)))
    ax.set(xlabel="false accepts (%)", ylabel="false rejects (%)", aspect="equal")
    return ax
