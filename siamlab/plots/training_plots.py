"""Plots of training runs."""

from .figure_style import get_axes


def training_curves(curves, *, label="loss", ax=None):
    """Plot a metric of several training runs over epochs.

    Parameters
    ----------
    curves : dict of str to sequence of float
        The values after each epoch, by the name of the training run.
    label : str
        Name of the metric, with its unit.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Epochs on the horizontal axis, counted from 1.
    """
    ax = get_axes(ax, (6, 3.5))
    for i, (name, values) in enumerate(curves.items()):
        epochs = range(1, len(values) + 1)
        ax.plot(epochs, values, marker="osD^v*"[i % 6], markersize=5, label=name)
    ax.set(xlabel="epoch", ylabel=label)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
    return ax
