"""How all figures of the course look."""

from pathlib import Path

# Of matplotlib's style sheets; `style` uses it for all figures to come.
STYLE = Path(__file__).with_name("siamlab.mplstyle")


def style():
    """Let figures look as in the course, from here on.

    Sizes that can be read in a notebook, colors that color-blind people can tell
    apart, no frame where there is nothing to frame.
    """
    import matplotlib.pyplot as plt

    plt.style.use(STYLE)


def axes(ax, size):
    """Return the axes that were given, or those of a new figure."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def training_curves(curves, *, label="loss", ax=None):
    """Draw a figure of several trainings by epoch.

    Parameters
    ----------
    curves : dict of str to sequence of float
        Name of each training, and its figure after each epoch.
    label : str
        What the figure is, with its unit.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        With epochs from 1.
    """
    ax = axes(ax, (6, 3.5))
    for i, (name, values) in enumerate(curves.items()):
        epochs = range(1, len(values) + 1)
        ax.plot(epochs, values, marker="osD^v*"[i % 6], markersize=5, label=name)
    ax.set(xlabel="epoch", ylabel=label)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
    return ax
