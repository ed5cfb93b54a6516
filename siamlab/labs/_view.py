"""The base of labs with a view in JavaScript, which also work without a kernel."""

import base64
import html
import inspect
import json
from collections.abc import Callable
from pathlib import Path

import anywidget
import numpy as np
import traitlets

_FOLDER = Path(__file__).parent
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{css}</style>
</head>
<body class="siamlab-page">
<main id="lab"></main>
<script type="module">
{code}
lab.page({state}, document.getElementById("lab"));
</script>
</body>
</html>
"""


class Lab(anywidget.AnyWidget):
    """Controls that are traits, a result in Python, and a view in JavaScript.

    A subclass has a trait for each control, tagged ``control=True``, and a method
    ``_compute`` that gets their values by name; the `str` of what it returns is the
    readout. The view is the file beside its module with the ending ``.js``.

    Parameters
    ----------
    **data
        What the view needs: arrays, numbers and text, by name.

    Attributes
    ----------
    result : object
        What belongs to the present values.
    readout : str
        The same in words.
    """

    _compute: Callable[..., object]
    _css = _FOLDER / "lab.css"
    data = traitlets.Dict().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init_subclass__(cls, **kwargs):
        """Join the view of a lab with what all views share."""
        if "_esm" in cls.__dict__:  # a class that anywidget derives for an instance
            return super().__init_subclass__(**kwargs)
        view = Path(inspect.getfile(cls)).with_suffix(".js")
        parts = (_FOLDER / "core.js", view)
        cls._esm = "\n".join(part.read_text("utf-8") for part in parts)
        return super().__init_subclass__(**kwargs)

    def __init__(self, **data):
        super().__init__()
        known = self.traits(control=True)
        order = [name for cls in type(self).__mro__ for name in vars(cls)]
        self.names = sorted(known, key=order.index)  # as they are defined
        self.data = {name: _packed(value) for name, value in data.items()}
        self._initial = self.values
        self.observe(self._update, self.names)
        self._update()

    @property
    def values(self):
        """The values of all controls, by name."""
        return {name: getattr(self, name) for name in self.names}

    def set(self, **values):
        """Set several controls at once.

        Parameters
        ----------
        **values
            New values, by the names of the controls.
        """
        with self.hold_trait_notifications():
            for name, value in values.items():
                setattr(self, name, value)

    def reset(self):
        """Set all controls to their first values."""
        self.set(**self._initial)

    def to_html(self, path):
        """Write a page in which the lab works without a kernel.

        Parameters
        ----------
        path : str or os.PathLike
            The file; it loads nothing from elsewhere.
        """
        state = {"data": self.data, "names": self.names, **self.values}
        content = _PAGE.format(
            title=html.escape(type(self).__name__),
            css=self._css,
            code=self._esm.replace("export default ", "const lab = "),
            # A text may contain "</script>".
            state=json.dumps(state, default=_base64).replace("</", "<\\/"),
        )
        Path(path).write_text(content, encoding="utf-8")

    def _update(self, _=None):
        self.result = self._compute(**self.values)
        self.readout = str(self.result)

    def __repr__(self):
        return f"{type(self).__name__}()"


def _packed(value):
    """Describe an array, so that the view can read it; other values as they are."""
    if not isinstance(value, np.ndarray):
        return value
    narrow = {"f": "float32", "i": "int32", "u": "uint8", "b": "uint8"}
    array = np.ascontiguousarray(value, narrow[value.dtype.kind])
    return {"dtype": str(array.dtype), "shape": array.shape, "data": array.tobytes()}


def _base64(content):
    return base64.b64encode(content).decode("ascii")
