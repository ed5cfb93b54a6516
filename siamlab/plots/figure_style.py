"""The style of all figures of the course."""

from pathlib import Path

# A matplotlib style sheet; `style` activates it.
STYLE = Path(__file__).with_name("siamlab.mplstyle")

# Distinguishable with any color vision (Okabe and Ito, 2008), without the yellow,
# which is too pale on white.
SPEAKER_COLORS = "#0072B2 #E69F00 #009E73 #CC79A7 #D55E00 #56B4E9 #000000".split()

# The same color for the same thing in all figures.
COLORS = {
    "same speaker": "#0072B2",
    "different speakers": "#D55E00",
    "untrained": "0.55",
    "as posted": "#D55E00",
    "raw": "#D55E00",
    "plus 20": "#CC79A7",
    "min-max": "#E69F00",
    "standardized": "#009E73",
    "corrected": "#009E73",
}


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
