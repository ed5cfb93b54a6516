"""A picture that says which point of it was clicked, or which were lassoed."""

import importlib
from pathlib import Path
from typing import Any

import ipywidgets
import traitlets

try:
    # A widget that brings its own JavaScript.
    _AnyWidget: Any = importlib.import_module("anywidget").AnyWidget
except ImportError:  # then the picture is only a picture
    _AnyWidget = None


def pointed_image(names):
    """Make a picture that can be pointed at, where anywidget is installed.

    Parameters
    ----------
    names : sequence of str
        Of the points, shown under the mouse.

    Returns
    -------
    PointedImage or ipywidgets.Image
        The latter shows the same and hears nothing.
    """
    if _AnyWidget is None:
        return ipywidgets.Image(format="png")
    return PointedImage(names=list(names))


if _AnyWidget is not None:

    class PointedImage(_AnyWidget):
        """A PNG with points in it.

        It sends messages: ``{"chosen": row}`` for a click on a point, and
        ``{"selected": rows}`` for those within a lasso; none, for a click beside all.

        Parameters
        ----------
        **traits
            `value`, the bytes of a PNG; its `width` in pixels; `names` of the points;
            `places`, the bytes of a float32 array of shape (points, 2): from the left
            and from the top, as shares of width and height.
        """

        _esm = Path(__file__).with_name("pointer.js")
        value = traitlets.Bytes().tag(sync=True)
        width = traitlets.CUnicode().tag(sync=True)
        names = traitlets.List(traitlets.Unicode()).tag(sync=True)
        places = traitlets.Bytes().tag(sync=True)
