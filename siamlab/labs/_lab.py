"""What all labs have in common: controls on the left, a picture and numbers beside.

Behind each lab stand a plain function, from parameters to numbers, and a `Picture`,
whose artists are moved rather than drawn anew.
"""

import base64
import io
import threading

import ipywidgets
import matplotlib.image
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .. import plots
from ..errors import SiamlabError

_DPI = 80
_WRAP = {"flex_flow": "row wrap", "align_items": "flex-start"}


class Picture:
    """A figure in which some artists move in front of others that stay.

    What stays, axes and all their text, is painted once: that is most of the work.

    Parameters
    ----------
    size : tuple of float
        Width and height in inches, at 80 pixels each.
    **grid
        As for `matplotlib.figure.Figure.subplots`.
    """

    def __init__(self, size, **grid):
        with matplotlib.style.context(plots.STYLE):
            # Not one of pyplot's: nobody but us shows it, closes it, or draws in it.
            self.figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
            self._canvas = FigureCanvasAgg(self.figure)
            self.axes = self.figure.subplots(**grid)
            self._moving = tuple(self.prepare())
        for artist in self._moving:
            artist.set_animated(True)
        self._background = None

    def prepare(self):
        """Draw what stays, and make the artists that move.

        Returns
        -------
        sequence of matplotlib.artist.Artist
            Those that move, the rearmost first.
        """
        raise NotImplementedError

    def draw(self, found):
        """Move the artists.

        Parameters
        ----------
        found : object
            What the lab's function computed.
        """
        raise NotImplementedError

    def repaint(self):
        """Paint also what stays anew: for a `draw` that has changed it."""
        self._background = None

    def png(self):
        """Return the picture as the bytes of a PNG.

        Returns
        -------
        bytes
            Always as many pixels.
        """
        if self._background is None:
            self._canvas.draw()
            # Laid out once: axes that jump about with each number cannot be read.
            self.figure.set_layout_engine("none")
            self._background = self._canvas.copy_from_bbox(self.figure.bbox)
        self._canvas.restore_region(self._background)
        for artist in self._moving:
            artist.axes.draw_artist(artist)
        content = io.BytesIO()
        pixels = np.asarray(self._canvas.buffer_rgba())
        # Little compression: the picture goes as far as the browser, once.
        matplotlib.image.imsave(
            content, pixels, format="png", pil_kwargs={"compress_level": 1}
        )
        return content.getvalue()


class Lab(ipywidgets.VBox):
    """Controls, a picture, and a line of numbers.

    Parameters
    ----------
    controls : dict of str to ipywidgets.Widget
        Each becomes an attribute of that name, and an argument of `compute`.
    compute : callable
        From the controls' values to what `picture` draws; its `str` is the readout.
    picture : Picture
        Of this lab alone.
    hint : str
        What to try.
    below : sequence of ipywidgets.Widget
        Below the controls: what is no argument of `compute`, such as a sound.
    image : ipywidgets.DOMWidget, optional
        What shows the picture: the bytes of a PNG, its `value`, `width` pixels wide.

    Attributes
    ----------
    found : object
        What `compute` last returned.
    answered : dict
        Values of the controls that picture and readout belong to, by name.
    image : ipywidgets.Image
        The picture.
    readout : ipywidgets.HTML
        The numbers; or, if `compute` refused the values, why.
    """

    def __init__(self, controls, compute, picture, hint, below=(), image=None):
        self._controls = dict(controls)
        self._first = {name: control.value for name, control in controls.items()}
        self._compute = compute
        self._picture = picture
        self._held = False
        # A moved slider is answered in a thread of its own, while a cell may run.
        self._lock = threading.RLock()
        self.found = None
        self.answered = {}
        self.image = ipywidgets.Image(format="png") if image is None else image
        self.image.width = round(picture.figure.get_figwidth() * _DPI)
        self.image.layout.max_width = "100%"
        self.readout = ipywidgets.HTML()
        self.readout.add_class("siamlab-readout")
        self.reset_button = ipywidgets.Button(
            description="reset", icon="undo", layout={"width": "8em"}
        )
        self.reset_button.on_click(lambda _: self.reset())
        for name, control in self._controls.items():
            setattr(self, name, control)
            control.style.description_width = "8em"
            if isinstance(control, ipywidgets.ToggleButtons):
                # In one line with its label, however many there are.
                control.style.button_width = "auto"
            else:
                control.layout.width = "24em"
            control.observe(self._changed, "value")
        left = [*self._controls.values(), self.reset_button, *below]
        right = [self.image, self.readout, ipywidgets.HTML(f"<i>Try: {hint}</i>")]
        # Beside the picture if there is room; else above it, side by side.
        row = ipywidgets.Box(
            [
                ipywidgets.Box(left, layout={"flex": "1 1 24em", **_WRAP}),
                ipywidgets.VBox(right, layout={"max_width": "100%"}),
            ],
            layout=_WRAP,
        )
        super().__init__([row])
        self._redraw()

    def reset(self):
        """Bring all controls back to where they began; one new picture."""
        self.set(**self._first)

    def set(self, **values):
        """Move several controls at once; one new picture.

        Parameters
        ----------
        **values
            Of the controls, by name.
        """
        self._held = True
        try:
            for name, value in values.items():
                self._controls[name].value = value
        finally:
            self._held = False
        self._redraw()

    def _changed(self, _):
        if not self._held:
            self._redraw()

    def _redraw(self):
        with self._lock:
            values = {name: control.value for name, control in self._controls.items()}
            try:
                found = self._compute(**values)
            except SiamlabError as error:
                # An exception in here would be lost in the browser's log.
                self.readout.value = f"<b>{error}</b>"
            else:
                self.found = found
                self._show(found)
            self.answered = values

    def _show(self, found):
        """Bring what was found before the reader's eyes."""
        self._picture.draw(found)
        self.image.value = self._picture.png()
        self.readout.value = str(found)

    def _repr_keys(self):
        """Name no traits: the readout tells what there is to know."""
        return iter(())

    def _repr_mimebundle_(self, **kwargs):
        """Show the widget; where none can live, its picture."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            still = base64.b64encode(self.image.value).decode("ascii")
            bundle["image/png"] = still
        return bundle
