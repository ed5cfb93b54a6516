"""The base of all labs: controls on the left, a picture and numbers next to them.

Each lab consists of a plain function, from parameters to numbers, and of a `Picture`,
whose artists are moved instead of drawn again.
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
    """A figure in which some artists move in front of a fixed background.

    The background, axes and all their text, is painted once: that is most of the work.

    Parameters
    ----------
    size : tuple of float
        Width and height in inches, at 80 pixels per inch.
    mosaic : str
        One letter for each cell of a grid, with ";" between rows. Cells of one letter
        are one plot.
    **grid
        As for `matplotlib.figure.Figure.subplot_mosaic`.
    """

    def __init__(self, size, mosaic, **grid):
        with matplotlib.style.context(plots.STYLE):
            # Not a figure of pyplot, which would show it and keep it alive.
            self.figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
            self._canvas = FigureCanvasAgg(self.figure)
            self.axes = [*self.figure.subplot_mosaic(mosaic, **grid).values()]
            self._moving = tuple(self.prepare())
        for artist in self._moving:
            artist.set_animated(True)
        self._background = None

    def prepare(self):
        """Draw the background, and create the artists that move.

        Returns
        -------
        sequence of matplotlib.artist.Artist
            Those that move, from back to front.
        """
        raise NotImplementedError

    def draw(self, result):
        """Move the artists.

        Parameters
        ----------
        result : object
            What the function of the lab computed.
        """
        raise NotImplementedError

    def repaint(self):
        """Paint the background again, after a `draw` that has changed it."""
        self._background = None

    def png(self):
        """Return the picture as the bytes of a PNG.

        Returns
        -------
        bytes
            Always of the same size in pixels.
        """
        if self._background is None:
            self._canvas.draw()
            # The layout is computed once, so that the axes stay in place.
            self.figure.set_layout_engine("none")
            self._background = self._canvas.copy_from_bbox(self.figure.bbox)
        self._canvas.restore_region(self._background)
        for artist in self._moving:
            artist.axes.draw_artist(artist)
        content = io.BytesIO()
        pixels = np.asarray(self._canvas.buffer_rgba())
        # Little compression: the picture is sent to the browser, once.
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
        From the values of the controls to what `picture` draws; its `str` is the
        readout.
    picture : Picture
        Used by this lab only.
    hint : str
        Suggestion what to try.
    extra_widgets : sequence of ipywidgets.Widget
        Placed below the controls, such as an audio player.
    image : ipywidgets.DOMWidget, optional
        Shows the picture: `value`, the bytes of a PNG, `width` pixels wide.

    Attributes
    ----------
    result : object
        What `compute` last returned.
    shown_values : dict
        Values of the controls for which picture and readout are shown, by name.
    image : ipywidgets.Image
        The picture.
    readout : ipywidgets.HTML
        The numbers, or an error message if `compute` refused the values.
    """

    def __init__(self, controls, compute, picture, hint, extra_widgets=(), image=None):
        self._controls = dict(controls)
        self._initial_values = {
            name: control.value for name, control in controls.items()
        }
        self._compute = compute
        self._picture = picture
        self._paused = False
        # Slider events are handled in another thread than cells.
        self._lock = threading.RLock()
        self.result = None
        self.shown_values = {}
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
                # All buttons in one line with the label.
                control.style.button_width = "auto"
            else:
                control.layout.width = "24em"
            control.observe(self._changed, "value")
        left = [*self._controls.values(), self.reset_button, *extra_widgets]
        right = [self.image, self.readout, ipywidgets.HTML(f"<i>Try: {hint}</i>")]
        # Controls next to the picture, or above it in a narrow window.
        row = ipywidgets.Box(
            [
                ipywidgets.Box(left, layout={"flex": "1 1 24em", **_WRAP}),
                ipywidgets.VBox(right, layout={"max_width": "100%"}),
            ],
            layout=_WRAP,
        )
        super().__init__([row])
        self._update()

    def reset(self):
        """Reset all controls to their initial values, and update the picture once."""
        self.set(**self._initial_values)

    def set(self, **values):
        """Set several controls at once, and update the picture once.

        Parameters
        ----------
        **values
            New values, by the names of the controls.
        """
        self._paused = True
        try:
            for name, value in values.items():
                self._controls[name].value = value
        finally:
            self._paused = False
        self._update()

    def _changed(self, _):
        if not self._paused:
            self._update()

    def _update(self):
        with self._lock:
            values = {name: control.value for name, control in self._controls.items()}
            try:
                result = self._compute(**values)
            except SiamlabError as error:
                # An exception would only appear in the log of the browser.
                self.readout.value = f"<b>{error}</b>"
            else:
                self.result = result
                self._show(result)
            self.shown_values = values

    def _show(self, result):
        """Show a result."""
        self._picture.draw(result)
        self.image.value = self._picture.png()
        self.readout.value = str(result)

    def _repr_keys(self):
        """Leave traits out of the representation."""
        return iter(())

    def _repr_mimebundle_(self, **kwargs):
        """Return the widget, and its picture for viewers without widgets."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            still = base64.b64encode(self.image.value).decode("ascii")
            bundle["image/png"] = still
        return bundle
