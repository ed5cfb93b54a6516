"""The style of all figures of the course."""

from pathlib import Path

# A matplotlib style sheet; `style` activates it.
STYLE = Path(__file__).with_name("siamlab.mplstyle")


def style():
    """Draw all following figures in the style of the course.

    Fonts are legible in a notebook, and colors are distinguishable for color-blind
    readers.
    """
    import matplotlib.pyplot as plt

    plt.style.use(STYLE)


def get_axes(ax, figsize):
    """Return `ax`, or the axes of a new figure if it is None."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1] if ax is None else ax
