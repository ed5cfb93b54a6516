"""A picture that reports which point was clicked, or which were lassoed."""

from pathlib import Path

import anywidget
import traitlets


class ClickableImage(anywidget.AnyWidget):
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
