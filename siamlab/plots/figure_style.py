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


def show_image(ax, values, label, *, origin="lower", **settings):
    """Show an array (rows, columns) as an image with a color bar, without a grid."""
    image = ax.imshow(
        values, origin=origin, aspect="auto", interpolation="nearest", **settings
    )
    ax.figure.colorbar(image, ax=ax, label=label, pad=0.02)
    ax.grid(visible=False)
    return image


def get_axes(ax, figsize):
    """Return `ax`, or the axes of a new figure if it is None."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1] if ax is None else ax
