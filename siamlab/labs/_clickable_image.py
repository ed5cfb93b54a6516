"""A picture that reports which point was clicked, or which were lassoed."""

import importlib
from pathlib import Path
from typing import Any

import ipywidgets
import traitlets

try:
    # A widget that brings its own JavaScript.
    _AnyWidget: Any = importlib.import_module("anywidget").AnyWidget
except ImportError:  # the picture is shown without mouse events
    _AnyWidget = None


def clickable_image(names):
    """Make a clickable picture, if anywidget is installed.

    Parameters
    ----------
    names : sequence of str
        Names of the points, shown under the mouse.

    Returns
    -------
    ClickableImage or ipywidgets.Image
        The latter shows the same picture without mouse events.
    """
    if _AnyWidget is None:
        return ipywidgets.Image(format="png")
    return ClickableImage(names=list(names))


if _AnyWidget is not None:

    class ClickableImage(_AnyWidget):
        """A PNG with points that can be clicked.

        It sends messages: ``{"chosen": row}`` for a click on a point, and
        ``{"selected": rows}`` for the points in a lasso (none after a click elsewhere).

        Parameters
        ----------
        **traits
            `value`, the bytes of a PNG; its `width` in pixels; `names` of the points;
            `positions`, the bytes of a float32 array of shape (points, 2): from left
            and top, as fractions of width and height.
        """

        _esm = Path(__file__).with_name("clickable_image.js")
        value = traitlets.Bytes().tag(sync=True)
        width = traitlets.CUnicode().tag(sync=True)
        names = traitlets.List(traitlets.Unicode()).tag(sync=True)
        positions = traitlets.Bytes().tag(sync=True)
