"""Plots of the contents of a corpus."""

import numpy as np


def corpus(description, *, bins=30, ax=None):
    """Plot the amount of speech per speaker and the durations of utterances.

    Parameters
    ----------
    description : siamlab.corpora.Description
        As returned by `siamlab.corpora.describe`.
    bins : int
        Maximum number of bins of each histogram; fewer for small corpora.
    ax : sequence of matplotlib.axes.Axes, optional
        Two Axes to draw on; by default, a new figure.

    Returns
    -------
    tuple of matplotlib.axes.Axes
        Histograms of speech per speaker and of utterance durations, both in seconds.
        A line marks the median.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    speakers, utterances = ax
    _histogram(speakers, description.speakers.seconds, bins, "#0072B2")
    speakers.set(xlabel="speech per speaker (s)", ylabel="number of speakers")
    durations = description.utterances.seconds.dropna()
    _histogram(utterances, durations, bins, "#009E73")
    utterances.set(xlabel="utterance duration (s)", ylabel="number of utterances")
    return speakers, utterances


def _histogram(ax, seconds, bins, color):
    bins = min(bins, max(len(seconds) // 2, 4))
    ax.hist(seconds, bins=bins, color=color, edgecolor="white", linewidth=0.5)
    ax.margins(y=0.2)  # room for the legend
    if len(seconds):
        median = np.median(seconds)
        label = f"median {median:.3g} s"
        ax.axvline(median, color="black", linestyle="--", linewidth=1, label=label)
        ax.legend()
    ax.yaxis.get_major_locator().set_params(integer=True)
