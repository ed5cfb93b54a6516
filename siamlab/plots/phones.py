"""Pictures of networks that write down phones."""

import numpy as np

from ..errors import ArgumentError
from .common import axes


def _mark_phones(ax, phones):
    """Draw where each phone begins and ends, with its name above the picture."""
    for symbol, start, end in phones:
        for time in (start, end):
            ax.axvline(time, color="0.75", linewidth=0.8, zorder=0)
        ax.text(
            (start + end) / 2,
            1.02,
            symbol,
            transform=ax.get_xaxis_transform(),
            horizontalalignment="center",
            fontsize=9,
        )


def phone_outputs(posteriors, vocabulary, *, hop_seconds, phones=(), ax=None):
    """Draw the outputs of a network of phones over time.

    Parameters
    ----------
    posteriors : numpy.ndarray
        Probabilities, shape (frames, outputs), of one utterance.
    vocabulary : ctc.Vocabulary
        What the outputs stand for.
    hop_seconds : float
        From one output to the next, in seconds.
    phones : sequence of (str, float, float)
        The truth: symbol, start and end in seconds.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The blank is a dashed line; each other output that is ever the most
        probable stands at its peak with its name.

    Raises
    ------
    ArgumentError
        If there are not as many outputs as symbols.
    """
    posteriors = np.asarray(posteriors)
    if posteriors.ndim != 2 or posteriors.shape[1] != len(vocabulary):
        raise ArgumentError(
            f"posteriors must have shape (frames, {len(vocabulary)}), an output for "
            f"each symbol; got {posteriors.shape}"
        )
    ax = axes(ax, (9, 2.5))
    time = hop_seconds * (np.arange(len(posteriors)) + 0.5)
    if vocabulary.blank is not None:
        blank = posteriors[:, vocabulary.blank]
        ax.plot(time, blank, color="0.4", linestyle="--", linewidth=1, label="blank")
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    best = posteriors.argmax(axis=1)
    for output in np.unique(best):
        if output == vocabulary.blank:
            continue
        p = posteriors[:, output]
        (line,) = ax.plot(time, p, linewidth=1.5)
        # One name for each stretch in which it is the best.
        places = np.flatnonzero(best == output)
        for stretch in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
            peak = stretch[np.argmax(p[stretch])]
            (name,) = vocabulary.decode([output])
            ax.annotate(name, (time[peak], p[peak]), color=line.get_color())
    _mark_phones(ax, phones)
    ax.set(
        xlabel="time (s)",
        ylabel="probability",
        xlim=(0, hop_seconds * len(posteriors)),
        ylim=(0, 1.1),
    )
    ax.grid(visible=False)
    return ax


def ctc_lattice(posteriors, names, *, hop_seconds, alignment=(), phones=(), ax=None):
    """Draw how probable each state of CTC is at each time.

    Parameters
    ----------
    posteriors : numpy.ndarray
        Shape (frames, 2 * labels + 1), of `ctc.lattice`.
    names : sequence of str
        Of the labels; blanks stand before, between and after them.
    hop_seconds : float
        From one output to the next, in seconds.
    alignment : sequence of (int, int)
        First and last frame of each label, of `ctc.forced_alignment`.
    phones : sequence of (str, float, float)
        The truth: symbol, start and end in seconds.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        With the first label on top, as one reads.

    Raises
    ------
    ArgumentError
        If names and states do not fit.
    """
    posteriors = np.asarray(posteriors)
    if posteriors.ndim != 2 or posteriors.shape[1] != 2 * len(names) + 1:
        raise ArgumentError(
            f"{len(names)} names need posteriors of shape (frames, "
            f"{2 * len(names) + 1}); got {posteriors.shape}"
        )
    ax = axes(ax, (9, 0.12 * posteriors.shape[1] + 1.5))
    image = ax.imshow(
        posteriors.T,
        aspect="auto",
        interpolation="nearest",
        cmap="Greys",
        vmin=0,
        vmax=1,
        extent=(0, hop_seconds * len(posteriors), posteriors.shape[1] - 0.5, -0.5),
    )
    ax.figure.colorbar(image, ax=ax, label="probability", pad=0.02)
    for i, (first, last) in enumerate(alignment):
        place = 2 * i + 1
        ax.plot(
            [hop_seconds * first, hop_seconds * (last + 1)],
            [place, place],
            color="#D55E00",
            linewidth=3,
            solid_capstyle="butt",
        )
    ax.set_yticks(np.arange(1, posteriors.shape[1], 2), names)
    _mark_phones(ax, phones)
    ax.set(xlabel="time (s)", ylabel="label")
    ax.grid(visible=False)
    return ax
