"""Plots of the outputs of phone recognizers."""

import numpy as np

from ..errors import ArgumentError
from .figure_style import get_axes, show_image


def ctc_lattice(posteriors, names, *, hop_seconds, alignment=(), phones=(), ax=None):
    """Plot the probability of each CTC state over time.

    Parameters
    ----------
    posteriors : numpy.ndarray
        Shape (time, 2 * labels + 1), as returned by `ctc.lattice`.
    names : sequence of str
        Names of the labels, without the blanks between them.
    hop_seconds : float
        Time from one output to the next.
    alignment : sequence of (int, int)
        First and last frame of each label, as returned by `ctc.forced_alignment`.
    phones : sequence of (str, float, float)
        Spoken phones: symbol, start and end in seconds.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        States on the vertical axis, with the first label at the top.

    Raises
    ------
    ArgumentError
        If the number of states does not match the names.
    """
    posteriors = np.asarray(posteriors)
    n_states = 2 * len(names) + 1
    if posteriors.ndim != 2 or posteriors.shape[1] != n_states:
        raise ArgumentError(
            f"posteriors must have shape (time, {n_states}) for {len(names)} names; "
            f"got {posteriors.shape}"
        )
    ax = get_axes(ax, (9, 0.12 * n_states + 1.5))
    extent = (0, hop_seconds * len(posteriors), n_states - 0.5, -0.5)
    look = {"cmap": "Greys", "vmin": 0, "vmax": 1, "origin": "upper"}
    show_image(ax, posteriors.T, "probability", extent=extent, **look)
    for i, (first, last) in enumerate(alignment):
        ax.plot(
            [hop_seconds * first, hop_seconds * (last + 1)],
            [2 * i + 1] * 2,
            color="#D55E00",
            linewidth=3,
            solid_capstyle="butt",
        )
    ax.set_yticks(np.arange(1, n_states, 2), names)
    _mark_phones(ax, phones)
    ax.set(xlabel="time (s)", ylabel="label")
    return ax


def _mark_phones(ax, phones):
    """Mark start and end of each phone, and write its symbol above the axes."""
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
