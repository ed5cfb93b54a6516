"""Pictures of what is in a corpus."""

import numpy as np


def corpus(description, *, bins=30, ax=None):
    """Draw how much each speaker says, and how long utterances are.

    Parameters
    ----------
    description : siamlab.corpora.Description
        Of `siamlab.corpora.describe`.
    bins : int
        Number of bars in each at most; fewer where there are few to count.
    ax : sequence of matplotlib.axes.Axes, optional
        Two, where to draw; a new figure by default.

    Returns
    -------
    tuple of matplotlib.axes.Axes
        Speakers by the seconds that there are of them, utterances by their seconds;
        a line marks the median.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    speakers, utterances = ax
    _histogram(speakers, description.speakers.seconds, bins, "#0072B2")
    speakers.set(xlabel="speech of a speaker (s)", ylabel="speakers")
    _histogram(utterances, description.utterances.seconds.dropna(), bins, "#009E73")
    utterances.set(xlabel="length of an utterance (s)", ylabel="utterances")
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
